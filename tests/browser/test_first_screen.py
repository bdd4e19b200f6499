"""The first screen at every size: what is in it, how little it asks to read, how large it is, and that nothing moves while it loads."""

from __future__ import annotations

import pytest

pytest.importorskip("gradio")

pytestmark = pytest.mark.browser
SIZES = [(1440, 900), (1024, 768), (1920, 1080), (390, 844)]
LOOK = '[data-explorer="main"]'
FIRST = {
    "the picture": f"{LOOK} [data-ref=picture]",
    "the verdict": f"{LOOK} [data-ref=verdict]",
    "an example": "[data-strip] button:first-child",
    "another example": "[data-strip] button:nth-child(3)",
    "one's own picture": "[data-own=choose]",
}
DEPTHS = ("none", "attention", "features", "inside", "drawing", "export")
BOX = """(selector) => { const { left, top, right, bottom } = document.querySelector(selector).getBoundingClientRect();
  return { left, top, right, bottom }; }"""
# What can be seen: not hidden, not clipped away, in the window or below it. Each with its text's size.
VISIBLE = """const visible = (element) => element.checkVisibility({ visibilityProperty: true, opacityProperty: true })
  && !element.closest(".cvt-hidden, .visually-hidden");"""
WORDS = f"""() => {{ {VISIBLE}
  const found = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), range = document.createRange();
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {{
    if (!node.data.trim() || /SCRIPT|STYLE|OPTION/.test(node.parentElement.tagName) || !visible(node.parentElement)) continue;
    range.selectNodeContents(node);
    const boxes = [...range.getClientRects()].filter(({{ width, height }}) => width > 1 && height > 1);
    if (boxes.some(({{ top, bottom, left }}) => bottom > 0 && top < innerHeight && left < innerWidth))
      found.push(...(node.data.match(/\\p{{L}}{{2,}}/gu) ?? []));
  }}
  return found; }}"""
SMALL = f"""(least) => {{ {VISIBLE}
  const found = new Set();
  for (const element of document.querySelectorAll("body *")) {{
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!own || /SCRIPT|STYLE|OPTION/.test(element.tagName) || element.closest("footer")) continue;
    if (!visible(element) || !element.getClientRects().length) continue;
    const size = parseFloat(getComputedStyle(element).fontSize);
    if (size < least) found.add(`${{size}} ${{element.tagName}}.${{element.className}}: ${{element.textContent.trim().slice(0, 30)}}`);
  }}
  return [...found]; }}"""
# Buttons and the like that are smaller than a finger or a pointer needs; those in a line of text only need its height.
TARGETS = f"""(least) => {{ {VISIBLE}
  const found = [];
  for (const element of document.querySelectorAll("button, a[href], input, select, summary, [role=tab], [tabindex='0']")) {{
    const held = element.closest("label") ?? element;
    if (!visible(element) || element.closest("footer") || (element.type === "file")) continue;
    const {{ width, height }} = held.getBoundingClientRect();
    const inText = element.matches("p a, p button, h2 button, li button");
    if (!width || !height) continue;
    if (height < least - 0.5 && !(inText && height >= Math.min(least, 24) - 0.5) || (width < least - 0.5 && !inText))
      found.push(`${{Math.round(width)}}×${{Math.round(height)}} ${{element.tagName}}.${{element.className}} ` +
        (element.dataset.ref ?? "") + " " + element.textContent.trim().slice(0, 30));
  }}
  return [...new Set(found)]; }}"""
# Tabs, buttons and menus of the first line that something else lies upon at one of their ends; by how much the flow is too wide;
# and how many lines one word takes in it.
COVERED = f"""() => {{ {VISIBLE}
  const first = document.querySelectorAll(".tab-container [role=tab], .cvt-page-top button, .cvt-page-top select");
  const covered = [...first].filter((each) => {{
    const {{ left, right, top, bottom }} = each.getBoundingClientRect();
    const ends = [left + 3, right - 3].map((x) => document.elementFromPoint(x, (top + bottom) / 2));
    return visible(each) && right > left && !ends.every((end) => end?.closest("button, select") === each);
  }});
  const flow = document.querySelector(".cvt-flow"), name = flow.querySelector(".cvt-finish b"), word = new Range();
  name.textContent = "viaduct";
  word.selectNodeContents(name);
  const lines = new Set([...word.getClientRects()].map(({{ top }}) => top)).size;
  return [covered.map((each) => each.textContent.trim().slice(0, 20)), flow.scrollWidth - flow.clientWidth, lines]; }}"""
WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def resized(seen, width: int, height: int) -> None:
    """The window in another size, once the explorer has followed it."""
    seen.page.set_viewport_size({"width": width, "height": height})
    seen.drawn()
    seen.page.wait_for_function("Math.abs(cvt.explorer().ref.overlay.clientWidth - cvt.explorer().ref.overlay.width) < 2")
    seen.drawn()


def opened(seen, depth: str) -> None:
    seen.page.evaluate("depth => cvt.explorer().set({ depth })", depth)
    seen.drawn()


def test_picture_verdict_examples_and_ones_own_are_in_it_and_edges_are_in_line(seen):
    for width, height in SIZES:
        resized(seen, width, height)
        all_is_in_it(seen, width, height)
        edges_are_in_line(seen, width)


def test_nothing_lies_upon_anything_else_in_between_the_usual_widths(seen):
    for width in (360, 390, 767, 768, 820, 879, 880, 912, 960, 999, 1000, 1024, 1100, 1200, 1440, 1599, 1600, 1799, 1800, 1920):
        resized(seen, width, 900)
        assert seen.page.evaluate(COVERED) == [[], 0, 1], width


def all_is_in_it(seen, width, height):
    assert seen.page.evaluate(WIDE) <= 0
    for name, selector in FIRST.items():
        box = seen.page.evaluate(BOX, selector)
        assert box["left"] >= 0, (name, width)
        assert box["top"] >= 0, (name, width)
        assert box["right"] <= width, (name, width)
        assert box["bottom"] <= height, (name, width)
    frame, verdict = (seen.page.evaluate(BOX, FIRST[name]) for name in ("the picture", "the verdict"))
    assert frame["left"] <= verdict["left"] < verdict["right"] <= frame["right"]  # on the picture
    assert frame["top"] <= verdict["top"] < verdict["bottom"] <= frame["bottom"]
    assert (frame["bottom"] - frame["top"]) >= 0.38 * height  # which is what the screen is about


def test_it_asks_for_few_words_and_few_presses_of_the_tab_key(seen):
    resized(seen, 1440, 900)
    words = seen.page.evaluate(WORDS)
    assert 40 < len(words) <= 100, words
    stops = []
    seen.page.evaluate("document.activeElement.blur()")
    for _ in range(40):
        seen.page.keyboard.press("Tab")
        stop = seen.page.evaluate(
            """() => { const each = document.activeElement, { top, bottom } = each.getBoundingClientRect();
            return each === document.body ? null
              : [bottom > 0 && top < 900, each.dataset.ref ?? each.textContent.trim().slice(0, 20), scrollY]; }"""
        )
        if stop is None or stop[2] > 0:  # it leads on, below the first screen
            break
        if stop[0]:
            stops.append(stop[1])
    assert "picture" in stops
    assert 5 < len(stops) <= 14, stops


@pytest.mark.parametrize(("width", "least"), [(390, 14), (1024, 14), (1440, 14), (1920, 18)])
def test_text_is_large_enough_to_be_read_and_targets_for_a_pointer(seen, width, least):
    resized(seen, width, 900)
    for depth in DEPTHS:
        opened(seen, depth)
        assert seen.page.evaluate(SMALL, least) == [], depth
        if width > 767:
            assert seen.page.evaluate(TARGETS, 24) == [], depth


SLOWER = 6  # times: its scripts are warm by now, and parts that appear one by one for a newcomer would come in one frame


@pytest.fixture
def slowed():
    """``slowed(page)`` slows the processor of a tab, until the end of the test."""
    wires = []

    def slow(page):
        wires.append(page.context.new_cdp_session(page))
        wires[-1].send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})

    yield slow
    for wire in wires:
        wire.detach()  # which ends the emulation: tabs are used again


