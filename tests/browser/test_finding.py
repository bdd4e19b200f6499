"""The finding in every form: what is read, what is told and described to those who do not see, and what the exported picture says."""

from __future__ import annotations

import re

import pytest

from tests.browser.mounted import component_page

pytest.importorskip("playwright")

pytestmark = pytest.mark.browser
HERE = "#explorer "  # the page carries other components too
# What is written on canvases from now on.
LISTEN = """() => {
  window.written = [];
  const { fillText } = CanvasRenderingContext2D.prototype;
  CanvasRenderingContext2D.prototype.fillText = function (text, ...rest) { written.push(text); return fillText.call(this, text, ...rest); };
}"""


@pytest.fixture
def page(chromium):
    """A page with an explorer, wide enough for picture and panels."""
    with component_page(chromium, mounts="explorer", viewport={"width": 1440, "height": 900}, accept_downloads=True) as page:
        yield page


def told(page, beginning: str = "") -> str:
    """What the live region says once it says the headline that stands there, after this ``beginning``."""
    page.wait_for_function(
        """(beginning) => {
          const [said, headline] = ["live", "headline"].map((name) => document.querySelector(`#explorer [data-ref=${name}]`).textContent);
          return headline && said.startsWith(beginning) && said.endsWith(headline);
        }""",
        arg=beginning,
    )
    return page.text_content(f"{HERE}[data-ref=live]")


def read(page) -> str:
    """The headline and the detail that stand there."""
    return " ".join(page.text_content(f"{HERE}[data-ref={name}]") for name in ("headline", "detail"))


def choose(page, name: str, value: str) -> str:
    """Chooses a value of a group of buttons; what is read as soon as the headline is another."""
    before = page.text_content(f"{HERE}[data-ref=headline]")
    page.click(f"{HERE}[data-choice={name}] [data-value={value}]")
    page.wait_for_function("(before) => document.querySelector('#explorer [data-ref=headline]').textContent !== before", arg=before)
    return read(page)


def described(page) -> str:
    """How the picture is described to who does not see it, once the live region has spoken."""
    return page.locator(f"{HERE}[data-ref=picture]").get_attribute("aria-description")


def test_who_does_not_see_is_told_and_given_what_others_read(page):
    first = told(page, "Most probable: ")
    said = re.fullmatch(r"(Most probable: \S.*, \d\S*\u202f%\.) This spot looks .*\.", first)
    place, sure = r"At row \d+, column \d+\. ", " " + said[1]
    assert re.fullmatch(place + re.escape(read(page) + sure), described(page))
    picture = page.locator(f"{HERE}[data-ref=picture]")
    picture.press("ArrowUp")
    moved = told(page, "At row ")
    assert re.match(place + "This spot looks ", moved)
    assert described(page) != first
    picture.press("Enter")
    assert re.match(r"Held at row \d+, column \d+\. This spot looks ", told(page, "Held at "))
    assert described(page) == f"{moved.split(' This')[0]} {read(page)}{sure}"


def test_every_map_has_a_finding_of_its_own(page):
    found = [read(page), *(choose(page, "layer", each) for each in ("class", "none", "features"))]
    page.click(f"{HERE}[data-ref=lookInside]")
    page.click(f"{HERE}[data-choice=depth] [data-value=features]")
    found += [choose(page, "features", each) for each in ("mean", "channel", "similarity")]
    assert len(set(found)) == len(found)
    assert choose(page, "features", "pca") == found[3]


def test_the_exported_picture_says_the_finding_before_the_caption(page):
    page.click(f"{HERE}[data-ref=lookInside]")
    page.click(f"{HERE}[data-choice=depth] [data-value=export]")
    page.evaluate(LISTEN)
    with page.expect_download():
        page.click(f"{HERE}[data-ref=savePng]")
    caption = page.text_content(f"{HERE}[data-ref=sentence]")
    assert " ".join(page.evaluate("written")) == f"{read(page)} {caption}"
