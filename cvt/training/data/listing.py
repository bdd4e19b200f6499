"""Pictures that are not read yet: their names, labels and classes, and an iterator over them.

Class names are compared in Unicode's composed form (NFC), since some systems store "ä" as two characters.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import compress
from pathlib import Path

Picture = Path | bytes


@dataclass(frozen=True)
class Listing:
    """Pictures that are not read yet: their names, labels and classes, and an iterator over them in that order.

    Attributes:
        names: paths below the data's folder, or "file:row". labels: indices into ``classes``.
        held_out: whether their folder's or files' names say that they are held out from training.
        notes: sentences on what was left out.
    """

    classes: tuple[str, ...]
    names: tuple[str, ...]
    labels: tuple[int, ...]
    walk: Callable[[], Iterable[Picture]]
    held_out: bool = False
    notes: tuple[str, ...] = ()

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


def composed(name: str) -> str:
    """The name in Unicode's normal form C, in which names that look the same are equal."""
    return unicodedata.normalize("NFC", name)


def class_names(names: Iterable[str], place: str) -> tuple[str, ...]:
    """The class names in normal form C.

    Raises:
        ValueError: two of them are equal; ``place`` names their location in the message.
    """
    classes = tuple(composed(name) for name in names)
    seen: set[str] = set()
    for name in classes:
        if name in seen:
            raise ValueError(f"Two classes of {place!r} have the same name, {name!r}: class names must differ.")
        seen.add(name)
    return classes


def printable(name: str) -> str:
    r"""A file's name with bytes that are not UTF-8 written as \xe4."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def check_name(name: str) -> None:
    """Refuses names that cannot be written as UTF-8, before training, whose results contain them."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError(f"The name '{printable(name)}' is not UTF-8: rename it.") from error
