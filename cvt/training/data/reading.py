"""Decodes the pictures of a ``Listing`` into one tensor of squares in memory, in several threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from tqdm import tqdm

from ...pictures import UnreadablePicture, open_picture
from ...processor import CvtImageProcessor
from .listing import Listing, Picture

THREADS = 4  # reading threads
PICTURES_AT_ONCE = 256  # pictures queued at a time
PROBLEMS_SHOWN = 3

Cut = Callable[[Picture], np.ndarray]  # a picture → uint8 (S, S, 3)


@dataclass(frozen=True)
class PictureSet:
    """Square pictures of side S, uint8 (N, 3, S, S), their labels int64 (N,), names, the classes, and how many were skipped."""

    pictures: Tensor
    labels: Tensor
    names: tuple[str, ...]
    classes: tuple[str, ...]
    skipped: int = 0

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def side(self) -> int:
        return self.pictures.shape[-1]


def read(listing: Listing, cut: Cut, skip_unreadable: bool = False, quiet: bool = False) -> PictureSet:
    """All pictures of ``listing`` after ``cut``; smaller ones are enlarged to the largest.

    Raises:
        ValueError: unreadable pictures, unless they are to be skipped; no readable picture at all.
    """
    squares, kept, problems = [], [], []
    progress = tqdm(total=len(listing), desc="reading", unit=" pictures", leave=False, disable=True if quiet else None)
    with progress:
        for place, result in enumerate(_attempts(listing, cut)):
            progress.update()
            if isinstance(result, str):
                problems.append(f"{listing.names[place]}: {result}")
            else:
                squares.append(result)
                kept.append(place)
    if problems and not skip_unreadable:
        raise ValueError(_unreadable(problems, len(listing)))
    if not kept:
        raise ValueError(f"None of the {len(listing)} pictures can be read.")
    labels = [listing.labels[place] for place in kept]
    names = tuple(listing.names[place] for place in kept)
    return PictureSet(_stacked(squares), torch.tensor(labels), names, listing.classes, len(problems))


def check_classes(pictures: PictureSet) -> None:
    """Refuses a training set with a class whose pictures were all unreadable."""
    for label in sorted(set(range(len(pictures.classes))) - set(pictures.labels.tolist())):
        raise ValueError(f"None of the pictures of the class {pictures.classes[label]!r} can be read.")


def middle_square(side: int) -> Cut:
    """Crops a picture to its middle square and reduces it to ``side``; smaller ones keep their size."""

    def cut(source: Picture) -> np.ndarray:
        picture = open_picture(source, least=2 * side)  # decodes a large JPEG at a reduced size, several times as fast
        edge = min(picture.size)
        left, top = (picture.width - edge) // 2, (picture.height - edge) // 2
        picture = picture.crop((left, top, left + edge, top + edge))
        return np.asarray(picture if edge <= side else picture.resize((side, side), Image.Resampling.BICUBIC))

    return cut


def as_processed(processor: CvtImageProcessor) -> Cut:
    """Crops a picture exactly as a model's processor does.

    Raises:
        ValueError: a processor that does not resize.
    """
    if not processor.do_resize:
        raise ValueError("This model's processor does not resize pictures, and pictures of different sizes cannot form a batch.")
    return lambda source: np.asarray(processor.cut(open_picture(source)))


def _attempts(listing: Listing, cut: Cut) -> Iterator[np.ndarray | str]:
    """Each picture as an array, or an error message."""

    def attempt(source: Picture) -> np.ndarray | str:
        if source == b"":
            return "The parquet file does not contain this picture, at most its path."
        try:
            return cut(source)
        except UnreadablePicture as error:
            return str(error)

    sources = iter(listing.walk())
    with ThreadPoolExecutor(THREADS) as pool:
        while chunk := list(islice(sources, PICTURES_AT_ONCE)):
            yield from pool.map(attempt, chunk)


def _unreadable(problems: list[str], count: int) -> str:
    shown = "\n".join(f"  {problem}" for problem in problems[:PROBLEMS_SHOWN])
    more = f"\n  and {len(problems) - PROBLEMS_SHOWN} more" if len(problems) > PROBLEMS_SHOWN else ""
    return f"{len(problems)} of {count} pictures cannot be read; remove them, or skip them with --skip-unreadable.\n{shown}{more}"


def _stacked(squares: list[np.ndarray]) -> Tensor:
    """[(S, S, 3)] of several sides → (N, 3, S, S) of the largest; empties ``squares`` meanwhile to save memory."""
    side = max(square.shape[0] for square in squares)
    stacked = np.empty((len(squares), 3, side, side), np.uint8)
    for place in range(len(squares)):
        square = squares[place]
        if square.shape[0] < side:
            square = np.asarray(Image.fromarray(square).resize((side, side), Image.Resampling.BICUBIC))
        stacked[place] = square.transpose(2, 0, 1)  # (S, S, 3) → (3, S, S)
        squares[place] = np.empty(0)
    return torch.from_numpy(stacked)
