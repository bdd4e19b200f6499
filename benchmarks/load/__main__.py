"""``python -m benchmarks.load``: many people at once, every answer checked; then visits that come and go, and the memory they leave."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # before torch: server, people and browsers share the cores

import torch

from visualize.page.workbench import UNUSED_SECONDS, Workbench

from ..browser import missing
from ..machine import in_words, machine
from ..rows import HEADER, Row, amount, in_time
from ..started import App, memory_taken, processor_ticks, started
from .pages import Browsers
from .people import MOVES, QUESTIONS, Crowd, Person, Seen
from .prober import moves
from .questions import OPTIONS, SOURCES, Bare, bare, own_pictures, slider
from .sessions import come_and_go

ALONE = 10  # seconds in which one person alone moves a slider
LIGHT, SHARE, RETURNS = 4.0, 0.9, 1.1  # the goals: times the median alone, of a bare loop, times the memory before
WARM = 8  # visits before memory is measured


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description="Many people at once on one server.")
    parser.add_argument("--people", type=int, default=50, help="programs, each with pictures of its own (default: 50)")
    parser.add_argument("--processes", type=int, default=4, help="in which the programs run (default: 4)")
    parser.add_argument(
        "--cores", type=int, metavar="COUNT", help="bind the server and the bare loop to so many cores, and people to the others (Linux)"
    )
    parser.add_argument("--browsers", type=int, default=2, help="besides them, pages in Chromium (default: 2)")
    parser.add_argument("--seconds", type=float, default=300, help="for how long (default: 300)")
    parser.add_argument("--sessions", type=int, default=500, help="visits that come and go afterwards (default: 500)")
    parser.add_argument("--json", type=Path, metavar="PATH", help="also write all numbers to this file")
    options = parser.parse_args(given)
    if min(options.people, options.browsers, options.sessions) < 0 or options.processes < 1 or options.seconds <= 0:
        parser.error("--processes and --seconds must be more than 0, and the other numbers not less")
    return options


def bound(cores: int | None) -> Callable[[], None]:
    """Binds this process, and what it starts, to so many cores, if a number is given; what is returned moves it to the others."""
    if cores is None:
        return lambda: None
    every = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if not 0 < cores < len(every):
        sys.exit(f"--cores must be at least 1 and leave one to the people; this machine can bind to {len(every)}.")
    os.sched_setaffinity(0, every[:cores])
    torch.set_num_threads(cores)
    return lambda: os.sched_setaffinity(0, every[cores:])


def crowd(options: argparse.Namespace, app: App, folder: Path, workbench: Workbench, leave: Callable[[], None]) -> Iterator[Row]:
    """Rows about many people at once. ``leave``: called when only people are left to be started."""
    pictures = own_pictures(folder, options.people + options.browsers)
    steps = slider(workbench)
    people = [Person(app.address, pictures[number], number, steps) for number in range(options.people)]
    # in the order in which they come to the server: what it has dropped for others' results, the bare loop has dropped too
    asked = [person.question(turn) for turn in range(QUESTIONS) for person in people]
    without = bare(workbench, asked, steps[0], MOVES)
    for person in people:
        person.answers = {question: without.answers[question] for question in person.asked}
    pages = Browsers(app.address, pictures[options.people :], workbench) if options.browsers else None
    leave()
    with ProcessPoolExecutor(1, get_context("spawn")) as process, ThreadPoolExecutor(1) as thread:
        alone, _ = process.submit(moves, app.address, steps, ALONE).result()
        everybody = Crowd(people, min(options.processes, options.people))
        begun, used = time.monotonic(), processor_ticks(app.process)
        until = begun + options.seconds
        beside = process.submit(moves, app.address, steps, options.seconds)
        browsing = thread.submit(pages.use, until) if pages else None
        seen = everybody.use(until)
        if browsing:
            browsing.result()
        seconds, processor = time.monotonic() - begun, (processor_ticks(app.process) - used) / os.sysconf("SC_CLK_TCK")
        crowded, wrong = beside.result()
    yield from judged(seen, pages.seen if pages else Seen(), without, seconds, processor)
    late, median = sorted(crowded)[int(0.95 * len(crowded))], statistics.median(alone)
    told = f"{late / median:.1f} × ({in_time(late)}; alone {in_time(median)}; {len(crowded)} moves, {wrong} wrong)"
    yield amount("a move of a slider, 95 % of them, against the median alone", told, late / median, f"≤ {LIGHT}", LIGHT)


def judged(seen: Sequence[Seen], pages: Seen, without: Bare, seconds: float, processor: float) -> Iterator[Row]:
    """What programs and pages met in so many seconds, of which the server used so much processor time."""
    everybody = [*seen, pages]
    wrong = [what for each in everybody for what in each.wrong]
    errors = [what for each in everybody for what in each.errors]
    answers = [len(each.answers) for each in seen]
    yield amount("wrong answers", f"{len(wrong)} {wrong[:3] or ''}".strip(), len(wrong), "0", 0)
    yield amount("errors", f"{len(errors)} {errors[:3] or ''}".strip(), len(errors), "0", 0)
    told = f"{min(answers)} to {max(answers)} answers each; pages {len(pages.answers)}"
    yield amount(
        "fairness: the fewest answers of a program against the median",
        told,
        min(answers) / statistics.median(answers),
        "≥ 0.5",
        0.5,
        more=True,
    )
    done = sum(answers) + len(pages.answers)
    times = [second for each in everybody for second in each.answers]
    yield Row("an answer, median and slowest", f"{in_time(statistics.median(times))} and {in_time(max(times))}")
    rate = done / seconds * without.seconds
    yield amount("answers per second against a bare loop", f"{rate:.2f} ({done / seconds:.1f}/s)", rate, f"≥ {SHARE}", SHARE, more=True)
    cost = without.processor * done / processor
    told = f"{cost:.2f} ({processor / done * 1000:.0f} ms of the server's processor time, {without.processor * 1000:.0f} ms bare)"
    yield amount("answers per second of processor time against a bare loop", told, cost, f"≥ {SHARE}", SHARE, more=True)


def visits(options: argparse.Namespace, app: App, folder: Path) -> Iterator[Row]:
    """Rows about the memory that visits leave."""
    pictures = [path for person in own_pictures(folder, 20) for path in person]
    come_and_go(app.address, pictures, WARM)
    rest = UNUSED_SECONDS + 60  # until housekeeping has seen that nobody is there
    time.sleep(rest)
    before = memory_taken(app.process)
    come_and_go(app.address, pictures, options.sessions)
    during = memory_taken(app.process)
    time.sleep(rest)
    after = memory_taken(app.process)
    told = f"{before / 1e6:.0f} MB before, {during / 1e6:.0f} at their end, {after / 1e6:.0f} after {rest:.0f} s"
    told = f"{after / before:.2f} × as much ({told})"
    yield amount(f"memory after {options.sessions} visits", told, after / before, f"≤ {RETURNS}", RETURNS)


def main(given: Sequence[str] | None = None) -> int:
    options = arguments(given)
    if options.browsers and (why := missing()):
        sys.exit(why)
    rows: list[Row] = []
    leave = bound(options.cores)
    print(in_words(machine("cpu")), end="\n\n")
    print(f"{options.people} programs and {options.browsers} browsers for {options.seconds:.0f} s.\n\n{HEADER}", flush=True)
    with tempfile.TemporaryDirectory() as name, started("cpu", OPTIONS) as app:
        parts = []
        if options.people:
            parts.append(crowd(options, app, Path(name), Workbench(list(SOURCES), "cpu"), leave))
        if options.sessions:
            parts.append(visits(options, app, Path(name)))
        for part in parts:
            for row in part:
                rows.append(row)
                print(row, flush=True)
    if options.json:
        options.json.write_text(json.dumps([row.as_json() for row in rows], indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return 1 if any(row.reached is False for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
