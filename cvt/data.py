"""Training data: a folder of class folders, or parquet files in Hugging Face's layout, as one tensor in memory."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from .pictures import UnreadablePicture, open_picture

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".avif"}


@dataclass(frozen=True)
class PictureSet:
    """Pictures of one side S as uint8 (N, 3, S, S), their labels int64 (N,), the class names, and how many were skipped."""

    pictures: Tensor
    labels: Tensor
    classes: tuple[str, ...]
    skipped: int = 0

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, chosen: Tensor) -> PictureSet:
        """The pictures of these indices, int64 (M,)."""
        return replace(self, pictures=self.pictures[chosen], labels=self.labels[chosen])


def load_both(path: str | Path, side: int, seed: int = 0) -> tuple[PictureSet, PictureSet]:
    """(training set, held-out set) of ``path``, as ``load`` reads them.

    Folders ``train`` and ``valid``, or parquet files whose names begin so, are taken as they are named; where nothing is
    named so, a tenth of each class is held out, at least one picture.
    """
    path = Path(path)
    if (path / "train").is_dir() and (path / "valid").is_dir():
        training, held_out = load(path / "train", side), load(path / "valid", side)
    elif path.is_dir() and list(path.glob("train*.parquet")) and list(path.glob("valid*.parquet")):
        training, held_out = (_read(_parquet(sorted(path.glob(f"{name}*.parquet"))), path, side) for name in ("train", "valid"))
    else:
        return split(load(path, side), seed)
    if training.classes != held_out.classes:
        raise ValueError("The training and the held-out pictures have different classes: both must have the same ones.")
    return training, held_out


def split(pictures: PictureSet, seed: int) -> tuple[PictureSet, PictureSet]:
    """A tenth of each class, at least one picture, as a held-out set; which ones follows from the seed."""
    generator = torch.Generator().manual_seed(seed)
    kept, held_out = [], []
    for label, name in enumerate(pictures.classes):
        indices = (pictures.labels == label).nonzero()[:, 0]
        if len(indices) < 2:
            raise ValueError(f"The class {name!r} has {len(indices)} readable pictures: it needs 2, one to train on and one to hold out.")
        indices = indices[torch.randperm(len(indices), generator=generator)]
        count = max(1, len(indices) // 10)
        held_out.append(indices[:count])
        kept.append(indices[count:])
    return pictures[torch.cat(kept)], pictures[torch.cat(held_out)]


def load(path: str | Path, side: int) -> PictureSet:
    """All pictures below ``path``, cut to their middle square and reduced to ``side`` (smaller ones to the smallest side).

    Args:
        path: a folder with one folder a class; a parquet file, or a folder of them, with columns ``image`` ({bytes}) and
            ``label``, class names in the file's own metadata or in a ``classes.json`` beside it.
    Raises:
        ValueError: nothing to read, an empty class, or one class only.
    """
    path = Path(path)
    if not path.exists():
        raise ValueError(f"There is no training data at {path.name!r}: give a folder with one folder a class, or parquet files.")
    files = [path] if path.suffix == ".parquet" else sorted(path.glob("*.parquet"))
    return _read(_parquet(files) if files else _folders(path), path, side)


def _read(found: tuple[Iterator[tuple[Path | io.BytesIO, int]], list[str]], path: Path, side: int) -> PictureSet:
    source, classes = found
    pictures, labels, skipped = [], [], 0
    for data, label in source:
        try:
            pictures.append(_square(open_picture(data), side))
            labels.append(label)
        except UnreadablePicture:
            skipped += 1
    if not pictures:
        raise ValueError(f"None of the files in {path.name!r} is a picture that can be read.")
    smallest = min(picture.shape[0] for picture in pictures)
    stacked = np.stack([_shrink(picture, smallest) for picture in pictures])  # (N, S, S, 3)
    return PictureSet(torch.from_numpy(stacked).permute(0, 3, 1, 2).contiguous(), torch.tensor(labels), tuple(classes), skipped)


def _square(picture: Image.Image, side: int) -> np.ndarray:
    edge = min(picture.size)
    left, top = (picture.width - edge) // 2, (picture.height - edge) // 2
    picture = picture.crop((left, top, left + edge, top + edge))
    return _shrink(np.asarray(picture), side)


def _shrink(picture: np.ndarray, side: int) -> np.ndarray:
    if picture.shape[0] <= side:
        return picture
    return np.asarray(Image.fromarray(picture).resize((side, side), Image.Resampling.BICUBIC))


def _folders(path: Path) -> tuple[Iterator[tuple[Path, int]], list[str]]:
    folders = sorted(each for each in path.iterdir() if each.is_dir() and not each.name.startswith("."))
    if len(folders) < 2:
        raise ValueError(f"{path.name!r} holds {len(folders)} class folders: training needs two or more, one folder a class.")
    files = [[file for file in sorted(folder.rglob("*")) if file.suffix.lower() in SUFFIXES] for folder in folders]
    for folder, found in zip(folders, files, strict=True):
        if not found:
            raise ValueError(f"The class {folder.name!r} has no picture: add some, or remove the folder.")
    pairs = ((file, label) for label, found in enumerate(files) for file in found)
    return pairs, [folder.name for folder in folders]


def _parquet(files: list[Path]) -> tuple[Iterator[tuple[io.BytesIO, int]], list[str]]:
    try:
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise ValueError("Reading parquet files needs pyarrow: run 'pip install pyarrow'.") from error
    classes = _class_names(files[0], parquet.read_schema(files[0]).metadata or {})

    def rows() -> Iterator[tuple[io.BytesIO, int]]:
        for file in files:
            for batch in parquet.ParquetFile(file).iter_batches(batch_size=256, columns=["image", "label"]):
                for row in batch.to_pylist():
                    yield io.BytesIO(row["image"]["bytes"]), row["label"]

    return rows(), classes


def _class_names(file: Path, metadata: dict[bytes, bytes]) -> list[str]:
    """Names from Hugging Face's own metadata, else from ``classes.json``: strings, or objects with ``names``."""
    features = json.loads(metadata.get(b"huggingface", b"{}")).get("info", {}).get("features", {})
    if names := features.get("label", {}).get("names"):
        return names
    beside = file.parent / "classes.json"
    if not beside.exists():
        raise ValueError(f"{file.name!r} does not name its classes: put a classes.json with their names beside it.")
    entries = json.loads(beside.read_text(encoding="utf-8"))
    return [each if isinstance(each, str) else each["names"] for each in entries]
