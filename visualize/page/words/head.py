"""The text around the explorer: the page's first line, a model's numbers, the list of models, and the examples' credits."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cvt.architecture.amounts import in_words
from cvt.architecture.cost import cost

from ...web.scripts import template_text

if TYPE_CHECKING:
    from ..model import LoadedModel


HEADER = '<div class="cvt-head"><h1>CvT <span>Explorer</span></h1><p>How a vision transformer with convolutions sees your picture</p></div>'


def numbers(loaded: LoadedModel) -> str:
    """A model's parameters, classes and input, as text."""
    parameters = cost(loaded.config, loaded.side, loaded.side).parameters
    return f"{in_words(parameters)} parameters · {loaded.config.num_labels} classes · input {loaded.side}×{loaded.side}"


def choice(names: Sequence[str]) -> str:
    """The template of the list of models."""
    texts = [template_text(name) for name in names]
    options = "".join(f'<option value="{text}">{text}</option>' for text in texts)
    return f'<select class="cvt-choose" aria-label="Model">{options}</select>'


# A row of SOURCES.md: file, what it shows, class, author, licence, …
_SOURCE = re.compile(r"^\| `(?P<file>[^`]+)`[^|]*\|[^|]*\|[^|]*\| (?P<author>[^|]+?) \| \[(?P<licence>[^\]]+)\]\((?P<url>[^)]+)\) \|", re.M)


def credits(pictures: Sequence[Path]) -> str:
    """The photographers of the examples and the licences, from ``SOURCES.md`` next to them.

    Raises:
        ValueError: a picture without a row there.
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
