"""Which pictures a model has not seen in training, according to the held_out.csv next to it."""

from __future__ import annotations

import csv
from pathlib import Path

from ...files.storage import replacing
from .listing import Listing, composed
from .places import expanded

HELD_OUT = "held_out.csv"
_COLUMNS = ("picture", "class")  # of the columns that training writes, those that stay true when the weights change


def unseen(listing: Listing, model: str | None, everything: bool = False) -> tuple[Listing, str]:
    """(the pictures of ``listing`` to evaluate ``model`` on, a sentence on the choice or "").

    The pictures held out from its training, if the folder ``model`` lists them and ``listing`` has all of them and others; else, or
    with ``everything``, or if the listing's names say that it is held out, all.

    Raises:
        ValueError: a list of held-out pictures that is damaged. OSError: one that cannot be read.
    """
    folder = _folder(model)
    if folder is None or listing.held_out:
        return listing, ""
    if everything:
        return listing, f"Evaluated on all {len(listing)} pictures: it may have been trained on some of them."
    held_out = {(composed(row["picture"]), composed(row["class"])) for row in _rows(folder / HELD_OUT)}
    here = ((composed(name), listing.classes[label]) for name, label in zip(listing.names, listing.labels, strict=True))
    places = {place for place, picture in enumerate(here) if picture in held_out}
    if len(places) == len(listing):
        return listing, ""
    if len(places) < len(held_out):
        few = f"Only {len(places)}" if places else "None"
        return listing, (
            f"{few} of the {len(held_out)} pictures held out from its training are here: "
            f"it is evaluated on all {len(listing)}, and may have been trained on some."
        )
    return listing.only(places), (
        f"Evaluated on the {len(places)} pictures held out from its training, of {len(listing)} (--all uses all)."
    )


def hand_on(model: str | None, out: Path) -> None:
    """Writes to ``out`` which pictures were held out from the training of ``model``, if its folder lists them.

    An existing list, of another model's training, is removed.
    """
    folder = _folder(model)
    if folder is None:
        (out / HELD_OUT).unlink(missing_ok=True)
        return
    if folder.resolve() == out.resolve():
        return
    rows = _rows(folder / HELD_OUT)
    with replacing(out / HELD_OUT) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, _COLUMNS, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _folder(model: str | None) -> Path | None:
    """The model's folder if it lists the pictures held out from training."""
    return expanded(model) if model and (expanded(model) / HELD_OUT).is_file() else None


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        with open(path, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(_damaged(path)) from error
    if not rows or not all(row.get(column) for row in rows for column in _COLUMNS):
        raise ValueError(_damaged(path))
    return rows


def _damaged(path: Path) -> str:
    return f"The model's {path.name}, which lists the pictures it was not trained on, is damaged: evaluate all pictures with --all."
