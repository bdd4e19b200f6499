"""How time and memory grow with resolution, batch and depth: every point in its own process, with bounds on both."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cvt.config import PUBLISHED

from .memory import HOOKED, Pass, Taken, alone
from .peers import PLAIN, RUNNER, TRANSFORMERS
from .rows import in_time
from .speed import QUICK

WHO = (PLAIN, RUNNER, HOOKED, TRANSFORMERS)


@dataclass(frozen=True)
class Series:
    """What grows, its unit and values, and what is measured at each of them."""

    name: str
    unit: str
    values: tuple[int, ...]
    work: Callable[[str, int], Pass]


@dataclass(frozen=True)
class Point:
    """``taken``: a text if a bound or an error ended it."""

    series: str
    who: str
    value: int
    taken: Taken | str

    def as_json(self) -> dict[str, Any]:
        known = {"seconds": self.taken.seconds, "bytes": self.taken.own} if isinstance(self.taken, Taken) else {"problem": self.taken}
        return {"series": self.series, "who": self.who, "value": self.value, **known}


def series(device: str, quick: bool) -> list[Series]:
    """The series for a CvT-13 or, if ``quick``, for a tiny model over two values each."""
    config = QUICK if quick else PUBLISHED["CvT-13"]
    side = 32 if quick else 224

    def deep(who: str, depth: int) -> Pass:
        return Pass(who, {**config, "depth": (*config["depth"][:2], depth)}, 1, (side, side), device, rounds=3)

    def of(who: str, batch: int, size: int) -> Pass:
        return Pass(who, dict(config), batch, (size, size), device, rounds=3)

    found = [
        Series("resolution", "pixels a side", (64, 128, 224, 320, 384, 512, 640, 768), lambda who, value: of(who, 1, value)),
        Series("batch", "pictures", (1, 2, 4, 8, 16, 32, 64, 128, 256), lambda who, value: of(who, value, side)),
        Series("depth", "blocks of the last stage", (3, 6, 10, 16, 24, 32), deep),
    ]
    return [Series(each.name, each.unit, each.values[:2], each.work) for each in found] if quick else found


def points(chosen: list[Series], most_seconds: float, most_bytes: float) -> Iterator[Point]:
    """Every point of every series; after a point over a bound, larger ones are skipped."""
    for each in chosen:
        for who in WHO:
            for value in each.values:
                taken = alone(each.work(who, value), most_seconds, most_bytes)
                yield Point(each.name, who, value, taken)
                if isinstance(taken, str):
                    break


def line(point: Point) -> str:
    taken = point.taken
    told = taken if isinstance(taken, str) else f"{in_time(taken.seconds)} | {taken.own / 1e6:,.0f} MB"
    return f"| {point.series} | {point.value} | {point.who} | {told} |" + (" |" if isinstance(taken, str) else "")


def draw(found: list[Point], chosen: list[Series], path: Path) -> None:
    """Time above, memory below, one column for each series, all axes logarithmic."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.5 * len(chosen), 7), layout="constrained")
    for axes, (label, get) in zip(
        figure.subplots(2, len(chosen), squeeze=False),
        [("seconds of a pass", lambda taken: taken.seconds), ("MB that a pass adds", lambda taken: taken.own / 1e6)],
        strict=True,
    ):
        for axis, each in zip(axes, chosen, strict=True):
            for who in WHO:
                own = [(p.value, get(p.taken)) for p in found if (p.series, p.who) == (each.name, who) and isinstance(p.taken, Taken)]
                axis.plot(*zip(*own, strict=True), marker="o", label=who) if own else None
            axis.set(xscale="log", yscale="log", xlabel=f"{each.name}, {each.unit}", ylabel=label)
            axis.set_xticks(each.values, [str(value) for value in each.values])
            axis.minorticks_off()
            axis.grid(alpha=0.3)
    figure.axes[0].legend()
    figure.savefig(path, dpi=120)


def report(folder: Path, device: str, quick: bool, most_seconds: float, most_bytes: float) -> list[dict[str, Any]]:
    """Prints every point, writes growth.json and growth.png into the folder, and returns the points as JSON values."""
    folder.mkdir(parents=True, exist_ok=True)
    chosen, found = series(device, quick), []
    print("\n| what grows | value | what runs | a pass takes | and adds |\n|---|---|---|---|---|", flush=True)
    for point in points(chosen, most_seconds, most_bytes):
        print(line(point), flush=True)
        found.append(point)
    values = [point.as_json() for point in found]
    (folder / "growth.json").write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
    draw(found, chosen, folder / "growth.png")
    print(f"\nPlots and numbers: {folder / 'growth.png'}, {folder / 'growth.json'}")
    return values
