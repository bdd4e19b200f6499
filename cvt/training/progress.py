"""Progress reporting: a bar or lines on the terminal, and a history as CSV."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from tqdm import tqdm

from ..files.storage import replacing
from .data.places import reason

HISTORY = "history.csv"
BAR = "{n_fmt}/{total_fmt} {bar:4} {remaining} left{desc}"  # fits into 80 columns


@dataclass(frozen=True)
class Progress:
    """A report.

    Attributes:
        step, steps: done, and in all. side: of the input, in pixels, the largest since the last report.
        loss, accuracy: means over augmented training pictures since the last report.
        learning_rate: AdamW's. speed: pictures per second.
        top1, top5: on the held-out pictures with the averaged weights, if evaluated.
    """

    step: int
    steps: int
    side: int
    loss: float
    accuracy: float
    learning_rate: float
    speed: float
    top1: float | None = None
    top5: float | None = None

    def __str__(self) -> str:
        text = f"{self.speed:.0f} pictures/s · loss {self.loss:.3f} · right {self.accuracy:.0%}"
        return text if self.top1 is None else f"{text}, held out {self.top1:.1%}"


class Reporter:
    """Shows progress as a bar on a terminal, else as lines; writes the history.

    Args:
        history: the CSV file; its rows up to ``step`` are kept, for a run that resumes there.
    """

    def __init__(self, history: Path, step: int, steps: int, quiet: bool = False):
        self.history, self.rows = history, read_history(history, step)
        self.bar = tqdm(total=steps, initial=step, bar_format=BAR, dynamic_ncols=True, disable=True if quiet else None)

    def __call__(self, progress: Progress) -> None:
        self.rows.append({name: "" if value is None else value for name, value in asdict(progress).items()})
        write_history(self.history, self.rows)
        if self.bar.disable:
            print(f"step {progress.step}/{progress.steps} · side {progress.side} · {progress}", flush=True)
        else:
            self.bar.set_description_str(f" · {progress}", refresh=False)
            self.bar.update(progress.step - self.bar.n)

    def __enter__(self) -> Reporter:
        return self

    def __exit__(self, *error) -> None:
        self.bar.close()
        sys.stderr.flush()


def write_history(path: Path, rows: list[dict]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(Progress)], lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    with replacing(path) as temporary:
        temporary.write_text(text.getvalue(), encoding="utf-8")


def read_history(path: Path, before: int) -> list[dict]:
    """The rows of an earlier part of this run, up to the step at which it resumes."""
    if before == 0 or not path.exists():
        return []
    with open(path, newline="", encoding="utf-8", errors="replace") as file:
        return [row for row in csv.DictReader(file) if _number(row.get("step")) <= before]


def _number(text: str | None) -> float:
    """A row's step; damaged rows sort last."""
    try:
        return int(text or "")
    except ValueError:
        return float("inf")


@contextmanager
def ending_in_words(impossible: str) -> Iterator[None]:
    """A command's work: what stops it is told in one line that begins with ``impossible``, and ends the program."""
    replace_unencodable()
    try:
        yield
    except ValueError as error:
        sys.exit(f"{impossible}: {error}")
    except OSError as error:
        sys.exit(f"{impossible}: a file cannot be read ({reason(error)}).")
    except KeyboardInterrupt:
        sys.exit("\nStopped.")


def replace_unencodable() -> None:
    """Lets a terminal that lacks a character show another in its place, instead of raising an error."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
