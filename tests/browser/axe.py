"""Checks a page by the rules of axe-core, which `npm ci --prefix tests/web` brings, and by the tree that a screen reader reads."""

from pathlib import Path

import pytest

AXE = Path(__file__).parent.parent / "web" / "node_modules" / "axe-core" / "axe.min.js"
CONTRAST = ("color-contrast",)
RUN = """([within, only]) => axe.run(within ?? document, {
  resultTypes: ["violations"], preload: !within, ...(only.length && { runOnly: only }),
}).then(({ violations }) => violations.map(({ id, nodes }) => ({ id,
  nodes: nodes.map(({ html, failureSummary }) => [html, failureSummary]) })))"""


CONTROLS = {"application", "button", "checkbox", "combobox", "link", "radio", "slider", "spinbutton", "tab", "textbox"}


def tree(page) -> list[tuple[str, ...]]:
    """What Chromium gives a screen reader: each thing's role, name, value and description."""
    wire = page.context.new_cdp_session(page)
    nodes = [node for node in wire.send("Accessibility.getFullAXTree")["nodes"] if not node["ignored"]]
    wire.detach()
    return [tuple(str(node.get(key, {}).get("value", "")) for key in ("role", "name", "value", "description")) for node in nodes]


def unnamed(page) -> list[dict]:
    """Controls without a name in that tree: to axe-core, any text within a button is its name; in the tree, a figure's is not."""
    found = [each for each in tree(page) if each[0] in CONTROLS and not each[1].strip()]
    return [{"id": "no name in the tree", "nodes": found}] if found else []


def violations(page, within: str | None = None, only: tuple[str, ...] = ()) -> list[dict]:
    """What axe-core finds in the part of a page that is shown, and ``unnamed``: {id, nodes} for each rule that is broken.

    ``within``: a selector; all of the page if None, of which alone the style sheets are looked at. ``only``: rules that are checked, all
    if none are named. Of the same page in dark, ``CONTRAST`` says all that is new.
    """
    if not AXE.exists():
        pytest.skip("needs axe-core: npm ci --prefix tests/web")
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    return page.evaluate(RUN, [within, only]) + ([] if only else unnamed(page))
