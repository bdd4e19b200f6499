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


def test_a_screen_reader_is_given_place_value_and_class(seen):
    """After moving the token by the keyboard alone; with the numbers of the maps that are drawn."""
    seen.page.wait_for_function("cvt.explorer().ref.live.textContent")
    seen.picture().focus()
    seen.page.keyboard.press("ArrowRight")
    seen.page.wait_for_function("cvt.explorer().ref.live.textContent.startsWith('At row ')")
    place, share, weights = seen.page.evaluate(
        """async () => {
        const { cellAt } = await import("/modules/shared/geometry.js"), { attentionMap } = await import("/modules/explorer/views.js");
        const { result, state } = cvt.explorer(), [first] = result.header.top;
        const { row, column } = cellAt(result.stages[state.stage].query, state.y, state.x);
        return [[row + 1, column + 1], first.probability, [...attentionMap(result, state, state.stage).values]];
    }"""
    )
    found = axe.tree(seen.page)
    (told,) = [description for role, _, _, description in found if role == "application"]
    assert told.startswith(f"At row {place[0]}, column {place[1]}. This spot looks ")
    assert f"Brightest key, {brightest(told)}: {percent(max(weights))}, " in told
    assert told.endswith(f"Most probable: class 9, {percent(share)}.")
    assert any(role == "button" and "class 9" in name and percent(share) in name for role, name, *_ in found)
    (shown,) = [name for role, name, *_ in found if role == "button" and name.startswith("Attention of stage 2:")]
    assert f"row {place[0]}, col {place[1]}, max {percent(max(weights))}" in shown


def percent(share: float) -> str:
    """As the page writes it: two digits, or whole from 10 % on."""
    return f"{float(f'{100 * share:.2g}'):.{0 if share >= 0.0995 else 1}f}\u202f%"


def brightest(told: str) -> str:
    return told.split("Brightest key, ")[1].split(":")[0]