@pytest.mark.parametrize("width", [390, 1024, 1440])
def test_nothing_moves_while_it_loads(slowed, visit, served, width):
    """The layout shift from the first frame to the drawn maps, by the browser's own measure, on a slow machine."""
    seen = visit(served, watch=slowed, viewport={"width": width, "height": 900})
    seen.page.wait_for_function("cvt.explorer().drawn === cvt.explorer().result", timeout=60_000)
    seen.drawn()
    shifts = seen.page.evaluate(
        """() => new Promise((done) => new PerformanceObserver((list, observer) => { observer.disconnect();
          done(list.getEntries().filter((each) => !each.hadRecentInput).map((each) => [each.value, Math.round(each.startTime),
            ...each.sources.map(({ node, previousRect, currentRect }) =>
              `${node?.nodeName}.${node?.className} ${previousRect.y}+${previousRect.height} → ${currentRect.y}+${currentRect.height}`)]));
        }).observe({ type: "layout-shift", buffered: true }) || setTimeout(done, 2000, []))"""
    )
    assert sum(value for value, *_ in shifts) <= 0.03, shifts


def edges_are_in_line(seen, width):
    def edges(*selectors: str) -> list[dict]:
        return [seen.page.evaluate(BOX, f"{LOOK} {each}") for each in selectors]

    column = edges("[data-ref=frame]", ".cvt-filmstrip", ".cvt-layers")
    for side in ("left", "right"):
        assert max(each[side] for each in column) - min(each[side] for each in column) <= 0.5, side
    right = edges("[data-ref=pipeline]", "[data-ref=headline]", "[data-ref=spots]", "[data-ref=questions]")
    assert max(each["left"] for each in right) - min(each["left"] for each in right) <= 0.5
    if width > 767:
        assert column[0]["top"] == pytest.approx(right[0]["top"], abs=0.5)
        first, card = edges("[data-ref=pipeline] canvas", "[data-ref=spots] canvas")
        assert first["left"] == pytest.approx(card["left"], abs=0.5)
    own = seen.page.evaluate(BOX, "[data-own=camera]")
    assert own["right"] == pytest.approx(column[0]["right"], abs=0.5)


def test_on_a_phone_targets_are_large_enough_for_a_finger(phone):
    for depth in DEPTHS:
        opened(phone, depth)
        assert phone.page.evaluate(TARGETS, 44) == [], depth
        assert phone.page.evaluate(WIDE) <= 0, depth


def test_at_twice_the_size_nothing_is_lost(seen):
    """A window of 1440×900 at 200 % has the room of 720×450."""
    resized(seen, 720, 450)
    for depth, names in {
        "none": ("picture", "verdict", "headline", "detail", "spots", "questions", "lookInside", "layer:none"),
        "attention": ("heads", "blocks", "numbers", "view:mean"),
        "features": ("wall", "featureFigure"),
        "drawing": ("scale:all", "paint:map"),
        "export": ("savePng", "saveNumbers"),
    }.items():
        opened(seen, depth)
        assert seen.page.evaluate(WIDE) <= 0, depth
        for name in names:
            element = seen.page.locator(f'{LOOK} [data-ref="{name}"]').first
            element.scroll_into_view_if_needed()
            box = element.bounding_box()
            assert box["width"] > 0, name
            assert box["x"] >= 0, name
            assert box["x"] + box["width"] <= 720, name
            if name not in ("picture", "verdict"):  # what stays in view leaves room for the rest
                seen.page.evaluate("(element) => element.scrollIntoView({ block: 'end' })", element.element_handle())
                seen.drawn()
                at = element.bounding_box()
                over = seen.page.evaluate(
                    "([x, y, name]) => Boolean(document.elementFromPoint(x, y)?.closest(`[data-ref='${name}']`))",
                    [at["x"] + at["width"] / 2, min(449, at["y"] + at["height"]) - 4, name],
                )
                assert over, name
