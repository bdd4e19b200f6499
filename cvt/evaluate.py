"""Measures a model on pictures: ``python -m cvt.evaluate --data DIR``, and makes its probabilities honest (``--calibrate``).

Pictures go the way that the model's own processor prepares them, so that the numbers are those of the app.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from .config import CvtConfig
from .files.storage import replacing
from .model import CvtForImageClassification
from .processor import CvtImageProcessor
from .runtime.device import choose_device
from .training.data.data import find_held_out
from .training.data.listing import Listing, composed
from .training.data.places import check_apart, check_writable, path_argument, reason, writing
from .training.data.reading import as_processed, read
from .training.data.unseen import HELD_OUT, hand_on, unseen
from .training.measures import Evaluation, error_when_calibrated, evaluate, fit_temperature, fold_temperature
from .training.progress import HISTORY, replace_unencodable

SHOWN_CLASSES, SHOWN_PAIRS = 30, 10


@dataclass(frozen=True)
class Predictions:
    """Logits (N, classes) of pictures with labels (N,), numbered as the model does, and pictures a second."""

    logits: Tensor
    labels: Tensor
    names: tuple[str, ...]
    speed: float


def predictions(
    model: CvtForImageClassification,
    processor: CvtImageProcessor,
    listing: Listing,
    batch_size: int = 64,
    skip_unreadable: bool = False,
) -> Predictions:
    """Runs ``model`` on all pictures of ``listing``.

    Raises:
        ValueError: classes that the model does not know, an input side too small for it, pictures that cannot be read.
    """
    cut = as_processed(processor)
    numbers = torch.tensor(class_numbers(listing.classes, model.config))
    model.config.grids(processor.side, processor.side)
    pictures = read(listing, cut, skip_unreadable)
    logits, seconds = predict(model, processor, pictures.pictures, batch_size)
    return Predictions(logits, numbers[pictures.labels], pictures.names, len(pictures) / seconds)


measure, Measured = predictions, Predictions  # their names in earlier versions


@torch.inference_mode()
def predict(model: CvtForImageClassification, processor: CvtImageProcessor, pictures: Tensor, batch_size: int = 64) -> tuple[Tensor, float]:
    """float32 logits on the CPU of uint8 pictures (N, 3, S, S), and the seconds it took."""
    began, logits = time.perf_counter(), []
    for x in pictures.split(batch_size):
        logits.append(model(normalized(x.to(model.device), processor)).logits.float())
    result = torch.cat(logits).cpu()
    return result, time.perf_counter() - began


def normalized(pictures: Tensor, processor: CvtImageProcessor) -> Tensor:
    """uint8 (B, 3, H, W) → float32, each value exactly what the processor makes of it."""
    settings = (processor.do_rescale, processor.rescale_factor, processor.do_normalize, *processor.image_mean, *processor.image_std)
    table = _table(settings, pictures.device)
    return torch.stack([table[channel][pictures[:, channel].long()] for channel in range(3)], dim=1)


@lru_cache(maxsize=8)
def _table(settings: tuple, device: torch.device) -> Tensor:
    """(3, 256): what a processor of these settings makes of each value of each channel."""
    rescale, factor, normalize, *moments = settings
    processor = CvtImageProcessor(
        do_rescale=rescale, rescale_factor=factor, do_normalize=normalize, image_mean=moments[:3], image_std=moments[3:]
    )
    every = np.arange(256, dtype=np.uint8)[None, :, None].repeat(3, axis=2)  # (1, 256, 3)
    return torch.from_numpy(processor.normalize(every))[:, 0].to(device)


def class_numbers(classes: tuple[str, ...], config: CvtConfig) -> list[int]:
    """The model's numbers of these classes, told by name in Unicode's composed form."""
    numbers = {composed(name): number for name, number in config.label2id.items()}
    unknown = [name for name in classes if composed(name) not in numbers]
    if unknown:
        raise ValueError(
            f"The model does not know {len(unknown)} of the {len(classes)} classes, for example {unknown[0]!r}: the names must be "
            f"those in its config.json, such as {config.id2label.get(0, '')!r}, and pictures in folders must lie in one folder a class."
        )
    return [numbers[composed(name)] for name in classes]


def in_words(result: Evaluation, side: int, speed: float) -> str:
    """The numbers that matter most, in one line."""
    top5 = f", top-5 {result.top5:.1%}" if len(result.classes) > 5 else ""
    return (
        f"{result.pictures} pictures at {side}×{side}: top-1 {result.top1:.1%}{top5}, calibration error {result.calibration_error:.1%} "
        f"(mean confidence {result.confidence:.1%}), loss {result.loss:.3f}, {speed:.0f} pictures/s"
    )


def tables(result: Evaluation) -> str:
    """The classes with the least accuracy first, and the pairs that are confused most often."""
    classes = sorted((each for each in result.classes if each.pictures), key=lambda each: each.right / each.pictures)
    width = max(len(_short(each.name)) for each in classes)
    lines = [f"{'class':{width}}  pictures  right  of those named so"]
    for each in classes[:SHOWN_CLASSES]:
        precision = f"{each.right / each.named:.0%}" if each.named else "–"
        lines.append(f"{_short(each.name):{width}}  {each.pictures:8}  {each.right / each.pictures:5.0%}  {precision:>8}")
    if len(classes) > SHOWN_CLASSES:
        lines.append(f"… and {len(classes) - SHOWN_CLASSES} more classes, which went better")
    if result.confused:
        lines += ["", "most often confused"]
        lines += [f"{times:4} ×  {_short(name)} → {_short(named)}" for name, named, times in result.confused[:SHOWN_PAIRS]]
    return "\n".join(lines)


def _short(name: str, letters: int = 40) -> str:
    return name if len(name) <= letters else name[: letters - 1] + "…"


def write_table(path: Path, result: Evaluation) -> None:
    """Every class's result as CSV."""
    with replacing(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["name", "pictures", "right", "named"], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(each) for each in result.classes)


