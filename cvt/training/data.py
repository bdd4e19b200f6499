"""Where pictures and their labels are: a folder of class folders, or parquet files in Hugging Face's layout.

A ``Listing`` knows every picture's name and label before any is decoded, so that what is wrong with the data, and which
pictures are held out, is known at once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import compress
from pathlib import Path

import torch

# Files with these endings are taken for pictures; those that cannot be read are reported, not passed over.
SUFFIXES = frozenset((
    ".jpg", ".jpeg", ".jfif", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".avif", ".jp2", ".ppm", ".pgm",
    ".heic", ".heif", ".svg", ".ico", ".tga", ".psd", ".jxl", ".raw", ".dng",
))  # fmt: skip
# Folders of these names, and parquet files whose names begin with the first of them, are taken for what they say.
TRAINING_NAMES = ("train", "training")
HELD_OUT_NAMES = (("valid", "validation"), ("val",), ("test", "testing"))  # the first that is there
HELD_OUT_SHARE = 0.1

Picture = Path | bytes


@dataclass(frozen=True)
class Listing:
    """Pictures that are not read yet: their names, labels and classes, and a way to walk over them in that order."""

    classes: tuple[str, ...]
    names: tuple[str, ...]
    labels: tuple[int, ...]
    walk: Callable[[], Iterable[Picture]]

    def __len__(self) -> int:
        return len(self.names)

    def only(self, chosen: set[int]) -> Listing:
        """The pictures at these places."""
        kept = [place in chosen for place in range(len(self))]
        return replace(
            self,
            names=tuple(compress(self.names, kept)),
            labels=tuple(compress(self.labels, kept)),
            walk=lambda: compress(self.walk(), kept),
        )

    def numbered_as(self, classes: tuple[str, ...]) -> Listing:
        """The same classes in another order."""
        numbers = [classes.index(name) for name in self.classes]
        return replace(self, classes=classes, labels=tuple(numbers[label] for label in self.labels))

    def counts(self) -> list[int]:
        """How many pictures each class has."""
        counts = [0] * len(self.classes)
        for label in self.labels:
            counts[label] += 1
        return counts


def find_both(path: str | Path, seed: int, share: float = HELD_OUT_SHARE) -> tuple[Listing, Listing]:
    """(training pictures, held-out pictures) below ``path``.

    Folders or parquet files that are named train and valid, val or test are taken as they are named; where nothing is, a
    ``share`` of each class is held out, at least one picture, which ones following from the seed.

    Raises:
        ValueError: what ``find`` raises, one class only, a class with too few pictures, or other classes in the two parts.
    """
    path = Path(path).expanduser()
    parts = _named(path, TRAINING_NAMES), _held_out(path)
    if not all(parts):
        return split(find(path), seed, share)
    training, held_out = (_listing(part, path) for part in parts)
    if training.classes != held_out.classes:
        differing = sorted(set(training.classes) ^ set(held_out.classes))
        raise ValueError(
            f"The pictures to train on and those held out have different classes, for example {differing[0]!r}: both need the same."
            if differing
            else "The pictures to train on and those held out number their classes differently: both need the same order."
        )
    _check_classes(training)
    return training, held_out


def find_held_out(path: str | Path) -> Listing:
    """The pictures below ``path`` that are named as held out; all of them where none is. Raises as ``find``."""
    path = Path(path).expanduser()
    part = _held_out(path)
    return _listing(part, path) if part else find(path)


def find(path: str | Path) -> Listing:
    """All pictures of ``path``.

    Args:
        path: a folder with one folder a class; a parquet file, or a folder of them, with columns ``image`` ({bytes}) and
            ``label``, class names in the file's own metadata or in a ``classes.json`` beside it.
    Raises:
        ValueError: nothing there, an empty class, or a file that cannot be read.
    """
    path = Path(path).expanduser()
    if not path.exists():
        raise ValueError(f"There are no pictures at {path.name!r}: give a folder with one folder a class, or parquet files.")
    if path.is_file() and path.suffix != ".parquet":
        raise ValueError(f"{path.name!r} is one file: give a folder with one folder a class, or parquet files.")
    return _listing([path] if path.is_file() else _parquet_files(path, "") or path, path)


def split(listing: Listing, seed: int, share: float = HELD_OUT_SHARE) -> tuple[Listing, Listing]:
    """(pictures to train on, a ``share`` of each class that is held out, at least one picture)."""
    if not 0 < share < 1:
        raise ValueError(f"A share of {share:g} cannot be held out: choose one between 0 and 1, such as 0.1.")
    _check_classes(listing)
    generator = torch.Generator().manual_seed(seed)
    labels, held_out = torch.tensor(listing.labels), set()
    for label, name in enumerate(listing.classes):
        places = (labels == label).nonzero()[:, 0]
        if len(places) < 2:
            raise ValueError(f"The class {name!r} has one picture only: it needs 2, one to train on and one to hold out.")
        count = min(len(places) - 1, max(1, int(len(places) * share)))
        held_out.update(places[torch.randperm(len(places), generator=generator)][:count].tolist())
    return listing.only(set(range(len(listing))) - held_out), listing.only(held_out)


def _check_classes(listing: Listing) -> None:
    if len(listing.classes) < 2:
        raise ValueError(f"There is one class only, {listing.classes[0]!r}: to learn a difference takes two or more.")
    for name, count in zip(listing.classes, listing.counts(), strict=True):
        if count == 0:
            raise ValueError(f"The class {name!r} has no picture: add some, or remove the class.")


def _named(path: Path, names: tuple[str, ...]) -> Path | list[Path] | None:
    """The folder of one of these names below ``path``, or the parquet files that begin with the first of them."""
    if not path.is_dir():
        return None
    return next((path / name for name in names if (path / name).is_dir()), None) or _parquet_files(path, names[0]) or None


def _held_out(path: Path) -> Path | list[Path] | None:
    return next(filter(None, (_named(path, names) for names in HELD_OUT_NAMES)), None)


def _parquet_files(path: Path, name: str) -> list[Path]:
    """Parquet files of a folder, or of its folder "data" as on the Hub."""
    return sorted(path.glob(f"{name}*.parquet")) or sorted((path / "data").glob(f"{name}*.parquet"))


def _listing(part: Path | list[Path], root: Path) -> Listing:
    if isinstance(part, list):
        return _parquet(part)
    return _parquet(files) if (files := _parquet_files(part, "")) else _folders(part, root)


def _folders(path: Path, root: Path) -> Listing:
    folders = sorted(each for each in path.iterdir() if each.is_dir() and not each.name.startswith("."))
    if not folders:
        raise ValueError(f"{path.name!r} holds no folder: put the pictures of each class into a folder of their own, named as the class.")
    found = [(file, label) for label, folder in enumerate(folders) for file in _pictures(folder)]
    return Listing(
        classes=tuple(folder.name for folder in folders),
        names=tuple(file.relative_to(root).as_posix() for file, _ in found),
        labels=tuple(label for _, label in found),
        walk=lambda: (file for file, _ in found),
    )


def _pictures(folder: Path) -> list[Path]:
    found = [file for file in sorted(folder.rglob("*")) if file.suffix.lower() in SUFFIXES and not file.name.startswith(".")]
    if not found:
        raise ValueError(f"The class {folder.name!r} has no picture: add some, or remove the folder.")
    return found


def _parquet(files: list[Path]) -> Listing:
    try:
        import pyarrow
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise ValueError("Reading parquet files needs pyarrow: run 'pip install pyarrow'.") from error
    try:
        for file in files:
            _check_columns(file, parquet.read_schema(file), pyarrow)
        columns = [parquet.read_table(file, columns=["label"])["label"].to_pylist() for file in files]
        classes = _class_names(files[0], parquet.read_schema(files[0]).metadata or {})
    except (pyarrow.ArrowException, OSError) as error:
        raise ValueError(f"The parquet files of {files[0].parent.name!r} cannot be read: one of them is damaged or incomplete.") from error
    for file, labels in zip(files, columns, strict=True):
        for row, label in enumerate(labels):
            if label is None or not 0 <= label < len(classes):
                raise ValueError(
                    f"Row {row} of {file.name!r} has the label {label}, but there are {len(classes)} classes, 0 to {len(classes) - 1}."
                )

    def walk() -> Iterator[bytes]:
        for file in files:
            for batch in parquet.ParquetFile(file).iter_batches(batch_size=256, columns=["image"]):
                yield from ((row or {}).get("bytes") or b"" for row in batch["image"].to_pylist())

    return Listing(
        classes=tuple(classes),
        names=tuple(f"{file.name}:{row}" for file, labels in zip(files, columns, strict=True) for row in range(len(labels))),
        labels=tuple(label for labels in columns for label in labels),
        walk=walk,
    )


def _check_columns(file: Path, schema, pyarrow) -> None:
    types = {field.name: field.type for field in schema}
    image = types.get("image")
    if image is None or not pyarrow.types.is_struct(image) or image.get_field_index("bytes") < 0:
        raise ValueError(f"{file.name!r} has no column 'image' with bytes: it must be in the layout of a Hugging Face image data set.")
    if not pyarrow.types.is_integer(types.get("label", pyarrow.null())):
        raise ValueError(
            f"{file.name!r} has no column 'label' of whole numbers: it must be in the layout of a Hugging Face image data set."
        )


def _class_names(file: Path, metadata: dict[bytes, bytes]) -> list[str]:
    """Names from Hugging Face's own metadata, else from ``classes.json``: strings, or objects with ``names``."""
    beside = file.parent / "classes.json"
    try:
        features = json.loads(metadata.get(b"huggingface", b"{}")).get("info", {}).get("features", {})
        if names := features.get("label", {}).get("names"):
            return [str(name) for name in names]
        if not beside.exists():
            raise ValueError(f"{file.name!r} does not name its classes: put a classes.json with their names beside it.")
        return [each if isinstance(each, str) else each["names"] for each in json.loads(beside.read_text(encoding="utf-8"))]
    except (json.JSONDecodeError, UnicodeDecodeError, AttributeError, TypeError, KeyError) as error:
        raise ValueError(f"The class names of {file.name!r} cannot be read: its metadata or its classes.json is damaged.") from error
