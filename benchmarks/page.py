"""What people wait for, measured in the page in Chromium.

The first map: every round takes one file through the page, from the upload of the file until the maps of the new result are
drawn, and through a plain forward pass of the same model, from the opened file to the class scores. A CvT-13 may take 1.3 times the
pass plus 250 ms, the embedded model's shape the pass plus 150 ms, and on a GPU either 120 ms in all.

A frame: how long the page's script draws after the pointer has moved, in every stage and for the most expensive views. The goal is a
median of 16 ms.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image

from cvt import CvtImageProcessor
from cvt.architecture.build import build_variant
from cvt.config import CvtConfig
from visualize.page.workbench import Workbench

from .browser import CHROMIUM
from .pictures import SHAPE, photograph
from .rows import Row, amount, in_time

FRAME = 0.016  # seconds
ROUNDS, MOVES = 12, 60
CVT_13 = "CvT-13, 224 px, random weights"
SHAPE_96 = "the embedded model's shape, 96 px, random weights"
MODELS = {
    CVT_13: (CvtConfig(), CvtImageProcessor(size=224)),
    SHAPE_96: (CvtConfig(**SHAPE), CvtImageProcessor(size=96)),
}
# The views while the pointer moves: a description, and the page's state.
CHOICES = {
    **{f"attention, stage {stage + 1}": {"stage": stage} for stage in range(3)},
    "attention to the place, stage 1": {"stage": 0, "view": "received"},
    "attention, smooth, zoomed, all stages' colours": {"stage": 2, "smooth": True, "zoom": 4, "scale": "all"},
    "similarity, stage 1": {"stage": 0, "features": "similarity", "layer": "features"},
    "similarity, stage 3": {"stage": 2, "features": "similarity", "layer": "features"},
    "channels sorted by the token's value, stage 3": {"stage": 2, "features": "channel", "layer": "features", "sort": "here"},
    "evidence for a class": {"stage": 2, "layer": "class", "sort": "region"},
}
UPLOAD = "#picture-upload [data-own=file]"
NEXT_FRAME = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
# In the page: the clock starts when the element has a file, and stops when the next result's maps are drawn.
WATCH = """() => {
  const before = cvt.explorer().key;
  performance.clearResourceTimings(); // or after 250 entries, most of them scripts, the browser would add none
  window.drawn = new Promise((done) => {
    let start = null;
    window.addEventListener("change", () => (start ??= performance.now()), { capture: true });
    const look = () => {
      const explorer = cvt.explorer();
      if (start === null || explorer.key === before || explorer.drawn !== explorer.result) return requestAnimationFrame(look);
      const data = performance.getEntriesByType("resource").find((each) => each.name.endsWith("/explorer/data/" + explorer.key));
      // when the next frame begins, this one is on the screen
      requestAnimationFrame(() => done([data.startTime - start, data.responseEnd - start, performance.now() - start]));
    };
    look();
  });
}"""


@dataclass(frozen=True)
class Round:
    """Seconds: a plain pass; the page in all, until it requests the maps, and until they have arrived."""

    plain: float
    page: float
    asked: float
    arrived: float


@dataclass(frozen=True)
class Goal:
    """The page's time limit: a factor of the plain pass, and extra seconds."""

    factor: float
    extra: float

    def __str__(self) -> str:
        passes = {0: "", 1: "the pass + "}.get(self.factor, f"{self.factor:g} × the pass + ")
        return f"≤ {passes}{self.extra * 1000:.0f} ms"

    def over(self, each: Round) -> float:
        """How far the page is over the limit; negative if below."""
        return each.page - (self.factor * each.plain + self.extra)


GOALS = {CVT_13: Goal(1.3, 0.25), SHAPE_96: Goal(1, 0.15)}
GPU_GOAL = Goal(0, 0.12)


@contextmanager
def served(config: CvtConfig, processor: CvtImageProcessor, device: str = "cpu") -> Iterator[tuple[str, Workbench]]:
    """The address of the app with a random model of this shape, and its workbench."""
    import app

    with tempfile.TemporaryDirectory() as folder:
        build_variant(config).save_pretrained(folder)
        processor.save_pretrained(folder)
        workbench = Workbench(folder, device)
        demo = app.build_demo(workbench)
        try:
            _, address, _ = demo.launch(
                prevent_thread_lock=True, server_name="127.0.0.1", server_port=None, quiet=True, **app.launch_settings(workbench)
            )
            yield address, workbench
        finally:
            demo.close(verbose=False)


