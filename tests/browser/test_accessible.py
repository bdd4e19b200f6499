"""The first tab by the rules of axe-core: light and dark, in every depth and part, with what opens over it."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.browser import axe

pytest.importorskip("gradio")

pytestmark = pytest.mark.browser
STATES = [
    *({"depth": depth, "part": "stage"} for depth in ("none", "attention", "features", "inside", "drawing", "export")),
    {"depth": "none", "layer": "class"},
    {"depth": "none", "layer": "features"},
    {"depth": "features", "features": "similarity", "layer": "features"},
    {"part": "embedding", "ancestors": True},
    {"part": "classifier"},
]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_nothing_is_found_wrong(seen, dark):
    seen.page.evaluate("(dark) => document.body.classList.toggle('dark', dark)", dark)
    try:
        opened = seen.page.evaluate("cvt.explorer().state")
        for changes in STATES:
            seen.page.evaluate("(state) => cvt.explorer().set(state)", {**opened, **changes})
            if changes.get("depth") == "inside":
                seen.page.wait_for_function("[...cvt.explorer().result.insides.values()].some(Boolean)")
            seen.drawn()
            within = None if changes == STATES[0] else '[data-explorer="main"]'  # the rest of the page is in all states the same
            assert axe.violations(seen.page, within, only=axe.CONTRAST if dark else ()) == [], changes
    finally:
        seen.page.evaluate("document.body.classList.remove('dark')")


def test_headings_go_down_in_order(seen):
    for depth in ("none", "attention", "features", "inside", "drawing", "export"):
        seen.page.evaluate("(depth) => cvt.explorer().set({ depth })", depth)
        seen.drawn()
        levels = seen.page.evaluate(
            "[...document.querySelectorAll('h1, h2, h3, h4, h5')].filter((each) => each.checkVisibility()).map((each) => +each.tagName[1])"
        )
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(after <= before + 1 for before, after in pairwise(levels)), (depth, levels)


def test_landmarks_have_names_of_their_own(seen):
    names = seen.page.evaluate(
        """[...document.querySelectorAll("section[aria-label], nav, aside, [role=region]")].filter((each) => each.checkVisibility())
        .map((each) => [each.tagName, each.getAttribute("aria-label")].join(" "))"""
    )
    assert len(names) > 3
    assert len(set(names)) == len(names)
