"""Every component's mount returns its clean-up: after it nothing listens, waits or follows, and it can be mounted again."""

from __future__ import annotations

import pytest

pytest.importorskip("playwright")

from tests.browser.mounted import MOUNT, MOUNTED, TEMPLATES, component_page
from visualize.web.components import COMPONENTS

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def page(chromium):
    with component_page(chromium, "?hide=seed") as page:
        yield page


def held(page) -> dict[str, int]:
    return page.evaluate("held")


@pytest.mark.parametrize("name", TEMPLATES)
def test_what_is_mounted_goes_and_comes_again(page, name):
    before, nothing = page.inner_html("body"), held(page)
    counts = []
    for _ in range(2):
        page.evaluate(MOUNT, name)
        page.wait_for_function(MOUNTED[name])
        counts.append(held(page))
        page.evaluate("stop()")
        assert page.inner_html("body") == before
        assert held(page) == nothing == {"listeners": 0, "observers": 0, "subscriptions": 0}
        assert page.evaluate("[...due]") == []
        page.evaluate("store.update({ picture: {}, linked: null, gone: { explorer: 'main' } })")  # nobody follows
        assert page.inner_html("body") == before
    assert counts[0] == counts[1]
    assert counts[0]["listeners"] > 0
    assert counts[0]["subscriptions"] > 0
    assert page.evaluate("document.documentElement.dataset.cvtHide ?? null") is None


def test_what_a_link_shows_is_waited_for_no_longer_than_the_component_lives(page):
    page.evaluate(MOUNT, "share")
    page.wait_for_function(MOUNTED["share"])
    assert page.evaluate("due.size") > 0
    page.evaluate("stop()")
    assert page.evaluate("due.size") == 0


def test_every_component_of_the_page_is_looked_at():
    assert {each.STATIC.name for each in COMPONENTS if (each.STATIC / "main.js").exists()} == set(TEMPLATES)
