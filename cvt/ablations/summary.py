"""Merges the records of runs into one table: means, spreads and differences from the baseline."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from ..files.storage import read_json, write_json
from .family import BASELINE, FAMILY, SHIPPED_SEED
from .runs import RECORD, WEIGHTS
from .welch import LEVEL, difference

TABLE = "table.json"
MAIN = "top1_64"  # accuracy as trained
MEASURES = (MAIN, "top1_96", "top1_128", "shifted", "stays")
METHOD = "Welch's t, two-sided: mean difference ± t(0.975, Welch-Satterthwaite) × √(s²/n + s²/m); Biometrika 34, 1947"
SAME = ("recipe", "epochs", "steps", "precision")  # what all runs must have in common, but for the seed


def records(folder: Path) -> list[dict[str, Any]]:
    """The records of finished runs below ``folder``, in the family's order."""
    found = [read_json(path) for path in folder.glob(f"*/{RECORD}")]
    order = [member.name for member in FAMILY]
    return sorted(found, key=lambda record: (order.index(record["member"]), record["seed"]))


def table(runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The table of these records.

    Raises:
        ValueError: no run of the baseline, or runs that were trained differently.
    """
    by_member = {member.name: [run for run in runs if run["member"] == member.name] for member in FAMILY}
    if not by_member[BASELINE]:
        raise ValueError("There is no finished run of the baseline, with which the others are compared.")
    ways = [{name: run[name] for name in SAME} | {"recipe": run["recipe"] | {"seed": None}} for run in runs]
    if any(way != ways[0] for way in ways):
        raise ValueError("The runs were not trained in the same way: their recipes, epochs or precision differ.")
    return {
        "interval": {"level": LEVEL, "method": METHOD},
        **ways[0],
        "hardware": sorted({run["hardware"] for run in runs}),
        "torch": sorted({run["torch"] for run in runs}),
        "minutes": round(sum(run["seconds"] for run in runs) / 60, 1),
        "members": [
            _row(member, by_member[member.name], by_member[BASELINE]) | {"apart": _apart(member.name, by_member)}
            for member in FAMILY
            if by_member[member.name]
        ],
    }


def _apart(name: str, by_member: Mapping[str, list[Mapping[str, Any]]]) -> list[str]:
    """The members from which this one differs: the interval of the difference of their accuracies excludes 0."""
    accuracies = {other: _values(runs, MAIN) for other, runs in by_member.items()}
    found = {other: difference(accuracies[name], values) for other, values in accuracies.items() if other != name}
    return [other for other, apart in found.items() if apart is not None and apart.significant]


def _row(member, runs: list[Mapping[str, Any]], baseline: list[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "name": member.name,
        "title": member.title,
        "question": member.question,
        "seeds": [run["seed"] for run in runs],
        "parameters": runs[0]["parameters"],
        "macs": runs[0]["macs"],
        "pictures_per_second": round(mean(run["pictures_per_second"] for run in runs)),
        "measures": {name: _measure(_values(runs, name), None if runs is baseline else _values(baseline, name)) for name in MEASURES},
    }


def _values(runs: list[Mapping[str, Any]], name: str) -> list[float]:
    return [run["accuracies"][name] for run in runs]


def _measure(values: list[float], baseline: list[float] | None) -> dict[str, Any]:
    """A mean and a standard deviation over seeds; and against the baseline the difference, its interval and whether that excludes 0."""
    found: dict[str, Any] = {"values": values, "mean": mean(values), "sd": stdev(values) if len(values) > 1 else None}
    if baseline is None:
        return found
    found["difference"] = found["mean"] - mean(baseline)
    apart = difference(values, baseline)
    interval = None if apart is None else [apart.low, apart.high]
    return found | {"interval": interval, "significant": apart is not None and apart.significant}


def summarize(folder: Path) -> dict[str, Any]:
    """Writes ``table.json`` into the folder of the runs, and returns the table: ``sha256`` is of the weights that the project has."""
    made = table(records(folder))
    for row in made["members"]:
        weights = folder / f"{row['name']}-{SHIPPED_SEED}" / WEIGHTS
        row["sha256"] = hashlib.sha256(weights.read_bytes()).hexdigest() if weights.exists() else None
    write_json(folder / TABLE, made)
    return made


def in_words(made: Mapping[str, Any]) -> str:
    """The table as lines of text, accuracies in percent."""
    lines = [f"{'member':12} {'seeds':>5} " + " ".join(f"{name:>26}" for name in MEASURES)]
    for row in made["members"]:
        cells = " ".join(f"{_cell(row['measures'][name]):>26}" for name in MEASURES)
        lines.append(f"{row['name']:12} {len(row['seeds']):5} {cells}")
    return "\n".join([*lines, f"* the 95 % interval of the difference from the {BASELINE} excludes 0"])


def _cell(measure: Mapping[str, Any]) -> str:
    spread = "" if measure["sd"] is None else f" ± {100 * measure['sd']:.2f}"
    apart = f" ({100 * measure['difference']:+.2f}{'*' if measure['significant'] else ''})" if "difference" in measure else ""
    return f"{100 * measure['mean']:.2f}{spread}{apart}"
