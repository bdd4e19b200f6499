"""Trains a model's probes: ``python -m cvt.probes --data DIR --out FILE``.

The pictures to train on and those to measure on are parted as in ``python -m cvt.train``, so that the latter were seen by neither
model nor probes. Several seeds draw the pictures to train on; the first one's probes are saved.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import torch
from torch import Tensor

from ..evaluate import class_numbers
from ..model import CvtForImageClassification
from ..processor import CvtImageProcessor
from ..runtime.device import choose_device
from ..training.data.data import find_both
from ..training.data.listing import Listing
from ..training.data.places import check_apart, check_writable, path_argument, writing
from ..training.data.reading import as_processed, read
from ..training.progress import ending_in_words
from .probes import Place, Probe, Probes, digest, places
from .training import Features, features, per_class, trained

MOST = 1.5  # times as many pictures as a seed draws are there to draw from


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m cvt.probes", description="Trains linear probes after a model's earlier blocks.")
    parser.add_argument("--data", type=path_argument, required=True, help="the pictures that the model was trained on; see cvt.train")
    parser.add_argument("--out", type=path_argument, required=True, metavar="FILE", help="the file to write, such as probes.safetensors")
    parser.add_argument("--model", default="embedded", help="a folder or a Hub id (default: embedded, the built-in model)")
    parser.add_argument("--pictures", type=int, default=20_000, help="pictures to train a probe on (default: 20000)")
    parser.add_argument("--seeds", type=int, default=3, help="draws of these pictures, to see how the accuracy varies (default: 3)")
    parser.add_argument("--split-seed", type=int, default=0, help="the training's --seed, which held out pictures (default: 0)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, … (default: a GPU if there is one)")
    return parser.parse_args(given)


def check(options: argparse.Namespace) -> None:
    """Refuses invalid options, before anything is loaded."""
    if options.pictures < 1 or options.seeds < 1:
        raise ValueError("--pictures and --seeds must be 1 or more.")
    check_apart(options.out, "--out", options.data)
    check_writable(options.out, "--out", folder=False)


def run(options: argparse.Namespace) -> Probes:
    """Trains, measures and saves the probes; prints a line per block. Raises ValueError for invalid input."""
    check(options)
    source = None if options.model == "embedded" else options.model
    device, dtype = choose_device(options.device)
    model = CvtForImageClassification.from_pretrained(source, device=device, dtype=dtype)
    processor = CvtImageProcessor.from_pretrained(source)
    if not places(model):
        raise ValueError("This model has no stage before the last: it needs no probes, since its classifier reads every block.")
    began = time.perf_counter()
    listing, unseen_listing = find_both(options.data, options.split_seed)
    drawn = per_class(torch.tensor(listing.labels), int(options.pictures * MOST), torch.Generator().manual_seed(options.split_seed))
    training = _features(model, processor, listing.only(set(drawn.tolist())))
    unseen = _features(model, processor, unseen_listing)
    probes, table = {}, {}
    for place in places(model):
        probes[place], table[place] = _measured(place, training, unseen, model.config.num_labels, options)
        print(_line(place, *table[place]), flush=True)
    facts = {
        "pictures": options.pictures,
        "drawn_from": len(training[1]),
        "unseen": len(unseen[1]),
        "accuracy": {f"{stage}.{block}": own for (stage, block), (own, _) in table.items()},
        "control": {f"{stage}.{block}": control for (stage, block), (_, control) in table.items()},
        "minutes": round((time.perf_counter() - began) / 60, 1),
    }
    result = Probes(digest(model), processor.side, probes, facts)
    with writing(options.out, "--out"):
        result.save(options.out)
    print(f"{len(unseen[1])} unseen pictures; {facts['minutes']} minutes. The first seed's probes are in {Path(options.out).name}.")
    return result


def _features(model: CvtForImageClassification, processor: CvtImageProcessor, listing: Listing) -> tuple[Features, Tensor]:
    """The pictures' features, and their labels as the model numbers them."""
    numbers = torch.tensor(class_numbers(listing.classes, model.config))
    pictures = read(listing, as_processed(processor))
    return features(model, processor, pictures.pictures), numbers[pictures.labels]


def _measured(
    place: Place, training: tuple[Features, Tensor], unseen: tuple[Features, Tensor], classes: int, options: argparse.Namespace
) -> tuple[Probe, tuple[list[float], list[float]]]:
    """The first seed's probe for one block; and for all seeds the accuracy, and that of the control with shuffled labels."""
    known, new = ((found[place], labels) for found, labels in (training, unseen))
    results = [trained(known, new, classes, options.pictures, seed) for seed in range(options.seeds)]
    return results[0][0], ([round(probe.accuracy, 4) for probe, _ in results], [round(control, 4) for _, control in results])


def _line(place: Place, own: list[float], control: list[float]) -> str:
    shown = ", ".join(f"{each:.1%}" for each in own)
    return (
        f"stage {place[0] + 1}, block {place[1] + 1}: {shown} correct; with shuffled labels {', '.join(f'{each:.1%}' for each in control)}"
    )


def main(given: list[str] | None = None) -> None:
    options = arguments(given)
    with ending_in_words("The probes cannot be trained"):
        run(options)


if __name__ == "__main__":
    main()
