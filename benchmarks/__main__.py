"""``python -m benchmarks``: this project and its peers, measured in turn, as Markdown and JSON. See README.md in this folder."""

from __future__ import annotations

import argparse
import json
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import torch

from . import browser, growth, profile, speed
from .machine import in_words, machine
from .pictures import embedded_options
from .rows import HEADER, Row

PARTS = ("speed", "computed", "started", "first load", "page")
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}
GROWTH = Path("runs") / "growth"


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Times this project against the alternatives.")
    parser.add_argument("--check", action="store_true", help="exit with status 1 if a target is missed")
    parser.add_argument("--only", default="", metavar="WORDS", help=f"only the parts whose name contains this: {', '.join(PARTS)}")
    parser.add_argument("--rounds", type=float, default=1, metavar="SHARE", help="share of the usual number of rounds (default: 1)")
    parser.add_argument("--threads", type=int, default=None, help="threads of PyTorch and of every peer (default: PyTorch's own)")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="cuda measures in float16 (default: cpu)")
    parser.add_argument("--clock", choices=CLOCKS, default="wall", help="cpu counts processor time in the speed part (default: wall)")
    parser.add_argument("--json", type=Path, default=None, metavar="PATH", help="also write all numbers to this file")
    parser.add_argument("--quick", action="store_true", help="a smoke test: a tiny model, a few rounds, the speed part only")
    parser.add_argument("--profile", action="store_true", help="instead: the operators in which a pass spends its time")
    parser.add_argument(
        "--growth", nargs="?", type=Path, const=GROWTH, default=None, metavar="FOLDER",
        help=f"instead: time and memory against resolution, batch and depth, as plots and JSON (default: {GROWTH})",
    )  # fmt: skip
    parser.add_argument("--seconds", type=float, default=60, help="with --growth: no point may take longer (default: 60)")
    parser.add_argument("--memory", type=float, default=6, metavar="GB", help="with --growth: nor more memory on a CPU (default: 6)")
    return parser.parse_args(given)


def measured_speed(options: argparse.Namespace, values: dict[str, Any]) -> Iterator[Row]:
    """Prints a table for each batch size; returns the targets."""
    rows = []
    for found in speed.of_device(options.device, options.quick, options.rounds, CLOCKS[options.clock]):
        print("\n".join(speed.table(found)), end="\n\n", flush=True)
        values["speed"].append(found.as_json())
        rows += [] if options.quick else speed.targets(found, options.device)
    yield from rows


def computed(options: argparse.Namespace) -> Iterable[Row]:
    from . import cases

    return cases.rows(options.device, options.rounds)


def started(options: argparse.Namespace) -> Iterator[Row]:
    from . import started

    with embedded_options() as more:
        yield from started.rows(options.device, options.rounds, more)


def first_load(options: argparse.Namespace) -> Iterable[Row]:
    from . import first_load

    return first_load.rows()


def page(options: argparse.Namespace) -> Iterable[Row]:
    from . import page

    return page.rows(options.device, options.rounds)


def parts(options: argparse.Namespace, values: dict[str, Any]) -> Iterator[tuple[str, Callable[[], Iterable[Row]]]]:
    """The requested parts that can be measured here, by name; prints why others cannot."""
    rest = (lambda: computed(options), lambda: started(options), lambda: first_load(options), lambda: page(options))
    known = dict(zip(PARTS, (lambda: measured_speed(options, values), *rest), strict=True))
    for name, measure in known.items():
        if options.only.lower() not in name or (options.quick and name != "speed"):
            continue
        if name in ("first load", "page") and (why := browser.missing()):
            print(why)
            continue
        yield name, measure


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Prints and returns all requested parts."""
    values: dict[str, Any] = {
        "machine": machine(options.device),
        "device": options.device,
        "clock": options.clock,
        "speed": [],
        "rows": [],
        "failed": {},
    }
    print(in_words(values["machine"]), end="\n\n", flush=True)
    if options.growth is not None:
        values["growth"] = growth.report(options.growth, options.device, options.quick, options.seconds, options.memory * 1e9)
        return values
    if options.profile:
        values["profile"] = profile.report(options.device, options.quick)
        return values
    print("Medians of paired, interleaved rounds; in brackets the quartiles of the rounds' ratios.", end="\n\n")
    for name, rows in parts(options, values):
        print(f"### {name.capitalize()}", end="\n\n", flush=True)
        try:
            for number, row in enumerate(rows()):
                print(row if number else f"{HEADER}\n{row}", flush=True)
                values["rows"].append({"part": name, **row.as_json()})
        except Exception as error:  # the other parts still run
            traceback.print_exc()
            values["failed"][name] = f"{type(error).__name__}: {error}"
            print(f"\nThis part ended there: {values['failed'][name]}")
        print(flush=True)
    return values


def main(given: list[str] | None = None) -> int:
    options = arguments(given)
    if options.threads:
        torch.set_num_threads(options.threads)
    if options.device == "cuda" and not torch.cuda.is_available():
        sys.exit("PyTorch cannot use a GPU here.")
    values = measure(options)
    if options.json:
        options.json.write_text(json.dumps(values, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    missed = [row for row in values["rows"] if row["reached"] is False]
    return 1 if values["failed"] or (options.check and missed) else 0


if __name__ == "__main__":
    sys.exit(main())
