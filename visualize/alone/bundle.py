"""Makes one script of a module of ``visualize/web`` and all that it leads to, for pages without a server that could serve them.

The modules stay as they are on disk. When the script runs, each becomes a ``blob:`` whose imports are the addresses of the others, so
that the script needs no import map and two of them in one page do not meet. A Content-Security-Policy must allow ``blob:`` scripts.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterable, Iterator
from functools import cache

from ..page.link.choices import MODULE, as_module
from ..web import FOLDER

# The path in an import or export at the start of a line, or in an import( ) that no comment holds, as types are imported.
_COMMENT = r"""(?<![\w"'/*])/\*.*?\*/|(?<![:"'\\])//[^\n]*"""
_STATIC = r'^(?:import|export)\b(?:[\w\s{},*$]*?\bfrom)?\s*"(?P<static>\.{1,2}/[^"]+)"'
_DYNAMIC = r'\bimport\(\s*"(?P<dynamic>\.{1,2}/[^"]+)"\s*\)'
_PATHS = re.compile(f"{_COMMENT}|{_STATIC}|{_DYNAMIC}", re.MULTILINE | re.DOTALL)
_LOAD = "alone/load.js"
LESS = "\\u003c"  # a text of JSON has it for "<", so that no tag begins in it


def script(name: str) -> str:
    """A script by its path below ``visualize/web``, as the page's server hands it out too."""
    return as_module() if name == MODULE else (FOLDER / name).read_text(encoding="utf-8")


def modules(entry: str) -> dict[str, list[str]]:
    """The texts of a module and of all that it leads to, by their paths below ``visualize/web``; each comes after what it imports.

    Each text is split where it names another module: every second part is such a path, and all parts in a row are the text.

    Raises:
        ValueError: modules import each other in a circle. OSError: a module that is not there.
    """
    found: dict[str, list[str]] = {}

    def visit(name: str, way: tuple[str, ...]) -> None:
        if name in way:
            raise ValueError(f"Modules import each other in a circle: {' → '.join([*way, name])}.")
        if name in found:
            return
        parts = list(_parts(script(name)))
        for path in parts[1::2]:
            visit(posixpath.normpath(posixpath.join(posixpath.dirname(name), path)), (*way, name))
        found[name] = parts

    visit(entry, ())
    return found


def needed(entries: Iterable[str]) -> set[str]:
    """The paths of modules and of all that they lead to before they run: not by ``import( )``."""
    left, found = list(entries), set[str]()
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            paths = (match["static"] for match in _PATHS.finditer(script(name)) if match["static"])
            left += [posixpath.normpath(posixpath.join(posixpath.dirname(name), path)) for path in paths]
    return found


@cache
def packed(entry: str) -> str:
    """``modules`` as JSON for the function ``load`` of ``web/alone/load.js``."""
    found = modules(entry)
    keep = any(match["dynamic"] for name in found for match in _PATHS.finditer(script(name)))
    return json.dumps({"modules": list(found.items()), "keep": keep}, ensure_ascii=False, separators=(",", ":"))


@cache
def loader(entry: str) -> str:
    """A JavaScript expression: the promise of the entry module's namespace. It can stand within ``<script>``."""
    function = script(_LOAD).partition("export ")[2]
    return f"({function})({packed(entry).replace('<', LESS)})"


def bundle(entry: str) -> str:
    """The text of a module whose default export is that of the entry module. It can stand within ``<script type="module">``."""
    return f"const loaded = await {loader(entry)};\nexport default loaded.default;\n"


def _parts(text: str) -> Iterator[str]:
    end = 0
    for match in _PATHS.finditer(text):
        if match.lastgroup:  # not a comment
            yield text[end : match.start(match.lastgroup)]
            yield match[match.lastgroup]
            end = match.end(match.lastgroup)
    yield text[end:]
