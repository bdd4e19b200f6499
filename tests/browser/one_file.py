"""Explorers in one HTML file without a server: modules, styles and the bytes of results are all in it."""

from __future__ import annotations

import base64
import json
import posixpath
import re
from collections.abc import Mapping

from tests.helpers import script
from visualize.web import explorer

# Modules of a file:// page cannot be imported by their paths: each becomes a blob:, which an import map finds by its name.
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Explorers</title><link rel="icon" href="data:,">
<style>body {{ margin: 0 }} .row {{ display: grid; grid-template-columns: 300px minmax(0, 1fr); gap: 20px }} {css}</style>
<body>{bodies}<script>
const modules = {modules}, results = {results}, insides = {insides};
const bytes = (text) => text === undefined ? null : Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer;
const source = (inside) => ({{
  result: async (key) => bytes(results[key]),
  block: async () => null,
  ...(inside && {{ inside: async (...place) => bytes(insides[place.join("/")]) }}),
}});
const imports = Object.fromEntries(Object.entries(modules).map(([name, text]) => [
  "cvt/" + name, URL.createObjectURL(new Blob([text], {{ type: "text/javascript" }}))]));
const map = document.createElement("script");
map.type = "importmap";
map.textContent = JSON.stringify({{ imports }});
document.head.append(map);
const part = (id, name) => document.querySelector(`[data-explorer="${{id}}"][data-part="${{name}}"]`);
const explorers = {{}}, stops = {{}};
const mount = async (id, key, inside) => {{
  const module = await import("cvt/explorer/mount.js");
  stops[id] = module.mount({{ picture: part(id, "picture"), panels: part(id, "panels") }},
    {{ source: source(inside), value: {{ key }}, ready: (explorer) => {{ explorers[id] = explorer; }} }});
}};
</script></body></html>"""


def modules(entry: str) -> dict[str, str]:
    """A module and all that it leads to, by their paths below ``visualize/web``; they import each other as ``cvt/<path>``."""
    found: dict[str, str] = {}
    left = [entry]
    while left:
        name = left.pop()
        if name in found:
            continue

        def by_name(match: re.Match[str], folder: str = posixpath.dirname(name)) -> str:
            left.append(posixpath.normpath(posixpath.join(folder, match[1])))
            return f'from "cvt/{left[-1]}"'

        found[name] = re.sub(r'from "(\..+?)"', by_name, script(name))
    return found


def one_file(ids: list[str], results: Mapping[str, bytes], insides: Mapping[str, bytes]) -> str:
    """The file. ``results``: payloads by their keys; ``insides``: those of the microscope by ``key/stage/block``.

    Its ``mount(id, key, inside)`` brings an explorer to life, ``explorers[id]`` is then the explorer and ``stops[id]`` its clean-up.
    """

    def embedded(parts: Mapping[str, bytes]) -> str:
        return json.dumps({name: base64.b64encode(part).decode() for name, part in parts.items()})

    bodies = "".join(f'<div class="row">{explorer.picture_html(each)}<div>{explorer.panels_html(each)}</div></div>' for each in ids)
    scripts = json.dumps(modules("explorer/mount.js")).replace("</", "<\\/")
    return PAGE.format(css=explorer.CSS, bodies=bodies, modules=scripts, results=embedded(results), insides=embedded(insides))
