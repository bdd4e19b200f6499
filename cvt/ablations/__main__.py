"""Trains the family: ``python -m cvt.ablations --data DIR --out DIR``, and compares it: ``python -m cvt.ablations --summary DIR``.

Every member is trained from every seed with the same recipe, all members of the first seed before those of the second. Rerun the
command to resume where it stopped; ``--share 1/2`` and ``--share 2/2`` divide the runs between two processes, each with its own GPU.
"""

from __future__ import annotations

import argparse
import math
import sys
import time

import torch

from ..runtime.device import choose_device
from ..training.data.places import UNWRITTEN, check_apart, check_writable, path_argument, reason
from ..training.trainer import Diverged, NotSaved
from .family import MEMBERS, chosen
from .packing import pack
from .pictures import load, synthetic
from .recipe import EPOCHS, recipe
from .runs import perform, planned
from .speed import speeds
from .summary import in_words, summarize


def share(text: str) -> tuple[int, int]:
    """ "1/2" → (1, 2)."""
    part, _, parts = text.partition("/")
    if not (part.isdecimal() and parts.isdecimal() and 1 <= int(part) <= int(parts)):
        raise argparse.ArgumentTypeError(f"{text!r} is not a share such as 1/2 or 2/2")
    return int(part), int(parts)


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    what = "Trains a family of small CvTs, each with one change, and compares them."
    parser = argparse.ArgumentParser(prog="python -m cvt.ablations", description=what)
    add = parser.add_argument
    add("--data", type=path_argument, help="pictures as for cvt.train, such as Tiny ImageNet")
    add("--out", type=path_argument, help="the folder for the runs, each in a folder of its own")
    add("--seeds", type=int, default=3, help="trainings of each member (default: 3)")
    add("--epochs", type=float, default=EPOCHS, help=f"of each training (default: {EPOCHS:g})")
    add("--members", metavar="A,B", help=f"only these of {', '.join(MEMBERS)}")
    add(
        "--share", type=share, default=(1, 1), metavar="1/2", help="only every second run, from the first, so that two processes share them"
    )
    add("--minutes", type=float, default=math.inf, help="stop after this many minutes; rerun the command to resume")
    add("--device", default="auto", help="auto, cpu, cuda, cuda:1, … (default: a GPU if there is one)")
    add("--batch-size", type=int, default=1024, help="pictures per step (default: 1024)")
    add("--eager", action="store_true", help="do not compile the models: slower steps, but no minute of waiting for each member")
    add("--measure", action="store_true", help="only measure how fast each member trains, on noise unless there are --data and --out")
    add("--summary", type=path_argument, metavar="DIR", help="only merge the finished runs in this folder into its table.json")
    add("--pack", type=path_argument, metavar="DIR", help="write the records and one model of each member into archives, after --summary")
    return parser.parse_args(given)


def train(options: argparse.Namespace, began: float) -> None:
    """All runs of this process's share; a line for each."""
    check_apart(options.out, "--out", options.data)
    check_writable(options.out, "--out", folder=True)
    device, _ = choose_device(options.device)
    pictures = load(options.data, options.out, device)
    print(f"{len(pictures.training)} pictures read after {time.monotonic() - began:.0f} s", flush=True)
    runs = planned(chosen(options.members), options.seeds, options.share)
    for number, run in enumerate(runs, 1):
        left = 60 * options.minutes - (time.monotonic() - began)
        plan = recipe(run.seed, options.epochs, options.batch_size)
        record = perform(run, pictures, plan, options.out, device, left, not options.eager) if left > 0 else None
        if record is None:
            print(f"Stopped before the end of run {number} of {len(runs)}, {run.name}; rerun the command to resume.", flush=True)
            return
        found = " · ".join(f"{name} {100 * value:.2f} %" for name, value in record["accuracies"].items())
        print(
            f"{number}/{len(runs)} {run.name}: {found} · {record['seconds']:.0f} s, {record['pictures_per_second']} pictures/s", flush=True
        )
    print("All runs of this share are finished.", flush=True)


def measure(options: argparse.Namespace) -> None:
    """Prints each member's speed."""
    device, _ = choose_device(options.device)
    there = options.data is not None and options.out is not None
    pictures = load(options.data, options.out, device) if there else synthetic(device)
    for member, speed, start in speeds(chosen(options.members), pictures, device, not options.eager, batch_size=options.batch_size):
        print(f"{member.name:12} {speed:8.0f} pictures/s, first steps after {start:.1f} s", flush=True)


def main(given: list[str] | None = None) -> None:
    began, options = time.monotonic(), arguments(given)
    try:
        if options.measure:
            measure(options)
        elif options.summary is not None:
            print(in_words(summarize(options.summary)))
            if options.pack is not None:
                print("\n".join(f"{path.name}: {path.stat().st_size / 2**20:.1f} MiB" for path in pack(options.summary, options.pack)))
        elif options.data is None or options.out is None:
            raise ValueError("training needs --data and --out; see --help for what else there is")
        else:
            train(options, began)
    except (Diverged, NotSaved, ValueError) as error:
        sys.exit(str(error))
    except torch.OutOfMemoryError:
        sys.exit("The GPU has too little memory: use a smaller --batch-size.")
    except UNWRITTEN as error:
        sys.exit(f"A file cannot be written or read ({reason(error)}). Finished runs are intact.")


if __name__ == "__main__":
    main()
