"""The page that "Save as a page" gives: it opens without the server as the page was, with what was measured in the same visit."""

from __future__ import annotations

import json
import re

import pytest

pytest.importorskip("gradio")

from tests.browser.test_file import File
from tests.browser.test_knock import Knock

pytestmark = pytest.mark.browser
EXPORT = {"stage": 2, "blocks": [0, 1, 5], "heads": [-1, -1, 1], "layer": "attention", "depth": "export", "part": "stage"}


@pytest.fixture
def saved(seen, random_app, tmp_path):
    """The visit, and the file that was saved in it."""
    knock = Knock(seen, random_app[0]).open()
    knock.switch("1.0.head.1").click()
    knock.answered("Without head 2 of block 1, stage 2")
    knock.page.locator("[data-knock=matters]").click()
    knock.page.locator("[data-knock=no-guess]").click()
    knock.page.locator("[data-knock=all-on]").wait_for()
    knock.page.wait_for_function("cvt.page.state.made[cvt.page.state.picture.key]?.importance", timeout=60_000)
    seen.page.get_by_role("tab", name="Look").click()
    seen.page.evaluate("(choices) => cvt.explorer().set({ ...choices, y: 20, x: 70, pinned: true })", EXPORT)
    with seen.page.expect_download() as download:
        seen.page.locator('[data-explorer="main"] [data-ref="savePage"]').click()
    assert download.value.suggested_filename == "cvt-stage3-block6.html"
    path = tmp_path / "saved.html"
    download.value.save_as(path)
    return seen, path


def test_the_saved_page_shows_the_same_state_and_what_was_measured(saved, tabs):
    seen, path = saved
    about = json.loads(re.search(r"data-about>(.*?)</script>", path.read_text("utf-8"))[1])
    assert about["state"] == seen.page.evaluate("({ ...cvt.explorer().state, depth: 'none' })")
    assert about["insides"] == ["2/5"]
    file = File(tabs, path.as_uri())
    try:
        file.opened()
        file.ref("lookInside").click()
        assert file.ref("sentence").inner_text() == seen.page.inner_text('[data-explorer="main"] [data-ref="sentence"]')
        assert file.ref("sentence").inner_text().startswith("Stage 3, block 6, head 2")
        assert file.ref("verdict").inner_text() == seen.page.inner_text('[data-explorer="main"] [data-ref="verdict"]')
        assert "Without head 2 of block 1, stage 2" in file.ref("made").locator("h3").all_inner_texts()
        assert file.ref("made").locator("[data-level]").count() > 20
        file.ref("depth:inside").click()
        file.ref("insideOverview").locator("canvas").first.wait_for()
        assert file.problems == []
        assert {url.split(":")[0] for url in file.requests} <= {"file", "blob", "data"}
    finally:
        tabs.give(file.page)


def test_a_result_that_the_server_dropped_is_said_beside_the_button(seen):
    seen.page.evaluate("(choices) => cvt.explorer().set(choices)", EXPORT)
    seen.page.route("**/explorer/page/*", lambda route: route.fulfill(status=404, json={"error": "This result is no longer stored."}))
    try:
        button = seen.page.locator('[data-explorer="main"] [data-ref="savePage"]')
        button.click()
        note = seen.page.locator('[data-explorer="main"] [data-ref="saveNote"]')
        note.get_by_text("This result is no longer stored.").wait_for()
        assert button.get_attribute("aria-disabled") == "false"
    finally:
        seen.page.unroute_all()
        seen.problems[:] = [each for each in seen.problems if "404" not in each]  # which the browser notes
