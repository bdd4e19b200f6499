"""Every lesson, walked by pointer and by keyboard on an example, on a picture of one's own and on a white one; graded by the model."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("gradio")

import app
from tests import serving
from tests.browser.conftest import ASK, SHOWN
from tests.browser.lesson_truths import IMPOSSIBLE, Truths
from tests.draw.test_payload import photo
from visualize.page.lessons.api import ORDER, LessonsApi
from visualize.page.workbench import Workbench

pytestmark = pytest.mark.browser
LESSONS = {lesson["name"]: lesson for lesson in LessonsApi().lessons()["lessons"]}
DRIVER = Path(__file__).with_name("lesson_walk.js").read_text(encoding="utf-8")
EVERY = bool(os.environ.get("CVT_TEST_EVERY_WALK"))  # 20 seconds of processor time more
TOLERANCE, COUNT = 0.25, 3  # unless a lesson says otherwise
PANEL, BOARD = "[data-lesson]", ".cvt-lesson-cells"


class Walk:
    """Somebody's way through lessons, by ``mode``: "pointer" or "keyboard"."""

    def __init__(self, seen, workbench: Workbench):
        self.seen, self.page, self.workbench = seen, seen.page, workbench
        self.page.evaluate(DRIVER)
        self.mode = "pointer"
        self.truths: dict[str, Truths] = {}  # by the result's key
        self.graded: set[tuple[str, bool]] = set()  # measures that were answered, right or wrong

    def lesson(self, name: str, mode: str, right: bool) -> None:
        """From the list to its end; every second question gets a right answer, beginning with one that is ``right``."""
        self.mode = mode
        self.page.evaluate("document.getElementById('tab-lessons-button').click()")
        self.seen.drawn()  # which moves the list
        self.press(f'[data-begin="{name}"][data-step="1"]')
        for number, step in enumerate(LESSONS[name]["steps"], 1):
            for key in ("ask", "after"):
                if key in step and self.question(number, key, step, right):
                    right = not right
            self.page.evaluate("step => walk.seen(step)", number)
            self.press(f"{PANEL} [data-ref=next]")

    def question(self, number: int, key: str, step: dict[str, Any], right: bool) -> bool:
        """Answers, and checks the grade; whether it could be asked."""
        ask, now = step[key], self.page.evaluate("([step, name]) => walk.question(step, name)", [number, key])
        measure = ask["measure"]
        if measure.get("token") == "held" and not now["pinned"]:
            now = self.hold(number, key)
        truths = self.truths.setdefault(now["key"], Truths(self.workbench, now["key"]))
        truths.held = now["held"]
        expected = truths.of(measure)
        if expected is IMPOSSIBLE:
            assert now["reason"].endswith("."), (measure, now)
            return False
        assert now["reason"] == "", (measure, now)
        self.within = f"{PANEL} [data-ref={key}]"
        if self.mode == "pointer" and key == "ask" and step["view"].startswith("tab=explore"):
            self.hover(BOARD if ask["kind"] == "cells" else self.within)
        answer, is_right = getattr(self, ask["kind"])(ask, expected, right, now, truths)
        self.press(f"{self.within} .cvt-lesson-answer")
        found = self.page.evaluate("([step, name]) => walk.graded(step, name)", [number, key])
        assert found["value"] == answer, (measure, found)
        assert found["right"] == found["shown"] == is_right, (measure, expected, found)
        self.graded.add((measure["name"], is_right))
        return True

    def choice(self, ask, expected: str | list[str], right: bool, now, truths) -> tuple[str, bool]:
        values, true = now["options"], [expected] if isinstance(expected, str) else expected
        assert set(true) <= set(values), (ask, values)
        at = next(at for at, value in enumerate(values) if (value in true) == right)
        if self.mode == "pointer":
            self.click(f"{self.within} .cvt-lesson-option", index=at)
        else:
            self.tab_to(f"{self.within} [type=radio]")
            self.keys("Space", *("ArrowDown",) * at)
        return values[at], right

    def number(self, ask, expected: float, right: bool, now, truths) -> tuple[float, bool]:
        least, most, step = now["limits"]
        value = float(f"{round(expected / step) * step if right else max((least, most), key=lambda end: abs(end - expected)):g}")
        if self.mode == "pointer":
            self.click(f"{self.within} [type=number]")
        else:
            self.tab_to(f"{self.within} [type=number]")
        self.page.keyboard.type(f"{value:g}")
        return value, abs(value - expected) <= ask.get("tolerance", TOLERANCE) * max(abs(expected), (most - least) / 20)

    def cells(self, ask, weights: np.ndarray, right: bool, now, truths: Truths) -> tuple[list[int], bool]:
        grid, side, count = truths.grid(ask["measure"]), len(truths.seen.pixels), ask.get("count", COUNT)
        order = np.argsort(-weights, kind="stable")
        chosen = [int(each) for each in (order[:count] if right else order[-count:])]
        row, column = (each // 2 for each in grid.shape)  # where the keys begin
        if self.mode == "keyboard":
            self.to_the_picture()
        for index in chosen:
            to = divmod(index, grid.shape[1])
            if self.mode == "pointer":
                y, x = (min(side - 1, max(1, grid.first[axis] + to[axis] * grid.stride[axis])) / side for axis in (0, 1))
                self.click(BOARD, (x, y))
            else:
                ways = ("ArrowDown", "ArrowUp")[to[0] < row], ("ArrowRight", "ArrowLeft")[to[1] < column]
                self.keys(*(ways[0],) * abs(to[0] - row), *(ways[1],) * abs(to[1] - column), "Enter")
            row, column = to
        best, even, share = weights[order[:count]].sum(), count / len(weights) * weights.sum(), weights[chosen].sum()
        return chosen, bool(best - even <= 0.01 * even or (share - even) / (best - even) >= 0.5)

    def hold(self, number: int, key: str) -> dict[str, Any]:
        """Chooses the token in the middle."""
        if self.mode == "pointer":
            self.click(BOARD)
        else:
            self.to_the_picture()
            self.keys("Enter")
        now = self.page.evaluate("([step, name]) => walk.question(step, name)", [number, key])
        assert now["pinned"]
        return now

    def hover(self, selector: str) -> None:
        """Over what can be chosen, which asks the server nothing; what another part of the page asks meanwhile, it does not ask again."""
        for _ in range(10):
            before = len(self.seen.requests)
            for share in (0.2, 0.5, 0.8):
                self.page.mouse.move(*self.page.evaluate("([each, at]) => walk.spot(each, at)", [selector, (share, share)]))
            self.seen.drawn()
            if not (asked := self.seen.requests_since(before)):
                return
        raise AssertionError(asked)

    def press(self, selector: str) -> None:
        if self.mode == "pointer":
            self.click(selector)
        else:
            self.page.evaluate("each => walk.spot(each)", selector)  # it can be pressed
            self.focus(selector)
            self.keys("Enter")

    def click(self, selector: str, at: tuple[float, float] = (0.5, 0.5), index: int = 0) -> None:
        self.page.mouse.click(*self.page.evaluate("([each, at, index]) => walk.spot(each, at, index)", [selector, at, index]))

    def keys(self, *names: str) -> None:
        for name in names:
            self.page.keyboard.press(name)

    def focus(self, selector: str) -> None:
        self.page.evaluate("each => document.querySelector(each).focus()", selector)

    def to_the_picture(self) -> None:
        if not self.page.evaluate("each => walk.focused(each)", BOARD):
            self.tab_to(f"{PANEL} [data-onto]")
            self.keys("Enter")

    def tab_to(self, selector: str) -> None:
        for _ in range(20):  # terms are on the way
            if self.page.evaluate("each => walk.focused(each)", selector):
                return
            self.keys("Tab")
        raise AssertionError(f"{selector} is not near")


@pytest.fixture(scope="module")
def two(tmp_path_factory) -> Iterator[tuple[Workbench, str]]:
    """The workbench and the address of a page with a model that answers at once, and the embedded one."""
    folder = tmp_path_factory.mktemp("models") / "small"
    serving.save_random_model(folder, image_size=48, embed_dim=(8, 16, 32), depth=(1, 1, 4))
    workbench = Workbench([str(folder), None], "cpu", kept=app.EXAMPLES[:1])
    with serving.app_of(workbench) as address:
        yield workbench, address


def choose(seen, picture: dict[str, str], model: str) -> None:
    """An example through a model, chosen outside of any lesson."""
    wanted = {"picture": picture, "model": model}
    answers = seen.page.evaluate(ASK, wanted)
    seen.page.wait_for_function(SHOWN, arg={**wanted, "answers": answers}, timeout=60_000)


def test_every_lesson_is_walked_by_pointer_and_by_keyboard(two, long_visit, tmp_path):
    """Each on two of the three pictures, or with EVERY on all of them."""
    photo(150, 110).save(tmp_path / "own.png")
    Image.new("RGB", (96, 96), "white").save(tmp_path / "white.png")
    workbench, address = two
    with long_visit(address) as seen:
        seen.page.emulate_media(reduced_motion="reduce")
        walk, walked = Walk(seen, workbench), Counter()
        for picture, kind in enumerate(("example", "own", "white")):
            if kind != "example":
                seen.page.get_by_role("tab", name="Look").click()
                seen.upload(tmp_path / f"{kind}.png")
                seen.wait_for_example(None)
            for number, name in enumerate(ORDER):
                if not EVERY and (number + picture) % 3 == 2:
                    continue
                walk.lesson(name, ("pointer", "keyboard")[(walked[name] + number) % 2], right=walked[name] == 0)
                walked[name] += 1
        choose(seen, seen.opened["picture"], workbench.names[1])
        walk.lesson("decided", "keyboard", right=True)  # it has probes
        done = {name: each["done"] for name, each in json.loads(seen.page.evaluate("localStorage['cvt-lessons']")).items()}
    assert done == {name: list(range(1, len(lesson["steps"]) + 1)) for name, lesson in LESSONS.items()}
    steps = [step for lesson in LESSONS.values() for step in lesson["steps"]]
    asked = {step[key]["measure"]["name"] for step in steps for key in ("ask", "after") if key in step}
    assert walk.graded == {(name, right) for name in asked for right in (True, False)}
