"""The menu of models: what has to be downloaded, how far a load is, its end by a button, and why a model cannot be had."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("gradio")

import app
from tests import serving
from tests.browser.mounted import MOUNT, component_page
from tests.files.fake_hub import FakeHub, in_place_of_the_hub
from visualize.page.workbench import Workbench

pytestmark = pytest.mark.browser
SMALL = {"embed_dim": (8, 16, 32), "depth": (1, 1, 2)}
FISH, BIRDS, CATS = "someone/fish", "someone/birds", "someone/cats"
PUBLISHED = "microsoft/cvt-13"  # which no test loads
CARD = "[data-menu] .cvt-load"
ABSENT = "async (name) => (await (await fetch('models')).json()).models.find((each) => each.name === name).state === 'absent'"


@pytest.fixture(scope="module")
def of_the_hub(tmp_path_factory):
    """A Hub, and the workbench and the address of a page with a model of its own and three from there."""
    root, server = tmp_path_factory.mktemp("models"), FakeHub()
    for seed, name in enumerate(("mice", FISH, BIRDS, CATS)):
        folder = root / name.split("/")[-1]
        serving.save_random_model(folder, kind=folder.name, seed=seed, **SMALL)
        server.publish(name, folder)
    with pytest.MonkeyPatch.context() as patch:
        in_place_of_the_hub(server, patch, root / "cache")
        workbench = Workbench([str(root / "mice"), FISH, BIRDS, CATS], "cpu", kept=app.EXAMPLES[:2])
        with serving.app_of(workbench) as address:
            yield server, workbench, address
    server.go.set()
    server.close()


@pytest.fixture
def hub(of_the_hub):
    server = of_the_hub[0]
    yield server
    server.go.set()
    server.hold_after = None
    server.private.clear()


def slow(hub: FakeHub) -> None:
    """From now on downloads stop in the middle until ``go``."""
    hub.go.clear()
    hub.hold_after = 20_000


def menu(seen):
    return seen.page.get_by_role("combobox", name="Model")


def downloads(seen) -> None:
    """Waits until part of a download has come."""
    seen.page.wait_for_function(f"document.querySelector('{CARD} progress').value > 0 && document.querySelector('{CARD}:popover-open')")


def wait_for_class(seen, kind: str) -> None:
    seen.page.locator('[data-explorer="main"] [data-ref="verdictName"]', has_text=kind).wait_for()


def test_a_download_is_watched_cancelled_and_goes_on(of_the_hub, hub, long_visit):
    _, workbench, address = of_the_hub
    with long_visit(address) as seen:
        slow(hub)
        menu(seen).locator("option", has_text=f"{FISH} · to download").wait_for(state="attached")
        texts = menu(seen).locator("option").all_inner_texts()
        assert texts[:2] == ["mice", f"{FISH} · to download"]
        assert "CvT-13, 224 px · 81 MB to download" in [text.replace("\u202f", " ") for text in texts]
        menu(seen).select_option(FISH)
        downloads(seen)
        assert seen.page.locator(CARD).inner_text().startswith(f"Downloading {FISH} …")
        seen.choose("honey bee")  # the page goes on with what it shows
        seen.wait_for_example("honey bee")
        assert menu(seen).input_value() == FISH
        seen.page.locator(CARD).get_by_role("button", name="Cancel").click()
        seen.page.locator(CARD).wait_for(state="hidden")
        assert menu(seen).input_value() == "mice"
        assert seen.page.evaluate("document.activeElement.ariaLabel") == "Model"
        seen.page.wait_for_function(ABSENT, arg=FISH, polling=200)  # the server has stopped, too
        assert seen.classes().count("mice") == 5
        hub.go.set()
        hub.hold_after = None
        menu(seen).select_option(FISH)
        wait_for_class(seen, "fish")
        assert hub.gets("model.safetensors")[1].startswith("bytes=")
        assert workbench.models.entry(FISH)["state"] == "ready"
        assert seen.page.locator(CARD).is_hidden()
        assert menu(seen).locator("option").nth(1).inner_text() == FISH


def test_a_model_that_cannot_be_had_says_why_and_can_be_tried_again(of_the_hub, hub, long_visit):
    with long_visit(of_the_hub[2]) as seen:
        hub.private[CATS] = "hf_secret"
        refused = seen.page.locator(CARD).get_by_role("alert").get_by_text("does not give it to this server")
        other = next(name for name in ("honey bee", "red panda") if name.replace(" ", "_") != seen.opened["picture"]["example"])
        for goes_on in (lambda: menu(seen).press("Escape"), lambda: seen.choose(other)):
            menu(seen).select_option(CATS)
            refused.wait_for()
            goes_on()
            refused.wait_for(state="hidden")
        menu(seen).select_option(CATS)
        refused.wait_for()
        assert menu(seen).input_value() == "mice"
        seen.page.wait_for_function("document.querySelector('[data-menu]').textContent.includes('cats · not available')")
        hub.private.clear()
        seen.page.locator(CARD).get_by_role("button", name="Try again").click()
        wait_for_class(seen, "cats")


def test_that_the_server_does_not_answer_is_said_until_it_does(of_the_hub, long_visit):
    with long_visit(of_the_hub[2]) as seen:
        page, card = seen.page, seen.page.locator(CARD)
        problem = card.get_by_role("alert").get_by_text("The server does not answer.")
        page.route("**/models/load", lambda route: route.abort())
        with page.expect_response("**/explorer/heartbeat"):  # asked at once, since it may be the server
            menu(seen).select_option(PUBLISHED)
            problem.wait_for()
        seen.drawn()
        assert problem.is_visible()  # it was not
        page.route("**/explorer/heartbeat", lambda route: route.abort())
        card.get_by_role("button", name="Try again").click()
        page.wait_for_function("cvt.page.state.away")
        problem.wait_for()
        card.get_by_role("button", name="Try again").focus()
        page.unroute_all()
        page.evaluate("dispatchEvent(new Event('online'))")
        card.wait_for(state="hidden")
        assert page.evaluate("[cvt.page.state.away, document.activeElement.ariaLabel]") == [False, "Model"]
        assert menu(seen).input_value() == "mice"
        seen.problems.clear()  # the browser reports the failed requests, too


def test_a_link_opens_at_once_and_shows_its_model_once_that_has_come(of_the_hub, hub, visit):
    slow(hub)
    seen = visit(f"{of_the_hub[2]}/?model={BIRDS}&stage=3&block=2&row=2&col=3")
    wait_for_class(seen, "mice")
    downloads(seen)
    assert f"model={BIRDS}" in seen.page.url
    assert seen.page.evaluate("cvt.explorer().state.stage") != 2  # the rest of the link is about another model
    hub.go.set()
    wait_for_class(seen, "birds")
    seen.page.wait_for_function("cvt.explorer().state.stage === 2 && cvt.explorer().state.blocks[2] === 1")
    seen.page.wait_for_function("location.search.includes('row=2')")
    assert f"model={BIRDS}" in seen.page.url


def test_a_page_that_begins_with_another_model_than_it_should_says_so(chromium):
    with component_page(chromium) as page:
        told = {"instead": "It is damaged. The page begins with another.", "models": []}
        page.route("**/menu", lambda route: route.fulfill(body=json.dumps(told), content_type="application/json"))
        page.evaluate(MOUNT, "menu")
        page.evaluate("store.update({ results: { main: { model: 'mine' } } })")  # the first result is here
        page.locator(CARD).get_by_text(told["instead"]).wait_for()
        page.locator(CARD).get_by_role("button", name="Close").click()
        assert page.locator(CARD).is_hidden()
        page.evaluate("stop()")
