"""The text around the explorer: the page's first line, a model's numbers, and the examples' credits."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from pathlib import Path

from cvt.architecture.amounts import in_words
from cvt.architecture.cost import cost
from cvt.config import CvtConfig

# inline, because browsers request an icon file twice
ICON = (
    "<link rel=\"icon\" href=\"data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E"
    "%3Cg fill='%230757c2'%3E%3Cpath d='M1 1h6v6H1z'/%3E%3Cpath d='M9 1h6v6H9z' opacity='.5'/%3E"
    "%3Cpath d='M1 9h6v6H1z' opacity='.25'/%3E%3Cpath d='M9 9h6v6H9z' opacity='.75'/%3E%3C/g%3E%3C/svg%3E\">"
)
HEADER = '<div class="cvt-head"><h1>CvT <span>Explorer</span></h1><p>How a vision transformer with convolutions sees your picture</p></div>'


def kept(after: int, every: int) -> str:
    """For how long a picture of somebody's own is kept by a server that deletes those of ``after`` seconds every so many seconds."""
    return f"Your own pictures are deleted from the server within {(after + every) // 60} minutes."


def numbers(config: CvtConfig, side: int) -> str:
    """The parameters, classes and input of a model for pictures of this side, as text."""
    parameters = cost(config, side, side).parameters
    return f"{in_words(parameters)} parameters · {config.num_labels} classes · input {side}×{side}"


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
