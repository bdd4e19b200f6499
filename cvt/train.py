"""Trains a CvT: ``python -m cvt.train --data DIR --out DIR``. The embedded model was trained by this.

Without ``--init`` from new weights; with ``--init embedded`` from what the built-in model knows, which takes few pictures and
no GPU. The same command goes on where an earlier one was stopped. Several GPUs: ``torchrun --nproc-per-node N -m cvt.train``.
"""

from __future__ import annotations

import argparse
import copy
import json
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from .architecture.transformers_support import what_transformers_lacks
from .evaluate import in_words, predict
from .model import CvtForImageClassification
from .processor import CvtImageProcessor
from .runtime.device import choose_device
from .training import result
from .training.batches import Batches
from .training.data.data import HELD_OUT_SHARE, Listing, find_both
from .training.data.places import UNWRITTEN, check_apart, check_writable, path_argument, reason
from .training.data.reading import PictureSet, as_processed, check_classes, middle_square, read
from .training.distributed import World, joined
from .training.measures import evaluate
from .training.precision import PRECISIONS, choose_precision
from .training.progress import HISTORY, Reporter, replace_unencodable
from .training.recipe import FINE_TUNING, LEAST_STEPS, Phases, Recipe
from .training.start import Start, checksum, from_scratch, from_trained, load_teacher
from .training.trainer import Diverged, NotSaved, Trainer

# The embedded model's architecture: query grids 48², 24², 12² at 96×96, close to CvT-13's 56², 28², 14² at 224×224.
EMBEDDED_ARCHITECTURE = {
    "patch_sizes": (5, 3, 3),
    "patch_stride": (2, 2, 2),
    "patch_padding": (2, 1, 1),
    "embed_dim": (64, 128, 256),
    "num_heads": (1, 2, 4),
    "depth": (1, 2, 8),
    "drop_path_rate": (0.0, 0.0, 0.15),
    "initializer_range": 0.03,
    "image_size": 96,
}

FEW_PICTURES = 5_000  # pictures, with which new weights learn little
CPU_PICTURES = 64  # pictures at once on a CPU, whose memory a whole batch of the recipe might exceed
CLASSES_SHOWN = 20  # one by one, before training

# Numbers of the recipe that have a flag, with their explanation.
NUMBERS = {
    "batch_size": "pictures a step, of all processes together",
    "accumulate": "take each batch in so many parts, for less memory; on a CPU as many as suffice",
    "learning_rate": "of AdamW, at its height",
    "muon_learning_rate": "of Muon, for the matrices inside the blocks",
    "weight_decay": "of AdamW; a fifth of it for Muon",
    "warmup": "share of the steps in which the rates grow",
    "label_smoothing": "share of each label spread over all classes",
    "mix": "share of batches with mixup or cutmix",
    "plain": "share of the steps, at the end, without mixup and cutmix",
    "color": "change of brightness, contrast and saturation",
    "blur": "share of pictures slightly blurred or sharpened",
    "randaugment": "strength of two random operations a picture, 0 to 10",
    "teacher_share": "of the loss, where there is a --teacher",
    "ema_decay": "of the moving average of the weights, which is the result",
    "clip": "largest norm of the gradient",
    "seed": "of all random numbers",
}


def phases(text: str) -> Phases:
    """ "32:3,64/96:0.5" → (((32,), 3.0), ((64, 96), 0.5))."""
    try:
        parts = [part.split(":") for part in text.split(",")]
        return tuple((tuple(int(side) for side in sides.split("/")), float(epochs)) for sides, epochs in parts)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of side:epochs such as 32:3,64/96:0.5") from error


def written(recipe: Recipe) -> str:
    """The recipe's phases as ``phases`` reads them."""
    return ",".join(f"{'/'.join(map(str, sides))}:{epochs:g}" for sides, epochs in recipe.phases)


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    what = "Trains a CvT on your pictures, or goes on with a stopped run."
    parser = argparse.ArgumentParser(prog="python -m cvt.train", description=what)
    add = parser.add_argument_group("what").add_argument
    add("--data", type=path_argument, required=True, help="a folder with one folder a class, or of parquet files (image, label)")
    add("--out", type=path_argument, required=True, help="the folder for the trained model, its history and its state")
    add("--init", metavar="MODEL", help="what to start from: embedded, a folder or a Hub id (default: new weights)")
    add("--config", type=path_argument, metavar="JSON", help="config.json of the architecture of new weights (default: the embedded one)")
    add("--teacher", metavar="MODEL", help="a model with the same classes whose answers are learned from too")
    add("--held-out", type=float, default=HELD_OUT_SHARE, metavar="SHARE", help=f"of each class (default: {HELD_OUT_SHARE})")
    add("--skip-unreadable", action="store_true", help="leave out pictures that cannot be read, and say how many")
    add = parser.add_argument_group("recipe").add_argument
    lengths = "side:epochs, in order; sides that take turns as 64/96:10"
    shown = f"{written(Recipe())}, with --init {written(FINE_TUNING)} and longer where pictures are few; for another input in proportion"
    add("--phases", type=phases, help=f"{lengths} (default: {shown})")
    for name, text in NUMBERS.items():
        scratch, tuned = (getattr(recipe, name) for recipe in (Recipe(), FINE_TUNING))
        default = f"default: {scratch:g}" if scratch == tuned else f"default: {scratch:g}, with --init {tuned:g}"
        add("--" + name.replace("_", "-"), type=type(scratch), metavar="X", help=f"{text} ({default})")
    least = f"default: {Recipe.area[0]:g}, with --init {FINE_TUNING.area[0]:g}"
    add("--least-area", type=float, metavar="X", help=f"least share of a picture that a crop keeps ({least})")
    add("--drop-path", type=float, metavar="X", help="stochastic depth of the last block, growing over its stage (default: the config's)")
    add = parser.add_argument_group("running").add_argument
    add("--device", default="auto", help="auto, cpu, cuda, … (default: a GPU where there is one)")
    add("--precision", choices=PRECISIONS, default="auto", help="of multiplications (default: what is fast on the device)")
    add("--minutes", type=float, default=float("inf"), help="stop after so long; the same command goes on")
    add("--save-every", type=float, default=60, metavar="SECONDS", help="between two saved states (default: 60)")
    add("--measurements", type=int, default=10, metavar="N", help="of the held-out pictures on the way (default: 10)")
    return parser.parse_args(given)


