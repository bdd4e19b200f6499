"""Pictures that people bring: chosen, dropped anywhere, pasted, whatever their name; and what is said of wrong ones."""

import base64

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("playwright")

pytestmark = pytest.mark.browser
# Files as a browser hands them over; their events happen on the element at the middle of a place.
GIVE = """([way, place, files, text]) => {
  const dataTransfer = new DataTransfer();
  for (const [name, type, content] of files) {
    dataTransfer.items.add(new File([Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0))], name, { type }));
  }
  if (text) dataTransfer.setData("text/plain", text);
  const target = place ? document.querySelector(place) : document.activeElement;
  const options = { bubbles: true, cancelable: true };
  if (way === "paste") return !target.dispatchEvent(new ClipboardEvent("paste", { ...options, clipboardData: dataTransfer }));
  for (const type of ["dragenter", "dragover"]) target.dispatchEvent(new DragEvent(type, { ...options, dataTransfer }));
  window.veiled = document.querySelector(".cvt-veil").matches(":popover-open");
  return way === "drop" && !target.dispatchEvent(new DragEvent("drop", { ...options, dataTransfer }));
}"""
PICTURE, PANELS = '[data-explorer="main"] [data-ref="picture"]', '[data-explorer="main"][data-part="panels"]'


def given(path, kind=""):
    return [path.name, kind, base64.b64encode(path.read_bytes()).decode()]


def give(seen, way, *paths, place=None, kind="", text=""):
    """Drops or pastes files of this MIME type, and text; whether the page took the event, so that the browser does nothing of its own."""
    return seen.page.evaluate(GIVE, [way, place, [given(path, kind) for path in paths], text])


@pytest.fixture(scope="module")
def noise(tmp_path_factory):
    """A picture without an extension."""
    path = tmp_path_factory.mktemp("noise") / "picture"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (300, 400, 3), np.uint8)).save(path, "PNG")
    return path


@pytest.mark.parametrize(
    ("way", "place"), [("choose", None), ("drop", "#picture-upload"), ("drop", PICTURE), ("drop", PANELS), ("drop", "h1"), ("paste", None)]
)
def test_a_picture_is_taken_wherever_it_is_handed_over(seen, noise, way, place):
    if way == "choose":
        seen.upload(noise)
    else:
        assert give(seen, way, noise, place=place)
    seen.wait_for_example(None)
    assert seen.page.get_by_role("alert").inner_text() == ""


def asked_of_the_server(seen, count):
    return [url for url in seen.requests_since(count) if "/assets/" not in url]


def stands_beside_the_filmstrip(seen) -> bool:
    """Whether the answer is in view, below the filmstrip and no wider than it."""
    strip, line = (seen.page.locator(each).bounding_box() for each in (".cvt-filmstrip", ".cvt-problem"))
    inside = line["x"] >= strip["x"] and line["x"] + line["width"] <= strip["x"] + strip["width"]
    near = 0 <= line["y"] - strip["y"] - strip["height"] < 40
    return inside and near and line["y"] + line["height"] <= seen.page.viewport_size["height"]


WRONG = {  # what is handed over, and what is said of it without asking the server
    "no picture": (["notes.pdf"], "application/pdf", "", "notes.pdf is not a picture. Choose a JPEG, PNG or WebP file."),
    "empty": (["empty.png"], "image/png", "", "empty.png is empty. Choose another file."),
    "several": (["a.png", "b.png"], "image/png", "", "These are 2 files. Choose one picture at a time."),
    "text": ([], "", "a word", None),
}
WITHOUT_FILE = {
    "drop": "There is no picture file in what you dropped. Save the picture first, then drop the file.",
    "paste": "There is no picture on the clipboard. Copy a picture first, then paste it here.",
}


