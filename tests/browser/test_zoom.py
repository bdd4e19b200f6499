"""Zoom and pan of the picture: with wheel, mouse, keys and two fingers; the view never leaves the input."""

from __future__ import annotations

import pytest

from tests.browser.component import Page

pytestmark = pytest.mark.browser
SIDE = 64
VIEW = "cvt.explorer().picture.view()"


@pytest.fixture
def page(component) -> Page:
    component.set(stage=1)
    return component


def view(page: Page) -> dict[str, float]:
    """The part of the input that is seen, which is never beyond its edges."""
    found = page.page.evaluate(VIEW)
    for start, size in (("top", "height"), ("left", "width")):
        assert found[start] >= 0
        assert found[start] + found[size] <= SIDE + 1e-9
    return found


def under(page: Page, across: float, down: float) -> tuple[float, float]:
    """The point of the input at these shares of the picture's width and height."""
    seen = view(page)
    return seen["top"] + down * seen["height"], seen["left"] + across * seen["width"]


def at(page: Page, across: float, down: float) -> tuple[float, float]:
    """The same place on the page."""
    box = page.box
    return box["x"] + across * box["width"], box["y"] + down * box["height"]


def wheel(page: Page, delta: float, ctrl: bool = True) -> None:
    if ctrl:
        page.page.keyboard.down("Control")
    page.page.mouse.wheel(0, delta)
    page.settle()
    if ctrl:
        page.page.keyboard.up("Control")


@pytest.mark.parametrize(("across", "down"), [(0.2, 0.7), (0.9, 0.1)])
def test_the_wheel_keeps_the_point_under_the_pointer(page, across, down):
    page.page.mouse.move(*at(page, across, down))
    zooms = [1.0]
    for delta in (-60, -90, -40, 50):
        before = under(page, across, down)
        wheel(page, delta)
        zooms.append(page.state("zoom"))
        assert under(page, across, down) == pytest.approx(before, abs=0.02)
        assert view(page)["height"] == pytest.approx(SIDE / zooms[-1])
    assert 1 < zooms[1] < zooms[2] < zooms[3] > zooms[4] > 1
    for delta, end in ((400, 1), (-400, 8)):  # and no smaller, nor larger
        for _ in range(6):
            wheel(page, delta)
        assert page.state("zoom") == end
    view(page)


def test_the_wheel_alone_scrolls_the_page_until_the_picture_is_zoomed(page):
    page.set(depth="inside")
    page.page.set_viewport_size({"width": 1440, "height": 300})
    page.page.mouse.move(*at(page, 0.5, 0.3))
    wheel(page, 120, ctrl=False)
    page.page.wait_for_function("scrollY > 0")
    assert page.state("zoom") == 1
    page.page.evaluate("scrollTo(0, 0)")
    page.set(zoom=2)
    page.page.mouse.move(*at(page, 0.5, 0.3))
    wheel(page, -120, ctrl=False)
    assert page.state("zoom") > 2
    assert page.page.evaluate("scrollY") == 0


def test_a_drag_moves_a_zoomed_picture_and_not_the_token(page):
    page.set(zoom=4, focus={"y": 32, "x": 32}, y=30, x=35, pinned=True)
    before = page.state("y"), page.state("x")
    start = under(page, 0.5, 0.5)
    page.page.mouse.move(*at(page, 0.5, 0.5))
    page.page.mouse.down()
    for step in (0.02, 0.1, 0.25):
        page.page.mouse.move(*at(page, 0.5 + step, 0.5 - step))
        page.settle()
    assert under(page, 0.75, 0.25) == pytest.approx(start, abs=0.1)  # the point that was taken is under the pointer
    page.page.mouse.up()
    assert (page.state("y"), page.state("x"), page.state("pinned")) == (*before, True)
    for _ in range(5):
        page.page.mouse.move(*at(page, 0.05, 0.95))
        page.page.mouse.down()
        page.page.mouse.move(*at(page, 0.95, 0.05))
        page.page.mouse.up()
        page.settle()
    seen = view(page)
    assert (seen["top"] + seen["height"], seen["left"]) == pytest.approx((SIDE, 0))  # at the edge, not beyond
    assert (page.state("y"), page.state("x")) == before


