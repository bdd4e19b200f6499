"""The pictures that all runs share: decoded once, kept on the device, and the held-out ones in every size and place that is measured."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from ..files.storage import replacing
from ..training.data.data import find_both
from ..training.data.listing import Listing
from ..training.data.reading import PictureSet, check_classes, middle_square, read
from ..training.result import fingerprint, resized
from .family import SIDE

SIDES = (64, 96, 128)  # pixels, of the inputs that a model is measured on
# (down, right) in pixels: every distance from 1 to 8, in all directions; a token of the last stage is 8 pixels wide
SHIFTS = ((1, 0), (0, -2), (-3, 0), (0, 4), (5, -5), (-6, -6), (7, 7), (-8, 8))


def shifted(pictures: Tensor, down: int, right: int) -> Tensor:
    """(N, C, H, W) with its content moved; what comes in from beyond the border is the picture reflected, without repeating the border."""
    rows, columns = (_reflected(side, shift).to(pictures.device) for side, shift in zip(pictures.shape[2:], (down, right), strict=True))
    return pictures[:, :, rows[:, None], columns]


def _reflected(side: int, shift: int) -> Tensor:
    """(side,): where each row's content comes from."""
    place = (torch.arange(side) - shift).abs()
    return side - 1 - (side - 1 - place).abs()


@dataclass(frozen=True)
class Pictures:
    """What all runs share.

    Attributes:
        training: uint8 (N, 3, 64, 64), on the device. identity: a fingerprint of them.
        held_out: uint8 (M, 3, side, side), on the device, by the input's side. labels: (M,), on the CPU.
    """

    training: PictureSet
    identity: str
    held_out: dict[int, Tensor]
    labels: Tensor

    @property
    def classes(self) -> tuple[str, ...]:
        return self.training.classes


def load(data: Path, cache: Path, device: torch.device) -> Pictures:
    """Reads the pictures below ``data``, as ``cvt.train`` finds and parts them, or their copies in the folder ``cache``.

    Pictures are cropped to their middle square and have 64 pixels; the held-out ones are resized (bicubic) to the other sides, which is
    the processor's way up to rounding.

    Raises:
        ValueError: as ``cvt.train``.
    """
    training, held_out = (_read(listing, cache) for listing in find_both(data, seed=0))
    check_classes(training)
    identity = fingerprint(training)
    there = held_out.pictures.to(device)
    return Pictures(
        replace(training, pictures=training.pictures.to(device)),
        identity,
        {side: torch.cat([resized(part, side) for part in there.split(500)]) for side in SIDES},
        held_out.labels,
    )


def synthetic(device: torch.device, count: int = 20_000, classes: int = 200) -> Pictures:
    """Noise in place of pictures, to measure speed."""
    pictures = torch.randint(0, 256, (count, 3, SIDE, SIDE), dtype=torch.uint8, device=device)
    names = tuple(f"class {label}" for label in range(classes))
    return Pictures(PictureSet(pictures, torch.arange(count) % classes, ("",) * count, names), "noise", {}, torch.zeros(0))


def _read(listing: Listing, cache: Path) -> PictureSet:
    """The listing's pictures, decoded only the first time: a copy lies in ``cache`` under a checksum of their names and labels."""
    key = zlib.crc32(json.dumps([listing.names, listing.labels, listing.classes]).encode())
    path = cache / f"pictures-{key:08x}.pt"
    if path.exists():
        return replace(_empty(listing), pictures=torch.load(path, weights_only=True))
    found = read(listing, middle_square(SIDE))
    if found.side != SIDE:
        raise ValueError(f"The pictures are {found.side} pixels wide: the family is trained on pictures of at least {SIDE}.")
    with replacing(path) as temporary:
        torch.save(found.pictures, temporary)
    return found


def _empty(listing: Listing) -> PictureSet:
    return PictureSet(torch.empty(0), torch.tensor(listing.labels), listing.names, listing.classes)
