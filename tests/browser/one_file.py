"""Explorers in one HTML file without a server: scripts, styles and the bytes of results are all in it."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping

from visualize.alone.bundle import loader
from visualize.web import explorer

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Explorers</title><link rel="icon" href="data:,">
<style>body {{ margin: 0 }} .row {{ display: grid; grid-template-columns: 300px minmax(0, 1fr); gap: 20px }} {css}</style>
<body>{bodies}<script>
const loaded = {loaded}, results = {results}, insides = {insides};
const bytes = (text) => text === undefined ? null : Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer;
const source = (inside) => ({{
  result: async (key) => bytes(results[key]),
  block: async () => null,
  ...(inside && {{ inside: async (...place) => bytes(insides[place.join("/")]) }}),
}});
const part = (id, name) => document.querySelector(`[data-explorer="${{id}}"][data-part="${{name}}"]`);
const explorers = {{}}, stops = {{}};
const mount = async (id, key, inside) => {{
  stops[id] = (await loaded).mount({{ picture: part(id, "picture"), panels: part(id, "panels") }},
    {{ source: source(inside), value: {{ key }}, ready: (explorer) => {{ explorers[id] = explorer; }} }});
}};
</script></body></html>"""


def one_file(ids: list[str], results: Mapping[str, bytes], insides: Mapping[str, bytes]) -> str:
    """The file. ``results``: payloads by their keys; ``insides``: those of the microscope by ``key/stage/block``.

    Its ``mount(id, key, inside)`` brings an explorer to life, ``explorers[id]`` is then the explorer and ``stops[id]`` its clean-up.
    """

    def embedded(parts: Mapping[str, bytes]) -> str:
        return json.dumps({name: base64.b64encode(part).decode() for name, part in parts.items()})

    bodies = "".join(f'<div class="row">{explorer.picture_html(each)}<div>{explorer.panels_html(each)}</div></div>' for each in ids)
    loaded = loader("explorer/mount.js")
    return PAGE.format(css=explorer.CSS, bodies=bodies, loaded=loaded, results=embedded(results), insides=embedded(insides))
