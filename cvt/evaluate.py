"""Evaluates a model on pictures: ``python -m cvt.evaluate --data DIR``, and calibrates its probabilities (``--calibrate``).

Pictures are prepared by the model's own processor, so that the results hold for the app.
"""

from __future__ import annotations

import argparse
import csv
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
from .training.data.places import check_apart, check_writable, path_argument, writing
from .training.data.reading import as_processed, read
from .training.data.unseen import HELD_OUT, hand_on, unseen
from .training.measures import Evaluation, error_when_calibrated, evaluate, fit_temperature, fold_temperature
from .training.progress import HISTORY, ending_in_words

SHOWN_CLASSES, SHOWN_PAIRS = 30, 10


@dataclass(frozen=True)
class Predictions:
    """Logits (N, classes) of pictures with labels (N,), in the model's class order, and pictures per second."""

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
        ValueError: classes that the model does not know, an input side too small for it, or unreadable pictures.
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
    """float32 logits (on the CPU) for uint8 pictures (N, 3, S, S), and the seconds that it took."""
    began, logits = time.perf_counter(), []
    for x in pictures.split(batch_size):
        logits.append(model(normalized(x.to(model.device), processor)).logits.float())
    result = torch.cat(logits).cpu()
    return result, time.perf_counter() - began


def normalized(pictures: Tensor, processor: CvtImageProcessor) -> Tensor:
    """uint8 (B, 3, H, W) → float32, with exactly the processor's values."""
    settings = (processor.do_rescale, processor.rescale_factor, processor.do_normalize, *processor.image_mean, *processor.image_std)
    table = _table(settings, pictures.device)
    return torch.stack([table[channel][pictures[:, channel].long()] for channel in range(3)], dim=1)


@lru_cache(maxsize=8)
def _table(settings: tuple, device: torch.device) -> Tensor:
    """(3, 256): the normalised value for each 8-bit value of each channel, under these processor settings."""
    rescale, factor, normalize, *moments = settings
    processor = CvtImageProcessor(
        do_rescale=rescale, rescale_factor=factor, do_normalize=normalize, image_mean=moments[:3], image_std=moments[3:]
    )
    every = np.arange(256, dtype=np.uint8)[None, :, None].repeat(3, axis=2)  # (1, 256, 3)
    return torch.from_numpy(processor.normalize(every))[:, 0].to(device)


def class_numbers(classes: tuple[str, ...], config: CvtConfig) -> list[int]:
    """The model's indices of these classes, matched by name (Unicode NFC)."""
    numbers = {composed(name): number for name, number in config.label2id.items()}
    unknown = [name for name in classes if composed(name) not in numbers]
    if unknown:
        raise ValueError(
            f"The model does not know {len(unknown)} of the {len(classes)} classes, for example {unknown[0]!r}: the names must be "
            f"those in its config.json, such as {config.id2label.get(0, '')!r}, with one folder of pictures per class."
        )
    return [numbers[composed(name)] for name in classes]


def in_words(result: Evaluation, side: int, speed: float) -> str:
    """The most important results, in one line."""
    top5 = f", top-5 {result.top5:.1%}" if len(result.classes) > 5 else ""
    return (
        f"{result.pictures} pictures at {side}×{side}: top-1 {result.top1:.1%}{top5}, calibration error {result.calibration_error:.1%} "
        f"(mean confidence {result.confidence:.1%}), loss {result.loss:.3f}, {speed:.0f} pictures/s"
    )


def tables(result: Evaluation) -> str:
    """Tables of the classes, lowest accuracy first, and of the pairs confused most often."""
    classes = sorted((each for each in result.classes if each.pictures), key=lambda each: each.right / each.pictures)
    width = max(len(_short(each.name)) for each in classes)
    lines = [f"{'class':{width}}  pictures  right  precision"]
    for each in classes[:SHOWN_CLASSES]:
        precision = f"{each.right / each.named:.0%}" if each.named else "–"
        lines.append(f"{_short(each.name):{width}}  {each.pictures:8}  {each.right / each.pictures:5.0%}  {precision:>8}")
    if len(classes) > SHOWN_CLASSES:
        lines.append(f"… and {len(classes) - SHOWN_CLASSES} more classes with higher accuracy")
    if result.confused:
        lines += ["", "most often confused"]
        lines += [f"{times:4} ×  {_short(name)} → {_short(named)}" for name, named, times in result.confused[:SHOWN_PAIRS]]
    return "\n".join(lines)


def _short(name: str, letters: int = 40) -> str:
    return name if len(name) <= letters else name[: letters - 1] + "…"


def write_table(path: Path, result: Evaluation) -> None:
    """Writes every class's results as CSV."""
    with replacing(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["name", "pictures", "right", "named"], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(each) for each in result.classes)


def calibrate(source: str | None, predicted: Predictions, result: Evaluation, side: int, out: Path) -> str:
    """Fits a temperature to ``predicted`` and writes the model of ``source`` with it to ``out``; returns a report.

    Its config contains ``result`` with the expected calibration error, at the evaluated ``side``, which its processor uses
    too.
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
        f"Temperature {temperature:.3f} is now part of the classifier in {out}: the expected calibration error is {expected:.1%} "
        f"(each half of the pictures evaluated with the other half's temperature). The order of the classes does not change."
    )


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    what = (
        "Evaluates a CvT on pictures it was not trained on: those in a folder named val or test, else those held out from its training "
        "if its folder lists them, else all."
    )
    parser = argparse.ArgumentParser(prog="python -m cvt.evaluate", description=what)
    parser.add_argument(
        "--data", type=path_argument, required=True, help="a folder with one folder per class, or parquet files; see cvt.train"
    )
    parser.add_argument("--model", default="embedded", help="a folder or a Hub id (default: embedded, the built-in model)")
    every = "evaluate on all pictures, including those it was trained on; a folder named val or test is still used alone"
    parser.add_argument("--all", action="store_true", help=every)
    parser.add_argument("--side", type=int, nargs="+", help="input sides in pixels to evaluate at (default: the model's own)")
    parser.add_argument(
        "--calibrate",
        type=path_argument,
        metavar="OUT",
        help="fit a temperature to these pictures at the first side, and write the model to OUT with it folded into the classifier",
    )
    parser.add_argument("--table", type=path_argument, metavar="CSV", help="write the results per class to a file")
    parser.add_argument("--batch-size", type=int, default=64, help="default: 64")
    parser.add_argument("--skip-unreadable", action="store_true", help="skip unreadable pictures, and report how many")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, … (default: a GPU if there is one)")
    return parser.parse_args(given)


def check(options: argparse.Namespace) -> None:
    """Refuses invalid options, before anything is loaded."""
    if options.batch_size < 1:
        raise ValueError("--batch-size must be 1 or more.")
    if options.all and options.calibrate:
        raise ValueError("--calibrate needs pictures that the model was not trained on: leave out --all.")
    if options.table:
        check_writable(options.table, "--table", folder=False)
        if options.table.suffix.lower() != ".csv" or options.table.name in (HELD_OUT, HISTORY):
            raise ValueError(f"--table writes a CSV file: choose a name such as table.csv, not {options.table.name!r}.")
    if options.calibrate:
        check_apart(options.calibrate, "--calibrate", options.data)
        check_writable(options.calibrate, "--calibrate", folder=True)


def run(options: argparse.Namespace) -> None:
    """Runs the whole evaluation; invalid input raises ValueError, before evaluating if possible."""
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
            print(f"{skipped} unreadable pictures were skipped.")
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
    with ending_in_words("Evaluation is not possible"):
        run(options)


if __name__ == "__main__":
    main()