@pytest.mark.parametrize("way", ["drop", "paste"])
def test_what_is_no_picture_is_answered_beside_the_filmstrip_and_nothing_is_lost(seen, tmp_path, way):
    key, count = seen.page.evaluate("cvt.explorer().key"), len(seen.requests)
    for kind, (names, mime, text, sentence) in WRONG.items():
        for name in names:
            (tmp_path / name).write_bytes(b"" if kind == "empty" else b"content")
        assert give(seen, way, *(tmp_path / name for name in names), place=PICTURE if way == "drop" else None, kind=mime, text=text)
        assert seen.problem() == (sentence or WITHOUT_FILE[way])
        assert stands_beside_the_filmstrip(seen)
        assert asked_of_the_server(seen, count) == []
        assert seen.page.evaluate("cvt.explorer().key") == key
        seen.page.get_by_role("button", name="Close").click()
        assert seen.page.get_by_role("alert").inner_text() == ""


def test_a_file_that_is_too_large_is_not_sent(seen):
    count = len(seen.requests)
    seen.page.evaluate("""() => {
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File([new Uint8Array(40_000_000)], "large.png", { type: "image/png" }));
      document.body.dispatchEvent(new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer }));
    }""")
    assert seen.problem() == "large.png is 40 MB; at most 32 MB can be sent here. Make the picture smaller and try again."
    assert asked_of_the_server(seen, count) == []


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("notes", b"this is no picture", "notes: This file is not a picture in a supported format. Use JPEG, PNG or WebP."),
        ("drawing.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "drawing.svg: This is an SVG drawing, not a pixel image."),
    ],
)
def test_what_the_server_refuses_is_answered_there_too(seen, tmp_path, name, content, said):
    (tmp_path / name).write_bytes(content)
    key, classes = seen.page.evaluate("cvt.explorer().key"), seen.classes()
    for _ in range(2):  # the same again is news, too
        seen.upload(tmp_path / name)
        assert seen.problem().startswith(said)
        assert stands_beside_the_filmstrip(seen)
        seen.page.get_by_role("button", name="Close").click()
    assert (seen.page.evaluate("cvt.explorer().key"), seen.classes()) == (key, classes)
    assert seen.page.locator(".toast-body").count() == 0
    seen.choose("koala")
    seen.wait_for_example("koala")


def test_a_dialog_that_is_cancelled_changes_nothing(seen):
    count = len(seen.requests)
    with seen.page.expect_file_chooser() as dialog:
        seen.page.get_by_role("button", name="Drop, paste or choose").click()
    dialog.value.element.dispatch_event("cancel")
    seen.drawn()
    assert asked_of_the_server(seen, count) == []
    assert seen.page.get_by_role("alert").inner_text() == ""


def test_the_same_file_can_be_chosen_again(seen, noise):
    for _ in range(2):
        seen.upload(noise)
        seen.wait_for_example(None)
        seen.choose("koala")
        seen.wait_for_example("koala")


def test_the_window_says_that_it_takes_a_drop(seen, noise):
    veil = seen.page.get_by_text("Drop to look at this picture")
    give(seen, "drag", noise, place=PANELS)
    assert veil.is_visible()
    seen.page.evaluate("document.body.dispatchEvent(new DragEvent('dragleave', { bubbles: true, relatedTarget: document.body }))")
    assert veil.is_visible()  # from one element to another
    seen.page.evaluate("document.body.dispatchEvent(new DragEvent('dragleave', { bubbles: true }))")
    assert veil.is_hidden()
    give(seen, "drag", place=PANELS, text="a word")
    assert veil.is_hidden()
    give(seen, "drop", noise, place=PANELS)
    assert seen.page.evaluate("veiled")
    assert veil.is_hidden()
    seen.wait_for_example(None)


@pytest.mark.parametrize("way", ["drop", "paste"])
def test_a_field_keeps_what_is_dropped_or_pasted_in_it(seen, noise, way):
    seen.page.evaluate("const field = document.createElement('input'); field.id = 'field'; document.body.append(field)")
    count = len(seen.requests)
    assert not give(seen, way, noise, place="#field", text="a word")
    seen.page.evaluate("document.getElementById('field').remove()")
    assert asked_of_the_server(seen, count) == []
    assert seen.page.get_by_role("alert").inner_text() == ""