def test_a_drag_moves_the_token_where_the_picture_is_not_zoomed(page):
    page.page.mouse.move(*at(page, 0.2, 0.2))
    page.page.mouse.down()
    page.page.mouse.move(*at(page, 0.6, 0.7))
    page.page.mouse.up()
    page.settle()
    assert (page.state("y"), page.state("x")) == pytest.approx((0.7 * SIDE, 0.6 * SIDE), abs=0.3)
    assert page.state("pinned") is True
    assert view(page)["height"] == SIDE


def test_a_click_holds_the_token_in_a_zoomed_picture(page):
    page.set(zoom=4, focus={"y": 20, "x": 40})
    seen = view(page)
    wanted = under(page, 0.7, 0.3)
    page.page.mouse.move(*at(page, 0.7, 0.3))
    page.page.mouse.down()
    page.page.mouse.move(*[each + 1 for each in at(page, 0.7, 0.3)])  # hands tremble
    page.page.mouse.up()
    page.settle()
    assert (page.state("y"), page.state("x")) == pytest.approx(wanted, abs=0.15)
    assert page.state("pinned") is True
    assert view(page) == seen


def test_keys_zoom_around_the_middle_and_arrows_bring_the_token_into_view(page):
    page.page.locator("[data-ref=picture]").focus()
    page.set(y=4, x=60)
    for key, count in (("+", 5), ("=", 1), ("-", 2)):
        for _ in range(count):
            middle = under(page, 0.5, 0.5)
            before = page.state("zoom")
            page.page.keyboard.press(key)
            assert (page.state("zoom") > before) == (key in "+=")
            assert under(page, 0.5, 0.5) == pytest.approx(middle)
    zoomed = page.state("zoom")
    assert 2 < zoomed < 4
    page.page.keyboard.press("ArrowDown")
    seen = view(page)
    assert seen["top"] <= page.state("y") <= seen["top"] + seen["height"]
    assert seen["left"] <= page.state("x") <= seen["left"] + seen["width"]
    assert page.state("zoom") == zoomed
    for _ in range(9):
        page.page.keyboard.press("-")
    assert page.state("zoom") == 1
    page.page.keyboard.press("Control+-")  # the browser's own
    assert page.state("zoom") == 1


def test_two_fingers_zoom_and_move_the_picture_and_not_the_token(tabs, explored):
    page = Page(tabs, explored, has_touch=True, is_mobile=True, viewport={"width": 900, "height": 800})
    touch = page.page.context.new_cdp_session(page.page)

    def send(kind: str, *points: tuple[float, float]) -> None:
        fingers = [{**dict(zip("xy", at(page, *point), strict=True)), "id": number} for number, point in enumerate(points)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers})
        page.settle()

    scale = page.page.evaluate("visualViewport.scale")
    send("touchStart", (0.4, 0.5))
    token = page.state("y"), page.state("x")
    send("touchStart", (0.4, 0.5), (0.6, 0.5))
    between = under(page, 0.5, 0.5)
    for spread in (0.05, 0.1, 0.2):
        send("touchMove", (0.4 - spread, 0.5), (0.6 + spread, 0.5))
    assert page.state("zoom") == pytest.approx(3, rel=0.02)
    assert under(page, 0.5, 0.5) == pytest.approx(between, abs=0.2)
    for step in (0.05, 0.1):
        send("touchMove", (0.2 + step, 0.5 + step), (0.8 + step, 0.5 + step))
    assert page.state("zoom") == pytest.approx(3, rel=0.02)
    assert under(page, 0.6, 0.6) == pytest.approx(between, abs=0.3)
    send("touchEnd", (0.3, 0.6))
    send("touchEnd")
    assert (page.state("y"), page.state("x")) == token
    assert page.state("pinned") is False
    assert page.page.evaluate("visualViewport.scale") == scale  # the page itself was not zoomed
    send("touchStart", (0.5, 0.5))
    send("touchEnd")
    assert (page.state("y"), page.state("x")) == pytest.approx(under(page, 0.5, 0.5), abs=0.2)  # one finger chooses again
    page.close()
    assert page.problems == []
