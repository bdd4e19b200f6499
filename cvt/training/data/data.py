"""Finds pictures and their labels: a folder of class folders, or parquet files in Hugging Face's layout.

A ``Listing`` has every picture's name and label before any is decoded, so that mistakes in the data, and the held-out pictures,
are known at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import torch

from .folders import HELD_OUT_NAMES, TRAINING_NAMES, check_links, folders, from_folders, own_pictures
from .listing import Listing, printable
from .parquet import from_parquet, parquet_files
from .places import expanded

HELD_OUT_SHARE = 0.1


@contextmanager
def _readable() -> Iterator[None]:
    """Turns OSError into a ValueError that says what cannot be read, and why."""
    try:
        yield
    except OSError as error:
        name = printable(Path(error.filename or "").name)
        raise ValueError(
            f"{name!r} cannot be read ({error.strerror}): you need permission to read it and the folders that it lies in."
            if isinstance(error, PermissionError)
            else f"{name!r} cannot be read ({error.strerror})."
        ) from error


@_readable()
def find_both(path: str | Path, seed: int, share: float = HELD_OUT_SHARE) -> tuple[Listing, Listing]:
    """(training pictures, held-out pictures) below ``path``.

    Folders or parquet files named train, and valid, val or test, are used as named. Without them a ``share`` of each class is held
    out, at least one picture, chosen by the seed.

    Raises:
        ValueError: as ``find``; only one class, a class with too few pictures, or different classes in the two parts.
    """
    path = _place(path)
    to_train_on, to_hold_out = _named(path, TRAINING_NAMES), _held_out(path)
    if not to_train_on or not to_hold_out:
        return split(find(path), seed, share)
    training, held_out = _listing(to_train_on, path), _listing(to_hold_out, path)
    _check_same_classes(training, held_out)
    _check_classes(training)
    return training, replace(held_out, held_out=True)


@_readable()
def find_held_out(path: str | Path) -> Listing:
    """The pictures below ``path`` that are held out by their folder's or file's name; else all. Raises as ``find``."""
    path = _place(path)
    part = _held_out(path)
    return replace(_listing(part, path), held_out=True) if part else find(path)


@_readable()
def find(path: str | Path) -> Listing:
    """All pictures of ``path``.

    Args:
        path: a folder with one folder per class, or with only a folder train of such folders; a parquet file, or a folder of them,
            with columns ``image`` ({bytes}) and ``label``, and class names in the file's metadata or in a ``classes.json`` next to it.
    Raises:
        ValueError: nothing there, an empty class, or a file or folder that cannot be read.
    """
    path = _place(path)
    try:
        path.stat()  # unlike exists(), this distinguishes unreadable from missing
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ValueError(
            f"There are no pictures at {printable(path.name)!r}: give a folder with one folder per class, or parquet files."
        ) from error
    if path.is_file() and path.suffix != ".parquet":
        raise ValueError(f"{printable(path.name)!r} is one file: give a folder with one folder per class, or parquet files.")
    if path.is_file():
        return from_parquet([path])
    check_links(path)
    return _listing(parquet_files(path) or _only_training(path) or path, path)


def split(listing: Listing, seed: int, share: float = HELD_OUT_SHARE) -> tuple[Listing, Listing]:
    """(training pictures, held-out pictures): a ``share`` of each class is held out, at least one picture."""
    if not 0 < share < 1:
        raise ValueError(f"A share of {share:g} cannot be held out: choose a number between 0 and 1, such as 0.1.")
    _check_classes(listing)
    generator = torch.Generator().manual_seed(seed)
    labels, held_out = torch.tensor(listing.labels), set()
    for label, name in enumerate(listing.classes):
        places = (labels == label).nonzero()[:, 0]
        if len(places) < 2:
            raise ValueError(f"The class {name!r} has only one picture: it needs 2, one to train on and one to hold out.")
        count = min(len(places) - 1, max(1, int(len(places) * share)))
        held_out.update(places[torch.randperm(len(places), generator=generator)][:count].tolist())
    return listing.only(set(range(len(listing))) - held_out), listing.only(held_out)


def _place(path: str | Path) -> Path:
    """The path with a name, even for "~" and "."."""
    path = expanded(path)
    return path if path.name not in ("", "..") else path.resolve()


def _check_classes(listing: Listing) -> None:
    if len(listing.classes) < 2:
        raise ValueError(f"There is only one class, {listing.classes[0]!r}: training needs two or more.")
    for name, count in zip(listing.classes, listing.counts(), strict=True):
        if count == 0:
            raise ValueError(f"The class {name!r} has no picture: add some, or remove the class.")


def _check_same_classes(training: Listing, held_out: Listing) -> None:
    if training.classes == held_out.classes:
        return
    differing = sorted(set(training.classes) ^ set(held_out.classes))
    if not differing:
        raise ValueError("The pictures to train on and those held out number their classes differently: both need the same order.")
    place = "among those to train on" if differing[0] in training.classes else "among those held out"
    raise ValueError(
        f"The pictures to train on and those held out have different classes, for example {differing[0]!r}, which is only {place}: "
        f"both parts need the same classes; in folders, one folder per class."
    )


def _named(path: Path, names: tuple[str, ...]) -> Path | list[Path] | None:
    """The folder with one of these names below ``path``, in any case, or the parquet files whose names begin with the first."""
    if not path.is_dir():
        return None
    there = {each.name.lower(): each for each in folders(path)}
    return next((there[name] for name in names if name in there), None) or parquet_files(path, names[0]) or None


def _held_out(path: Path) -> Path | list[Path] | None:
    return next((place for names in HELD_OUT_NAMES if (place := _named(path, names))), None)


def _only_training(path: Path) -> Path | None:
    """The only folder in ``path`` if it is named train and contains folders or parquet files."""
    there = folders(path)
    if len(there) != 1 or there[0].name.lower() not in TRAINING_NAMES or own_pictures(there[0]):
        return None
    return there[0] if folders(there[0]) or parquet_files(there[0]) else None


def _listing(part: Path | list[Path], root: Path) -> Listing:
    if isinstance(part, list):
        return from_parquet(part)
    return from_parquet(files) if (files := parquet_files(part)) else from_folders(part, root)
