"""From dropping a picture to the first drawn maps, in a real browser: ``python -m benchmarks.first_map``.

The page runs in a Chromium on this machine. Every round takes one file twice, in turn: through the page, from the moment at
which its upload has the file until the maps of the new result are drawn; and through a plain forward pass of the same
model, from the opened file to the class scores. The goal is 1.3 times the pass plus 250 ms.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # before torch: server and browser share the cores

import torch
from PIL import Image

from cvt import CvtImageProcessor
from cvt.config import CvtConfig
from cvt.variants import build_variant
from visualize.workbench import Workbench

from .cases import SHAPE, photograph

CHROMIUM = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FACTOR, EXTRA = 1.3, 0.25  # seconds
MODELS = {
    "CvT-13, 224 px, random weights": (CvtConfig(), CvtImageProcessor(size=224)),
    "the embedded model's shape, 96 px, random weights": (CvtConfig(**SHAPE), CvtImageProcessor(size=96)),
}
UPLOAD = "#picture-upload input[type=file]"
# In the page: the clock starts when the element says that it has a file, and stops when the next result's maps are drawn.
WATCH = """() => {
  const before = cvtExplorer.get().key;
  window.drawn = new Promise((done) => {
    let start = null;
    window.addEventListener("change", () => (start ??= performance.now()), { capture: true });
    const look = () => {
      const explorer = cvtExplorer.get();
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
    """Seconds: a plain pass; the page in all, until it asks for the maps, and until they have arrived."""

    plain: float
    page: float
    asked: float
    arrived: float

    @property
    def over(self) -> float:
        """How far the page is over its goal; negative where it is below."""
        return self.page - (FACTOR * self.plain + EXTRA)


@contextmanager
def served(config: CvtConfig, processor: CvtImageProcessor) -> Iterator[tuple[str, Workbench]]:
    """The address of the app with a random model of this shape, and its workbench."""
    import app

    with tempfile.TemporaryDirectory() as folder:
        build_variant(config).save_pretrained(folder)
        processor.save_pretrained(folder)
        workbench = Workbench(folder, "cpu")
        demo = app.build_demo(workbench)
        try:
            _, address, _ = demo.launch(
                prevent_thread_lock=True, server_name="127.0.0.1", server_port=None, quiet=True, **app.launch_settings(workbench)
            )
            yield address, workbench
        finally:
            demo.close()


def rounds(config: CvtConfig, processor: CvtImageProcessor, count: int, warmup: int = 2) -> Iterator[Round]:
    """Measures ``count`` rounds with pictures that differ, in one browser on one page."""
    from playwright.sync_api import sync_playwright

    with served(config, processor) as (address, workbench), sync_playwright() as driver, tempfile.TemporaryDirectory() as folder:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(address)
        page.wait_for_selector("[data-ready]")
        for number in range(-warmup, count):
            path = Path(folder) / f"{number}.jpg"
            photograph().rotate(number, resample=Image.Resampling.BICUBIC).save(path, quality=90)
            order = (plain, in_page) if number % 2 else (in_page, plain)
            found = {each: each(workbench, page, path) for each in order}
            if number >= 0:
                yield Round(found[plain], *found[in_page])
        browser.close()


def plain(workbench: Workbench, page: object, path: Path) -> float:
    """Seconds of a forward pass without hooks, from the file to the scores."""
    bench = workbench.bench()
    started = time.perf_counter()
    with torch.inference_mode():
        bench.model(bench.processor(Image.open(path), return_tensors="pt").pixel_values).logits.softmax(-1).tolist()
    return time.perf_counter() - started


def in_page(workbench: Workbench, page, path: Path) -> tuple[float, float, float]:
    """Seconds in the page: in all, until the maps are asked for, until they are there."""
    page.evaluate(WATCH)
    page.locator(UPLOAD).set_input_files(path)
    asked, arrived, drawn = page.evaluate("window.drawn")
    return drawn / 1000, asked / 1000, arrived / 1000


def row(name: str, found: list[Round]) -> tuple[str, bool]:
    """One line of the table, medians of the rounds, and whether the goal was missed."""

    def middle(get: Callable[[Round], float]) -> float:
        return statistics.median(map(get, found)) * 1000

    plain_pass, over = middle(lambda each: each.plain), middle(lambda each: each.over)
    asks, has, drawn = middle(lambda each: each.asked), middle(lambda each: each.arrived), middle(lambda each: each.page)
    verdict = f"{over:+.0f} ms: {'missed' if over > 0 else 'reached'}"
    return f"| {name} | {plain_pass:.0f} ms | {asks:.0f} ms | {has:.0f} ms | {drawn:.0f} ms | {verdict} |", over > 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.first_map", description="From dropping a picture to the first drawn maps.")
    parser.add_argument("--check", action="store_true", help="exit with status 1 if the goal is missed")
    parser.add_argument("--rounds", type=int, default=12, help="rounds a model (default: 12)")
    parser.add_argument("--threads", type=int, default=2, help="threads of PyTorch (default: 2)")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(f"{os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f} at the start. Medians of {options.rounds} paired rounds.", end="\n\n")
    print("| model | plain pass | page asks for the maps | has them | has drawn them | over 1.3 × pass + 250 ms |")
    print("|---|---|---|---|---|---|", flush=True)
    missed = 0
    for name, (config, processor) in MODELS.items():
        line, over = row(name, list(rounds(config, processor, options.rounds)))
        print(line, flush=True)
        missed += over
    return 1 if options.check and missed else 0


if __name__ == "__main__":
    sys.exit(main())