@contextmanager
def opened(address: str) -> Iterator[object]:
    """A page of a new browser that shows its first result."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(address)
        page.wait_for_selector("[data-ready]")
        yield page
        browser.close()


def rounds(config: CvtConfig, processor: CvtImageProcessor, count: int, device: str = "cpu", warmup: int = 2) -> Iterator[Round]:
    """Measures ``count`` rounds with different pictures, in one page of one browser."""
    with served(config, processor, device) as (address, workbench), opened(address) as page, tempfile.TemporaryDirectory() as folder:
        for number in range(-warmup, count):
            path = Path(folder) / f"{number}.jpg"
            photograph().rotate(number, resample=Image.Resampling.BICUBIC).save(path, quality=90)
            order = (plain, in_page) if number % 2 else (in_page, plain)
            found = {each: each(workbench, page, path) for each in order}
            if number >= 0:
                yield Round(found[plain], *found[in_page])


def frames(config: CvtConfig, processor: CvtImageProcessor, moves: int = MOVES) -> dict[str, list[float]]:
    """Seconds of each frame's drawing while the pointer crosses the picture, for each of CHOICES."""
    found = {}
    with served(config, processor) as (address, _), opened(address) as page:
        initial = page.evaluate("structuredClone(cvt.explorer().state)")
        page.locator("[data-ref=picture]").first.scroll_into_view_if_needed()
        for name, choice in CHOICES.items():
            page.evaluate("(state) => cvt.explorer().set(state)", {**initial, **choice})
            page.evaluate(NEXT_FRAME)
            page.evaluate("cvt.explorer().frames.length = 0")
            box = page.locator("[data-ref=picture]").first.bounding_box()
            for step in range(moves):
                share = (step + 0.5) / moves
                page.mouse.move(box["x"] + box["width"] * share, box["y"] + box["height"] * (0.2 + 0.6 * share))
                page.evaluate(NEXT_FRAME)
            found[name] = page.evaluate("cvt.explorer().frames.map((each) => each / 1000)")
    return found


def plain(workbench: Workbench, page: object, path: Path) -> float:
    """Seconds of a forward pass without hooks, from the file to the scores."""
    bench = workbench.loaded()
    started = time.perf_counter()
    with torch.inference_mode():
        pixel_values = bench.processor(Image.open(path), return_tensors="pt").pixel_values
        bench.model(pixel_values.to(bench.model.device, bench.model.dtype)).logits.softmax(-1).tolist()
    return time.perf_counter() - started


def in_page(workbench: Workbench, page, path: Path) -> tuple[float, float, float]:
    """Seconds in the page: in all, until the maps are requested, until they have arrived."""
    page.evaluate(WATCH)
    page.locator(UPLOAD).set_input_files(path)
    asked, arrived, drawn = page.evaluate("window.drawn")
    return drawn / 1000, asked / 1000, arrived / 1000


def first_map_row(name: str, found: list[Round], goal: Goal) -> Row:
    """Medians of the rounds, and of how far each was over its goal."""

    def middle(get: Callable[[Round], float]) -> str:
        return in_time(statistics.median(map(get, found)))

    plain_pass, over = middle(lambda each: each.plain), statistics.median(map(goal.over, found))
    asks, has, drawn = middle(lambda each: each.asked), middle(lambda each: each.arrived), middle(lambda each: each.page)
    told = f"{drawn} ({over * 1000:+.0f} ms; pass {plain_pass}, maps requested at {asks}, received at {has})"
    return amount(f"dropped picture → drawn maps, {name}", told, over, str(goal), 0)


def frame_row(name: str, times: list[float]) -> Row:
    """Median and slowest frame."""
    median = statistics.median(times)
    told = f"{in_time(median)} (slowest of {len(times)}: {in_time(max(times))})"
    return amount(f"a frame while the pointer moves, {name}", told, median, f"≤ {in_time(FRAME)}", FRAME)


def rows(device: str = "cpu", share: float = 1) -> Iterator[Row]:
    """Both, with this share of the usual number of rounds."""
    count = max(2, round(ROUNDS * share))
    for name, (config, processor) in MODELS.items():
        goal = GPU_GOAL if device == "cuda" else GOALS[name]
        yield first_map_row(name, list(rounds(config, processor, count, device)), goal)
    found = frames(*MODELS[CVT_13], moves=max(10, round(MOVES * share)))
    for name, times in found.items():
        yield frame_row(name, times)
    yield frame_row("all of these", [each for times in found.values() for each in times])
