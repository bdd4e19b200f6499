"""People in real browsers: each chooses pictures of their own, another model, and switches a head off."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from visualize.page.requests import Request
from visualize.page.workbench import Workbench

from ..browser import CHROMIUM
from .people import Seen
from .questions import CLOSE, MODELS

VERDICT = '[data-explorer="main"] [data-ref="verdictName"]:not(:empty)'
OWN = "[data-own=file]"
SHOWN = """([before, model]) => { const { picture, results, choosing } = cvt.page.state;
  return picture.key !== before && picture.key === results.main.key && picture.model === model && !choosing
    && cvt.explorer().key === picture.key; }"""
CLASSES = "cvt.explorer().result.header.top.map(({ label, probability }) => [label, probability])"
KEY = "cvt.page.state.picture.key"


class Browsers:
    """Pages in one Chromium, which take turns; ``seen`` is of them all."""

    def __init__(self, address: str, pictures: Sequence[Sequence[Path]], workbench: Workbench):
        self.seen, self._address, self._pictures = Seen(), address, pictures
        self._expected = {
            (path, model): dict(workbench.classes(Request(model=model, picture=str(path))))
            for person in pictures
            for path in person
            for model in MODELS
        }

    def use(self, until: float) -> None:
        """As ``Person.use``."""
        from playwright.sync_api import sync_playwright

        with sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
            pages = [browser.new_context().new_page() for _ in self._pictures]
            for page in pages:
                page.goto(self._address)
                page.wait_for_selector(VERDICT, timeout=120_000)
            number = 0
            while time.monotonic() < until:
                for page, pictures in zip(pages, self._pictures, strict=True):
                    self._turn(page, pictures[number % len(pictures)], number)
                number += 1
            browser.close()

    def _turn(self, page: Any, picture: Path, number: int) -> None:
        model = MODELS[number % 2]
        begun = time.monotonic()
        try:
            before = page.evaluate(KEY)
            page.locator(OWN).first.set_input_files(picture)
            page.wait_for_function(SHOWN, arg=[before, page.evaluate("cvt.page.state.model")], timeout=120_000)
            self.seen.answers.append(time.monotonic() - begun)
            if page.evaluate("cvt.page.state.model") != model:
                begun, before = time.monotonic(), page.evaluate(KEY)
                page.locator("#model-choice select").select_option(model)
                page.wait_for_function(SHOWN, arg=[before, model], timeout=120_000)
                self.seen.answers.append(time.monotonic() - begun)
        except Exception as error:
            self.seen.errors.append(f"page: {type(error).__name__}: {str(error)[:200]}")
            return
        shown, expected = dict(page.evaluate(CLASSES)), self._expected[picture, model]
        if any(abs(shown[label] - probability) > CLOSE for label, probability in expected.items() if label in shown):
            self.seen.wrong.append(f"page: {picture.name} by {model}")