def test_a_picture_on_the_clipboard_is_pasted_by_the_keyboard(seen, clipboard):
    seen.page.evaluate("""async () => {
      const canvas = Object.assign(document.createElement("canvas"), { width: 40, height: 30 });
      canvas.getContext("2d").fillRect(0, 0, 20, 30);
      const blob = await new Promise((done) => canvas.toBlob(done));
      await navigator.clipboard.write([new ClipboardItem({ "image/png": blob })]);
    }""")
    seen.page.keyboard.press("Control+V")
    seen.wait_for_example(None)
    assert seen.page.evaluate("cvt.explorer().result.header.original") == [40, 30]


def test_a_slow_file_shows_its_progress_and_can_be_cancelled(seen, noise):
    held = []
    seen.page.route("**/upload", lambda route: held.append(route))
    key = seen.page.evaluate("cvt.explorer().key")
    seen.upload(noise)
    seen.page.get_by_text("Sending picture …").wait_for()
    assert seen.page.get_by_role("progressbar").is_visible()
    seen.page.get_by_role("button", name="Cancel").click()
    assert seen.page.get_by_text("Sending picture …").is_hidden()
    assert len(held) == 1
    seen.page.unroute("**/upload")
    seen.choose("koala")
    seen.wait_for_example("koala")
    assert seen.page.evaluate("cvt.explorer().key") != key
    assert seen.page.get_by_role("alert").inner_text() == ""


def test_of_four_files_in_a_row_the_newest_is_shown_even_if_older_ones_are_still_being_sent(seen, tmp_path):
    held, colours = [], [(200, 30, 30), (30, 180, 30), (30, 30, 220), (128, 128, 128)]
    for index, colour in enumerate(colours):
        Image.new("RGB", (96, 96), colour).save(tmp_path / f"{index}.png")
    seen.page.route("**/upload", lambda route: held.append(route))
    for index in range(4):
        give(seen, "drop", tmp_path / f"{index}.png", place=PICTURE, kind="image/png")
        while len(held) <= index:
            seen.drawn()
    held[3].continue_()
    seen.wait_for_example(None)
    assert seen.page.evaluate("Array.from(cvt.explorer().result.arrays.pixels.slice(0, 3))") == list(colours[3])
    seen.page.unroute("**/upload")


def test_an_example_takes_the_place_of_a_file_that_is_being_sent(seen, noise):
    held = []
    seen.page.route("**/upload", lambda route: held.append(route))
    seen.upload(noise)
    seen.page.get_by_text("Sending picture …").wait_for()
    seen.choose("bison")
    assert seen.page.get_by_text("Sending picture …").is_hidden()
    seen.wait_for_example("bison")
    seen.page.unroute("**/upload")


def test_a_server_that_does_not_answer_is_said_so(seen, noise):
    seen.page.route("**/upload", lambda route: route.abort())
    seen.upload(noise)
    assert seen.problem() == "picture: The server does not answer. Check the connection and try again."
    seen.page.unroute("**/upload")
    seen.page.route("**/upload", lambda route: route.fulfill(status=507, content_type="text/plain", body="There is no room."))
    seen.upload(noise)
    seen.page.get_by_text("picture: There is no room.").wait_for()
    seen.page.unroute("**/upload")
    seen.problems[:] = [each for each in seen.problems if "Failed to load resource" not in each]


def test_on_another_tab_a_picture_is_taken_and_an_answer_is_seen(seen, noise, tmp_path):
    (tmp_path / "empty.png").touch()
    seen.page.get_by_role("tab", name="Change it").click()
    give(seen, "drop", tmp_path / "empty.png", place="h1", kind="image/png")
    line = seen.page.get_by_role("alert").filter(has_text="empty.png is empty.")
    line.wait_for()
    assert line.bounding_box()["y"] > 0.5 * seen.page.viewport_size["height"]
    give(seen, "drop", noise, place="h1")
    seen.page.wait_for_function("cvt.page.state.picture.example === undefined")
    assert line.count() == 0