def calibrate(source: str | None, predicted: Predictions, result: Evaluation, side: int, out: Path) -> str:
    """Writes the model of ``source`` to ``out`` with the temperature folded in that fits ``predicted``; says what was done.

    Its config tells how good it is by ``result``, with the calibration error to expect, at the ``side`` it was measured at,
    to which its processor is set.
    """
    temperature = fit_temperature(predicted.logits, predicted.labels)
    expected = round(error_when_calibrated(predicted.logits, predicted.labels), 4)
    model = CvtForImageClassification.from_pretrained(source, dtype="auto")
    fold_temperature(model, temperature)
    measurement = replace(result, calibration_error=expected).summary()
    details = {"temperature": round(temperature, 4), "calibration_error": expected, "pictures": result.pictures}
    extra = {**model.config.extra, "evaluation": measurement, "calibration": details}
    model.config = replace(model.config, image_size=side, extra=extra)
    model.save_pretrained(out)
    replace(CvtImageProcessor.from_pretrained(source), size=side).save_pretrained(out)
    hand_on(source, out)
    return (
        f"Temperature {temperature:.3f} is now part of the classifier in {out}: the calibration error to expect is {expected:.1%} "
        f"(each half of the pictures measured with the other half's temperature). Which class comes first does not change."
    )


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    what = (
        "Measures how good a CvT is on pictures it has not seen: those in a folder named val or test, else those that were held out "
        "from its training where its folder lists them, else all."
    )
    parser = argparse.ArgumentParser(prog="python -m cvt.evaluate", description=what)
    parser.add_argument(
        "--data", type=path_argument, required=True, help="a folder with one folder a class, or parquet files; see cvt.train"
    )
    parser.add_argument("--model", default="embedded", help="a folder or a Hub id (default: embedded, the model that is built in)")
    every = "measure all pictures, also those that the model was trained on; a folder named val or test is still measured alone"
    parser.add_argument("--all", action="store_true", help=every)
    parser.add_argument("--side", type=int, nargs="+", help="input sides in pixels to measure at (default: the model's own)")
    parser.add_argument(
        "--calibrate",
        type=path_argument,
        metavar="OUT",
        help="write the model to OUT with a temperature folded into its classifier that fits these pictures, at the first side",
    )
    parser.add_argument("--table", type=path_argument, metavar="CSV", help="write the result of every class to a file")
    parser.add_argument("--batch-size", type=int, default=64, help="default: 64")
    parser.add_argument("--skip-unreadable", action="store_true", help="leave out pictures that cannot be read, and say how many")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, … (default: a GPU where there is one)")
    return parser.parse_args(given)


def check(options: argparse.Namespace) -> None:
    """Refuses what cannot work, before anything is loaded."""
    if options.batch_size < 1:
        raise ValueError("--batch-size must be 1 or more.")
    if options.all and options.calibrate:
        raise ValueError("--calibrate takes pictures that the model was not trained on: leave --all out.")
    if options.table:
        check_writable(options.table, "--table", folder=False)
        if options.table.suffix.lower() != ".csv" or options.table.name in (HELD_OUT, HISTORY):
            raise ValueError(f"--table writes a CSV file: choose a name such as table.csv, not {options.table.name!r}.")
    if options.calibrate:
        check_apart(options.calibrate, "--calibrate", options.data)
        check_writable(options.calibrate, "--calibrate", folder=True)


def run(options: argparse.Namespace) -> None:
    """All of it; what cannot work is a ValueError, before anything is measured wherever that can be known."""
    check(options)
    source = None if options.model == "embedded" else options.model
    device, dtype = choose_device(options.device)
    model = CvtForImageClassification.from_pretrained(source, device=device, dtype=dtype)
    processor = CvtImageProcessor.from_pretrained(source)
    listing, sentence = unseen(find_held_out(options.data), source, options.all)
    for each in filter(None, (*listing.notes, sentence)):
        print(each, flush=True)
    results = []
    for side in options.side or [processor.side]:
        predicted = predictions(model, replace(processor, size=side), listing, options.batch_size, options.skip_unreadable)
        if skipped := len(listing) - len(predicted.labels):
            print(f"{skipped} pictures that cannot be read were skipped.")
        result = evaluate(predicted.logits, predicted.labels, list(model.config.id2label.values()))
        print(in_words(result, side, predicted.speed), flush=True)
        results.append((predicted, result, side))
    predicted, result, side = results[0]
    print(f"\n{tables(result)}")
    if options.table:
        with writing(options.table, "--table"):
            write_table(options.table, result)
    if options.calibrate:
        with writing(options.calibrate, "--calibrate"):
            print(f"\n{calibrate(source, predicted, result, side, options.calibrate)}")


def main(given: list[str] | None = None) -> None:
    options = arguments(given)
    replace_unencodable()
    try:
        run(options)
    except ValueError as error:
        sys.exit(f"This cannot be measured: {error}")
    except OSError as error:
        sys.exit(f"This cannot be measured: a file cannot be read ({reason(error)}).")
    except KeyboardInterrupt:
        sys.exit("\nStopped.")


if __name__ == "__main__":
    main()
