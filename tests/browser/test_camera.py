"""The camera's dialog: what it sees is taken as a picture, and what it cannot do is said."""

import pytest

pytest.importorskip("playwright")

pytestmark = pytest.mark.browser
# A camera that sees one colour; `window.tracks` are those that it gave out.
CAMERA = """() => {
  window.tracks = [];
  navigator.mediaDevices.getUserMedia = async () => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 160, height: 120 });
    const pen = canvas.getContext("2d");
    const paint = () => { pen.fillStyle = "rgb(30, 180, 30)"; pen.fillRect(0, 0, 160, 120); };
    paint();
    const stream = canvas.captureStream(30);
    tracks.push(...stream.getTracks());
    window.painting = setInterval(paint, 30);
    return stream;
  };
}"""
REASONS = {
    "NotAllowedError": "This page may not use the camera.",
    "NotFoundError": "There is no camera here.",
    "NotReadableError": "The camera does not answer",
    "TypeError": "The camera cannot be used.",
}


@pytest.fixture
def opened(seen):
    """The page with a camera, and the dialog's elements."""
    seen.page.evaluate(CAMERA)
    yield seen, seen.page.get_by_role("dialog", name="A picture from your camera")
    seen.page.evaluate("clearInterval(window.painting); delete navigator.mediaDevices.getUserMedia")


def ended(seen) -> bool:
    return seen.page.evaluate("tracks.length > 0 && tracks.every((each) => each.readyState === 'ended')")


def test_what_the_camera_sees_is_taken(opened):
    seen, dialog = opened
    seen.page.get_by_role("button", name="Use the camera").click()
    take = dialog.get_by_role("button", name="Take picture")
    seen.page.wait_for_function("!document.querySelector('.cvt-camera-take').disabled")
    assert dialog.locator("video").is_visible()
    take.click()
    seen.wait_for_example(None)
    assert dialog.is_hidden()
    assert ended(seen)
    assert seen.page.evaluate("cvt.explorer().result.header.original") == [160, 120]
    red, green, blue = seen.page.evaluate("Array.from(cvt.explorer().result.arrays.pixels.slice(0, 3))")
    assert green > 140 > 80 > max(red, blue)


def test_it_can_be_cancelled_and_the_camera_is_off_then(opened):
    seen, dialog = opened
    key = seen.page.evaluate("cvt.explorer().key")
    for cancel in (lambda: dialog.get_by_role("button", name="Cancel").click(), lambda: seen.page.keyboard.press("Escape")):
        seen.page.get_by_role("button", name="Use the camera").click()
        seen.page.wait_for_function("!document.querySelector('.cvt-camera-take').disabled")
        cancel()
        dialog.wait_for(state="hidden")
        seen.page.wait_for_function("tracks.every((each) => each.readyState === 'ended')")
        assert seen.page.evaluate("document.activeElement.dataset.own") == "camera"
    assert seen.page.evaluate("cvt.explorer().key") == key


def test_a_camera_that_is_allowed_after_the_dialog_is_closed_is_switched_off(opened):
    seen, dialog = opened
    seen.page.evaluate("""() => {
      const open = navigator.mediaDevices.getUserMedia;
      navigator.mediaDevices.getUserMedia = () => new Promise((allow) => { window.allow = async () => allow(await open()); });
    }""")
    seen.page.get_by_role("button", name="Use the camera").click()
    assert "Waiting for the camera." in dialog.inner_text()
    dialog.get_by_role("button", name="Cancel").click()
    seen.page.evaluate("allow()")
    seen.page.wait_for_function("tracks.length && tracks.every((each) => each.readyState === 'ended')")


@pytest.mark.parametrize("name", REASONS)
def test_a_camera_that_cannot_be_used_is_said_so(opened, name):
    seen, dialog = opened
    seen.page.evaluate(
        """name => { navigator.mediaDevices.getUserMedia = async () => {
          throw name === "TypeError" ? new TypeError("") : new DOMException("", name);
        }; }""",
        name,
    )
    seen.page.get_by_role("button", name="Use the camera").click()
    dialog.get_by_text(REASONS[name]).wait_for()
    assert dialog.get_by_role("button", name="Take picture").is_disabled()
    dialog.get_by_role("button", name="Cancel").click()