def test_what_a_link_hides_stays_hidden(visit, served, noise):
    seen = visit(f"{served}/?hide=upload")
    assert seen.page.get_by_role("button", name="Drop, paste or choose").is_hidden()
    count = len(seen.requests)
    assert give(seen, "drop", noise, place=PICTURE)  # or the browser would leave the page
    assert seen.problem() == "This page's link turns off your own pictures."
    assert not [url for url in seen.requests[count:] if "/upload" in url]
    seen.page.evaluate("document.documentElement.dataset.cvtHide = 'examples'")  # as another link would
    assert seen.example("koala").is_hidden()
    seen.upload(noise)
    seen.wait_for_example(None)


def test_the_verdict_of_a_new_picture_is_in_view(seen, noise):
    place = "[scrollY, document.querySelector('[data-explorer=main] [data-ref=verdict]').getBoundingClientRect().top]"
    seen.page.emulate_media(reduced_motion="reduce")
    give(seen, "paste", noise)
    seen.wait_for_example(None)
    assert seen.page.evaluate("scrollY") == 0  # it was
    seen.page.set_viewport_size({"width": 390, "height": 700})
    seen.page.evaluate("document.body.style.paddingTop = '1500px'; scrollTo(0, 0)")
    assert seen.page.evaluate(place)[1] > 700
    seen.page.evaluate("cvt.page.update({ asked: { picture: { example: 'koala' } } })")
    seen.wait_for_example("koala")
    seen.page.wait_for_function(f"(([scrolled, top]) => scrolled > 0 && top >= 0 && top < 700)({place})")
    seen.page.evaluate("document.body.style.paddingTop = ''")
    seen.page.emulate_media(reduced_motion="no-preference")


def test_a_cut_panorama_shows_the_frame_on_the_whole_picture(seen, tmp_path):
    whole = seen.page.locator('[data-explorer="main"] .cvt-whole')
    panorama = Image.new("RGB", (900, 300), (200, 30, 30))
    panorama.paste((30, 180, 30), (300, 0, 600, 300))
    panorama.save(tmp_path / "panorama.png")
    give(seen, "drop", tmp_path / "panorama.png", place=PICTURE, kind="image/png")
    seen.wait_for_example(None)
    seen_share = 0.875**2 / 3  # the processor crops 7/8 of the middle square
    assert whole.inner_text() == f"The model sees {seen_share * 100:.0f}\N{NARROW NO-BREAK SPACE}%"
    said = seen.page.locator('[data-explorer="main"] .cvt-frame > [role="status"].cvt-hidden').inner_text()
    assert said == "The model sees only the framed part of the picture: 26\N{NARROW NO-BREAK SPACE}% of it."
    shown = whole.locator("canvas").evaluate("""canvas => [1 / 6, 1 / 2, 5 / 6].map((x) =>
      Array.from(canvas.getContext("2d").getImageData(x * canvas.width, canvas.height / 2, 1, 1).data.slice(0, 4)))""")
    assert shown[1][3] == 255
    assert np.abs(np.array(shown[1][:3]) - (30, 180, 30)).max() < 12  # the part that is seen is as it was
    assert all(0.3 < pixel[3] / 255 < 0.5 for pixel in (shown[0], shown[2]))  # the rest is dimmed
    edges = whole.locator("canvas").evaluate("""canvas => {
      const row = canvas.getContext("2d").getImageData(0, Math.round(canvas.height / 2), canvas.width, 1).data;
      return Array.from({ length: canvas.width }, (_, x) => x).filter((x) => Math.min(...row.slice(4 * x, 4 * x + 3)) > 240)
        .map((x) => (x + 0.5) / canvas.width);
    }""")
    assert min(edges) == pytest.approx(1 / 2 - 0.875 / 6, abs=0.02)
    assert max(edges) == pytest.approx(1 / 2 + 0.875 / 6, abs=0.02)


