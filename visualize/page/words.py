"""What the page says around the explorer: its head, where weights come from, and how far a prediction can be trusted."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cvt.architecture.amounts import in_words
from cvt.architecture.cost import cost
from cvt.architecture.inheritance import report
from cvt.config import CvtConfig, Size
from cvt.pictures import note_sentence

from ..web.scripts import template_text
from .compute import BUILDING, RUNNING
from .jobs import WAITING
from .requests import INHERITED

if TYPE_CHECKING:
    from ..explore import Exploration
    from .jobs import Step
    from .model import LoadedModel
    from .requests import ModelRequest

UNMEASURED = "This model was never measured: how often it is right is not known."
LEAST_SEEN = 0.4  # of a picture's area, which most cameras' pictures keep: below that it is said that the rest was cut off
MOST_STRETCHED = 1.5  # one side against the other
STEPS = {WAITING: "Waiting in line", BUILDING: "Building the variant", RUNNING: "Running your picture through it"}
UNTRAINED = "Random weights: these classes mean nothing. Grids, costs and geometry are true; compare those."


def header(loaded: LoadedModel, named: bool = True) -> str:
    """The page's first line, and which model it shows; ``named``: no choice of models beside it says its name."""
    config = loaded.config
    result = cost(config, loaded.side, loaded.side)
    facts = f"{in_words(result.parameters)} parameters · {config.num_labels} classes · input {_grid((loaded.side,) * 2)}"
    name = f"<b>{html.escape(loaded.name)}</b> " if named else ""
    return (
        '<div class="cvt-head"><h1>CvT Explorer</h1>'
        "<p>See what each stage of a Convolutional vision Transformer does to your picture.</p>"
        f'<p class="cvt-head-model">{name}{facts}</p></div>'
    )


def choice(names: Sequence[str]) -> str:
    """The template of an element that chooses one of the models."""
    texts = [template_text(name) for name in names]
    options = "".join(f'<option value="{text}">{text}</option>' for text in texts)
    return f'<select class="cvt-choose" aria-label="Model">{options}</select>'


def accuracy(config: CvtConfig) -> str:
    """How often the model is right, where its config says so; that nobody knows, where it does not."""
    measured = config.extra.get("evaluation")
    share = measured.get("top1") if isinstance(measured, dict) else None
    if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 <= share <= 1:  # nor is NaN
        return UNMEASURED
    classes = "one class" if config.num_labels == 1 else f"{config.num_labels} classes"
    return f"It classifies {100 * share:.0f}\u202f% of unseen pictures correctly. It knows only these {classes}."


def notes(seen: Exploration) -> list[str]:
    """What was done to the picture before the model saw it, in sentences; none where nothing is worth a word."""
    return [*map(note_sentence, seen.notes), *_framing(seen)]


def _framing(seen: Exploration) -> list[str]:
    """What became of a picture that is far from the model's input in shape."""
    (left, top, right, bottom), (width, height) = seen.crop_box, seen.original_size
    rows, columns = seen.pixels.shape[:2]
    whole = f"{width}×{height} pixels"
    if (right - left) * (bottom - top) < LEAST_SEEN * width * height:
        return [f"The model saw only the middle square of {whole}."]
    stretched = (right - left) * rows / ((bottom - top) * columns)
    if max(stretched, 1 / stretched) > MOST_STRETCHED:
        return [f"The model saw all of the {whole}, squeezed into a square."]
    return []


def weights(config: CvtConfig, side: int, variant: ModelRequest) -> str:
    """Where a variant's weights come from, and what that means for its prediction; the config and the side are the loaded model's."""
    if variant.weights != INHERITED:
        return UNTRAINED
    inherited = report(config, variant.architecture or config)
    if inherited.same and variant.side is not None:
        return (
            f"All weights are the trained model's. It sees {_grid((variant.side,) * 2)} pixels instead of {_grid((side,) * 2)}, "
            "so the prediction differs."
        )
    return inherited.sentence


def progress(step: Step) -> str:
    """What a run is doing."""
    share = f", {step.share:.0%}" if step.share else ""
    return f"{STEPS[step.name]}{share} …"


def _grid(size: Size) -> str:
    return f"{size[0]}×{size[1]}"


# A row of SOURCES.md: file, what it shows, class, author, licence, …
_SOURCE = re.compile(r"^\| `(?P<file>[^`]+)`[^|]*\|[^|]*\|[^|]*\| (?P<author>[^|]+?) \| \[(?P<licence>[^\]]+)\]\((?P<url>[^)]+)\) \|", re.M)


def credits(pictures: Sequence[Path]) -> str:
    """Who made the example photographs, and under which licence, as ``SOURCES.md`` beside them says.

    Raises:
        ValueError: a picture that has no row there.
    """
    if not pictures:
        return ""
    sources = {row["file"]: row for row in _SOURCE.finditer((pictures[0].parent / "SOURCES.md").read_text(encoding="utf-8"))}
    parts = []
    for picture in pictures:
        if picture.name not in sources:
            raise ValueError(f"SOURCES.md does not say where {picture.name} comes from.")
        row = sources[picture.name]
        author, licence, url = (html.escape(row[name]) for name in ("author", "licence", "url"))
        name = picture.stem.replace("_", " ")
        parts.append(f'{name}: {author} (<a href="{url}" target="_blank" rel="noopener">{licence}</a>)')
    return f'<details class="cvt-credits"><summary>Who took the examples</summary><p>{"; ".join(parts)}.</p></details>'
