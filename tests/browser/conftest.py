"""A person's visit to the page, in the Chromium of ``tests/conftest.py``."""

from urllib.parse import urlparse

import pytest

from tests.browser.tabs import Tabs


class Visit:
    """A page with a record of what went wrong on it and of where it sent requests."""

    def __init__(self, tabs: Tabs, address: str, **context):
        from tests import serving  # needs Gradio

        self.host = urlparse(address).netloc
        self.problems: list[str] = []
        self.requests: list[str] = []
        heard = {
            "console": lambda message: message.type == "error" and self.problems.append(message.text),
            "pageerror": lambda error: self.problems.append(str(error)),
            "request": lambda request: self.requests.append(request.url),
        }
        self.page = tabs.take(address, heard, **context)
        serving.before_closing(address, lambda: tabs.leave(address))
        self.page.goto(address)
        self.wait_for_result(state="attached")  # a link may have opened another tab

    def wait_for_result(self, explorer: str = "main", state: str = "visible") -> None:
        self.page.wait_for_selector(f'[data-explorer="{explorer}"] .cvt-class', state=state, timeout=60_000)

    def drawn(self) -> None:
        """Waits for what was asked for to be drawn: once a frame."""
        self.page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def sentence(self, explorer: str = "main") -> str:
        self.drawn()
        return self.page.inner_text(f'[data-explorer="{explorer}"] [data-ref="sentence"]')

    def classes(self, explorer: str = "main") -> str:
        return self.page.inner_text(f'[data-explorer="{explorer}"] [data-ref="classes"]')

    def picture(self, explorer: str = "main"):
        return self.page.locator(f'[data-explorer="{explorer}"] [data-ref="picture"]')

    def overlay(self, explorer: str = "main") -> str:
        """What is drawn on the picture, as a data address, for comparing."""
        self.drawn()
        return self.page.eval_on_selector(f'[data-explorer="{explorer}"] [data-ref="overlay"]', "canvas => canvas.toDataURL()")

    def example(self, name: str):
        """The button of an example, by the name that people read."""
        return self.page.get_by_role("button", name=f"Example: {name}", exact=True)

    def choose(self, example: str) -> None:
        self.example(example).click()

    def upload(self, path) -> None:
        self.page.locator("#picture-upload input[type=file]").set_input_files(path)

    def wait_for_example(self, name: str | None) -> None:
        """Until an example, or with None a picture of one's own, is drawn and nothing newer is on its way."""
        self.page.wait_for_function(
            """name => { const { picture, results, choosing } = cvt.page.state;
            return picture && (picture.example ?? null) === name && picture.key === results.main.key && !choosing
              && cvt.explorer().ref.message.hidden; }""",
            arg=name and name.replace(" ", "_"),
            timeout=60_000,
        )

    def requests_since(self, count: int) -> list[str]:
        """Requests after the first ``count``, but for the page's own heartbeat."""
        return [url for url in self.requests[count:] if "heartbeat" not in url]


@pytest.fixture(scope="session")
def tabs(chromium) -> Tabs:
    return Tabs(chromium)


@pytest.fixture
def visit(tabs, served):
    """``visit(**context)`` opens the app and waits for its first result; nothing may go wrong on any page it opened."""
    visits = []

    def opened(address: str = served, **context) -> Visit:
        visits.append(Visit(tabs, address, **context))
        return visits[-1]

    yield opened
    for each in visits:
        tabs.give(each.page)
    for each in visits:
        assert each.problems == []
        assert [url for url in each.requests if urlparse(url).scheme.startswith("http") and urlparse(url).netloc != each.host] == []
