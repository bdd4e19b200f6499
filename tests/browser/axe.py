"""Checks a page by the rules of axe-core, which `npm ci --prefix tests/web` brings."""

from pathlib import Path

import pytest

AXE = Path(__file__).parent.parent / "web" / "node_modules" / "axe-core" / "axe.min.js"
CONTRAST = ("color-contrast",)
RUN = """([within, only]) => axe.run(within ?? document, {
  resultTypes: ["violations"], preload: !within, ...(only.length && { runOnly: only }),
}).then(({ violations }) => violations.map(({ id, nodes }) => ({ id,
  nodes: nodes.map(({ html, failureSummary }) => [html, failureSummary]) })))"""


def violations(page, within: str | None = None, only: tuple[str, ...] = ()) -> list[dict]:
    """What axe-core finds in the part of a page that is shown: {id, nodes: [html, summary]} for each rule that is broken.

    ``within``: a selector; all of the page if None, of which alone the style sheets are looked at. ``only``: rules that are checked, all
    if none are named. Of the same page in dark, ``CONTRAST`` says all that is new.
    """
    if not AXE.exists():
        pytest.skip("needs axe-core: npm ci --prefix tests/web")
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    return page.evaluate(RUN, [within, only])