def recipe_of(options: argparse.Namespace, start: Start) -> Recipe:
    """The recipe for this start, with what was asked for."""
    recipe = Recipe() if start.source is None else FINE_TUNING
    side = start.processor.side
    chosen = {name: getattr(options, name) for name in NUMBERS if getattr(options, name) is not None}
    default = tuple((tuple(each * side // recipe.last_side for each in sides), epochs) for sides, epochs in recipe.phases)
    least = recipe.area[0] if options.least_area is None else options.least_area
    return replace(recipe, phases=options.phases or default, area=(least, 1.0), **chosen)


def accumulate_on_cpu(recipe: Recipe, pictures: int, processes: int) -> Recipe:
    """The recipe with its batches taken in as many parts as leave each process CPU_PICTURES pictures at once, or more."""
    parts, batch = 1, min(recipe.batch_size, pictures) // processes
    while batch // (2 * parts) >= CPU_PICTURES and recipe.batch_size % (4 * parts * processes) == 0:
        parts *= 2
    return replace(recipe, accumulate=parts)


def starting_point(options: argparse.Namespace) -> Start:
    if options.init is None:
        return from_scratch(options.config, EMBEDDED_ARCHITECTURE, options.drop_path)
    if options.config is not None:
        raise ValueError("--init brings an architecture of its own: leave --config out, or --init for new weights.")
    return from_trained(options.init, options.drop_path)


def describe(training: Listing, held_out: Listing) -> str:
    """How many pictures there are to train on and held out, of each class where they are few."""
    lines = [f"{len(training)} pictures of {len(training.classes)} classes to train on, {len(held_out)} held out"]
    if len(training.classes) <= CLASSES_SHOWN:
        counts = zip(training.classes, training.counts(), held_out.counts(), strict=True)
        lines += [f"  {name}: {kept} and {away}" for name, kept, away in counts]
    lines += dict.fromkeys(training.notes + held_out.notes)
    return "\n".join(lines)


def identity(
    recipe: Recipe, start: Start, model: nn.Module, pictures: PictureSet, classes: tuple[str, ...], teacher: nn.Module | None
) -> dict[str, str]:
    """What makes a training this one, by name: a state of any other cannot be gone on from. ``model`` is what it starts from."""
    architecture = {name: value for name, value in model.config.to_dict().items() if not name.endswith(("2label", "2id"))}
    return {
        "training_set": result.fingerprint(pictures),
        "list_of_classes": json.dumps(classes),
        "architecture": json.dumps(architecture, default=str),
        "starting_point": "new weights" if start.source is None else checksum(model),
        "teacher": "none" if teacher is None else checksum(teacher),
        **{name: json.dumps(value) for name, value in asdict(recipe).items()},
    }


def check(options: argparse.Namespace) -> None:
    """Refuses options that cannot work."""
    if options.measurements < 0:
        raise ValueError("--measurements must be 0 or more.")
    architecture = None if options.config is None else options.config.parent
    check_apart(options.out, "--out", options.data, init=options.init, teacher=options.teacher, config=architecture)
    check_writable(options.out, "--out", folder=True)


def train(options: argparse.Namespace, world: World, device: torch.device) -> None:
    """All of it; what cannot work is a ValueError, before training starts wherever that can be known."""
    check(options)
    start = starting_point(options)
    recipe = recipe_of(options, start)
    precision = choose_precision(options.precision, device)
    for side in recipe.sides:
        start.config.grids(side, side)
    processor = replace(start.processor, size=recipe.last_side)
    as_processed(processor)  # refuses what training cannot do as the processor does
    listings = find_both(options.data, recipe.seed, options.held_out)
    classes = start.order(listings[0].classes)
    training_list, held_out_list = (listing.numbered_as(classes) for listing in listings)
    teacher = load_teacher(options.teacher, classes, processor, recipe.sides).to(device) if options.teacher is not None else None
    model = start.build(classes, recipe.seed).to(device)
    if world.first:
        print(*introduction(start, training_list, held_out_list), sep="\n", flush=True)
    training, held_out = read_both(training_list, held_out_list, processor, options.skip_unreadable, world.first)
    if options.phases is None and start.source is not None:
        recipe = recipe.lasting(LEAST_STEPS, len(training))
    if device.type == "cpu" and options.accumulate is None:
        recipe = accumulate_on_cpu(recipe, len(training), world.size)
    if world.first:
        result.remove_leftovers(options.out)
    batches = Batches(training, recipe, *processor.moments, device, parts=recipe.accumulate * world.size)
    names = identity(recipe, start, model, training, classes, teacher)
    trainer = Trainer(model, batches, recipe, options.out / "state.pt", precision, world, names, teacher)
    if trainer.step and world.first:
        print(f"Going on from step {trainer.step}", flush=True)

    def accuracy(average: nn.Module, side: int) -> tuple[float, float | None]:
        logits, _ = predict(average, processor, result.resized(held_out.pictures, side))
        measured = evaluate(logits, held_out.labels, list(classes))
        return measured.top1, measured.top5 if len(classes) > 5 else None

    with Reporter(options.out / HISTORY, trainer.step, trainer.steps, quiet=not world.first) as report:
        finished = trainer.run(report, accuracy, options.measurements, options.save_every, options.minutes * 60)
    if world.first:
        facts: dict[str, Any] = {"pictures": len(training), "steps": trainer.step, "of": trainer.steps}
        facts |= {"minutes": round(trainer.seconds / 60, 2), "start": start.source or "new weights", "teacher": options.teacher}
        facts |= {"precision": precision, "processes": world.size}
        result.write_record(options.out / "training.json", recipe, facts, device)
        finish(trainer.average, processor, held_out, options.out)
        if not finished:
            print(
                f"Stopped after step {trainer.step} of {trainer.steps}; the same command goes on. {options.out} holds the average so far."
            )
    world.wait()


def introduction(start: Start, training: Listing, held_out: Listing) -> list[str]:
    """What is said before training: the pictures, and what a person should know of the model."""
    lines = [describe(training, held_out), what_transformers_lacks(start.config)]
    if start.source is None and len(training) < FEW_PICTURES:
        lines.append("New weights learn little from so few pictures: --init embedded starts from what the built-in model knows.")
    return [line for line in lines if line]


def read_both(
    training_list: Listing, held_out_list: Listing, processor: CvtImageProcessor, skip_unreadable: bool, first: bool
) -> tuple[PictureSet, PictureSet]:
    """The pictures to train on, a quarter larger than the input for crops, and those held out, as the processor cuts them.

    Raises:
        ValueError: pictures that cannot be read, unless they are skipped, or a class without any.
    """
    training = read(training_list, middle_square(processor.side * 5 // 4), skip_unreadable, not first)
    check_classes(training)
    held_out = read(held_out_list, as_processed(processor), skip_unreadable, not first)
    if first and (skipped := training.skipped + held_out.skipped):
        print(f"{skipped} pictures that cannot be read were skipped", flush=True)
    return training, held_out


def finish(average: CvtForImageClassification, processor: CvtImageProcessor, held_out: PictureSet, out: Path) -> None:
    """Measures the model as it is saved, saves it, and says how good it is."""
    saved = result.as_saved(average)
    logits, seconds = predict(copy.deepcopy(saved).float(), processor, held_out.pictures)
    measured = evaluate(logits, held_out.labels, list(held_out.classes))
    result.save_result(saved, processor, out, measured)
    result.write_held_out(out / "held_out.csv", held_out, logits)
    print(f"Held out: {in_words(measured, processor.side, len(held_out) / seconds)}")
    print("What each of them was named is in held_out.csv.", result.draw_curves(out))
    print(f"Open it with: python app.py --model {out}", flush=True)


def main(given: list[str] | None = None) -> None:
    options = arguments(given)
    replace_unencodable()
    try:
        device, _ = choose_device(options.device)
        with joined(device) as (world, own):
            train(options, world, own)
    except (Diverged, NotSaved) as error:
        sys.exit(str(error))
    except torch.OutOfMemoryError:
        sys.exit("The GPU has too little memory for this: take the batches in parts with --accumulate 2, 4 or more.")
    except ValueError as error:
        sys.exit(f"Training cannot start: {error}")
    except UNWRITTEN as error:
        sys.exit(f"A file cannot be written or read ({reason(error)}). What was saved before is whole.")
    except KeyboardInterrupt:
        saved = (options.out / "state.pt").exists()
        what = "goes on from the last saved step" if saved else "begins anew, since nothing was saved yet"
        sys.exit(f"\nStopped. The same command {what}.")


if __name__ == "__main__":
    main()
