"""Draws the curves of a training run: ``python -m visualize.draw.curves DIR`` reads its history.csv and writes curves.png."""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path

from cvt.files.storage import replacing

from .plots import training_curves


def draw(folder: Path) -> Path:
    """Draws the history in ``folder`` and returns the path of the new picture.

    Raises:
        ValueError: no history, or nothing in it to draw.
    """
    try:
        with open(folder / "history.csv", newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except OSError as error:
        raise ValueError(f"There is no history.csv in {folder.name!r}: give the --out folder of a training run.") from error
    picture = folder / "curves.png"
    with replacing(picture) as temporary:
        training_curves(rows).savefig(temporary, format="png")
    return picture


def main(given: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m visualize.draw.curves", description="Draws a training run's curves as curves.png.")
    parser.add_argument("folder", type=Path, help="the --out folder of python -m cvt.train")
    try:
        print(draw(parser.parse_args(given).folder).name)
    except ValueError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