def test_a_picture_that_the_model_sees_all_of_has_no_frame(of_several, tmp_path):
    seen = of_several
    whole = seen.page.locator('[data-explorer="main"] .cvt-whole')
    assert whole.is_visible()
    Image.new("RGB", (200, 200)).save(tmp_path / "square.png")
    seen.page.evaluate("cvt.page.update({ asked: { model: 'wide' } })")  # which takes all of a square
    give(seen, "drop", tmp_path / "square.png", place=PICTURE, kind="image/png")
    seen.wait_for_example(None)
    assert whole.is_hidden()
    assert seen.page.locator('[data-explorer="main"] .cvt-frame > [role="status"].cvt-hidden').inner_text() == ""


def test_the_examples_are_one_tab_stop(seen):
    first, last = seen.example("red panda"), seen.example("aqueduct")
    first.focus()
    seen.page.keyboard.press("ArrowRight")
    assert seen.example("honey bee").evaluate("button => button === document.activeElement")
    seen.page.keyboard.press("End")
    assert last.evaluate("button => button === document.activeElement")
    seen.page.wait_for_function("""() => {
      const button = document.querySelector('[data-example="aqueduct"]').getBoundingClientRect();
      return button.right <= document.querySelector("[data-strip]").getBoundingClientRect().right + 1;
    }""")
    seen.page.keyboard.press("ArrowRight")
    assert last.evaluate("button => button === document.activeElement")
    seen.page.keyboard.press("Tab")
    assert seen.page.evaluate("document.activeElement.dataset.own") == "choose"
    seen.page.keyboard.press("Shift+Tab")
    seen.page.keyboard.press("Home")
    seen.page.keyboard.press("ArrowRight")
    seen.page.keyboard.press("Enter")
    seen.wait_for_example("honey bee")
    assert seen.page.locator("[data-example][tabindex='0']").count() == 1


def test_the_tab_key_stops_at_the_example_that_is_shown_and_at_what_is_pressed(seen):
    seen.choose("bison")
    seen.wait_for_example("bison")
    seen.picture().hover()
    seen.drawn()
    seen.picture().focus()
    seen.page.evaluate("cvt.explorer().set({ stage: 2 })")
    seen.drawn()  # the groups are gone through once more, now that no example has the focus
    seen.page.keyboard.press("Tab")
    assert seen.page.evaluate("document.activeElement.dataset.example") == "bison"
    stops = "[...cvt.explorer().ref.pipeline.querySelectorAll('[tabindex=\"0\"]')].map((each) => each.getAttribute('aria-pressed'))"
    assert seen.page.evaluate(stops) == ["true"]


def test_buttons_show_that_there_are_more_examples(seen):
    back, on = (seen.page.locator(f'[data-go="{way}"]') for way in ("-1", "1"))
    seen.page.locator("[data-strip]").evaluate("strip => (strip.scrollLeft = 0)")
    back.wait_for(state="hidden")
    last = seen.page.locator('[data-example="aqueduct"]')
    while on.is_visible():
        before = seen.page.locator("[data-strip]").evaluate("strip => strip.scrollLeft")
        on.click()
        seen.page.wait_for_function("before => document.querySelector('[data-strip]').scrollLeft > before", arg=before)
        seen.drawn()
    back.wait_for()
    last.click()
    seen.wait_for_example("aqueduct")
    seen.page.locator("[data-strip]").evaluate("strip => (strip.scrollLeft = 0)")


def test_what_is_touched_on_a_phone_is_large_enough(phone):
    seen = phone
    for each in seen.page.locator(".cvt-chooser button:visible:not([aria-hidden])").all():
        box = each.bounding_box()
        assert min(box["width"], box["height"]) >= 44, each.inner_text()
    with seen.page.expect_file_chooser() as dialog:  # the phone's own camera
        seen.page.get_by_role("button", name="Use the camera").tap()
    assert dialog.value.element.get_attribute("capture") == "environment"
