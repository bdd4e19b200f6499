"""What the page says around the explorer: its head, the costs of an architecture, and how far a prediction can be trusted."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cvt.amounts import in_words
from cvt.config import CvtConfig, Size
from cvt.cost import CvtCost, cost

if TYPE_CHECKING:
    from .bench import Bench

ARCHITECTURE = (
    "Move a slider: the page builds that architecture with random weights and runs your picture through it. "
    "You see what it costs, how its grids change, and how its maps differ before any training."
)
BUILT = "This is your variant. Its weights are random: the same seed always gives the same ones."
UNTRAINED = "Random weights: these classes mean nothing. Grids, costs and geometry are true; compare those."


def header(bench: Bench, named: bool = True) -> str:
    """The page's first line, and which model it shows; ``named``: no choice of models beside it says its name."""
    config = bench.config
    depth = "-".join(map(str, config.depth))
    result = cost(config, bench.side, bench.side)
    facts = f"{in_words(result.parameters)} parameters · blocks {depth} · {config.num_labels} classes · input {_grid((bench.side,) * 2)}"
    name = f"<b>{html.escape(bench.name)}</b> " if named else ""
    return (
        '<div class="cvt-head"><h1>CvT Explorer</h1>'
        "<p>See what each stage of a Convolutional vision Transformer does to your picture.</p>"
        f'<p class="cvt-head-model">{name}{facts}</p></div>'
    )


def accuracy(config: CvtConfig) -> str:
    """How often the model is right, where its config says so; an empty sentence where it does not."""
    measured = config.extra.get("evaluation")
    if not isinstance(measured, dict) or not isinstance(measured.get("top1"), float):
        return ""
    return (
        f"Of pictures that it never saw, this model names {measured['top1']:.0%} correctly, out of {config.num_labels} classes. "
        "What is in none of them, it cannot name."
    )


def status(sentence: str, problem: bool = False) -> str:
    """One line that a screen reader says when it changes."""
    kind, role = ("problem", "alert") if problem else ("fine", "status")
    return f'<p class="cvt-status" data-kind="{kind}" role="{role}">{html.escape(sentence)}</p>'


def costs(bench: Bench, config: CvtConfig) -> str:
    """A table of what ``config`` costs a stage and in total, beside the bench's own model."""
    side = bench.side
    variant, own = cost(config, side, side), cost(bench.config, side, side)
    stages = range(len(variant.stages))
    rows = [
        ("Query grid", [_grid(variant.stages[i].query_grid) for i in stages], "", ""),
        ("Key grid", [_grid(variant.stages[i].key_grid) for i in stages], "", ""),
        ("Attention weights", [in_words(variant.stages[i].attention_entries) for i in stages], *_total("attention_entries", variant, own)),
        ("Parameters", [in_words(variant.stages[i].parameters) for i in stages], *_total("parameters", variant, own)),
        ("Multiply-adds", [in_words(variant.stages[i].macs) for i in stages], *_total("macs", variant, own)),
    ]
    heads = "".join(f'<th scope="col">Stage {i + 1}</th>' for i in stages)
    body = "".join(
        f'<tr><th scope="row">{name}</th>{"".join(f"<td>{value}</td>" for value in values)}<td>{total}</td><td>{change}</td></tr>'
        for name, values, total, change in rows
    )
    return (
        f'<div class="cvt-costs"><table><caption>Costs of this variant for a {side}×{side} picture</caption>'
        f'<thead><tr><td></td>{heads}<th scope="col">In all</th><th scope="col">Against the model</th></tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _total(name: str, variant: CvtCost, own: CvtCost) -> tuple[str, str]:
    value, before = getattr(variant, name), getattr(own, name)
    return in_words(value), _change(value, before)


def _change(value: int, before: int) -> str:
    if value == before:
        return "the same"
    ratio = value / before
    if ratio >= 2:
        return f"{ratio:.1f} × as many"
    return f"{abs(ratio - 1):.1%} {'more' if ratio > 1 else 'fewer'}"


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
