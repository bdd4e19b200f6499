"""``python -m benchmarks``: paired ratios and times in the page, as Markdown; with ``--check``, exit status 1 if a goal is missed."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from importlib.util import find_spec

import torch

from . import page
from .cases import Case, cases
from .paired import Pairs


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Times this project against what one would run otherwise.")
    parser.add_argument("--check", action="store_true", help="exit with status 1 if a goal is missed")
    parser.add_argument("--only", default="", metavar="WORDS", help="only cases whose name contains this; 'page': what is measured there")
    parser.add_argument("--rounds", type=float, default=1, metavar="SHARE", help="share of the usual number of rounds (default: 1)")
    parser.add_argument("--threads", type=int, default=None, help="threads of PyTorch (default: its own)")
    return parser.parse_args()


def row(case: Case, times: Pairs) -> str:
    base, other = (f"{each * 1000:.1f} ms" if each < 1 else f"{each:.2f} s" for each in times.medians)
    low, high = times.spread
    goal = f"{'≤' if case.at_most else '≥'} {case.goal:.2f}"
    verdict = "reached" if case.reached(times.ratio) else "missed"
    return f"| {case.name} | {case.base}: {base} | {case.other}: {other} | {times.ratio:.2f} ({low:.2f}–{high:.2f}) | {goal}: {verdict} |"


def machine() -> str:
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    return (
        f"Python {platform.python_version()}, torch {torch.__version__}, {torch.get_num_threads()} threads, {platform.machine()}, "
        f"{os.cpu_count()} CPUs, load {load:.1f} at the start."
    )


def main() -> int:
    options = arguments()
    if options.threads:
        torch.set_num_threads(options.threads)
    print(machine(), flush=True)
    chosen = [case for case in cases() if options.only.lower() in case.name.lower()]
    if chosen:
        print("Medians of paired, interleaved rounds; in brackets the quartiles of the ratio.", end="\n\n")
        print("| what | base | other | other / base | goal |", "|---|---|---|---|---|", sep="\n", flush=True)
    missed = 0
    for case in chosen:
        try:
            times = case.measure(max(2, round(case.rounds * options.rounds)))
        except ModuleNotFoundError as error:
            sys.exit(f"{case.name}: {error.name} is not installed. Run: pip install -r requirements.txt -r tests/requirements.txt")
        missed += not case.reached(times.ratio)
        print(row(case, times), flush=True)
    if options.only.lower() in ("", "page"):
        missed += in_the_page(options.rounds)
    return 1 if options.check and missed else 0


def in_the_page(share: float) -> int:
    """The page's own tables, where there is a Chromium and Playwright to open it; the number of missed goals."""
    if page.CHROMIUM is None or find_spec("playwright") is None:
        print("\nThe page was not measured: that needs Chromium, and pip install -r tests/requirements.txt.")
        return 0
    return page.report(share)


if __name__ == "__main__":
    sys.exit(main())
