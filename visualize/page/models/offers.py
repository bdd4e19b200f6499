"""What can be chosen: the models that were given, those that are part of this project, and the published checkpoints."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cvt.ablations import SOURCES
from cvt.ablations.family import FAMILY
from cvt.architecture.cost import cost
from cvt.config import PUBLISHED, CvtConfig
from cvt.files.hub import Repository, locate
from cvt.files.storage import CONFIG
from cvt.files.tensors import weight_names

GIVEN, INCLUDED, MICROSOFT, ABLATION = GROUPS = ("given", "included", "published", "ablation")
EMBEDDED = "Embedded CvT"
# The authors' checkpoints: the end of the name on the Hub, the architecture, the input's side in pixels, and the pictures of training.
CHECKPOINTS = (
    ("13", "CvT-13", 224, "1k"),
    ("13-384", "CvT-13", 384, "1k"),
    ("13-384-22k", "CvT-13", 384, "22k"),
    ("21", "CvT-21", 224, "1k"),
    ("21-384", "CvT-21", 384, "1k"),
    ("21-384-22k", "CvT-21", 384, "22k"),
    ("w24-384-22k", "CvT-W24", 384, "22k"),
)
BEST = "microsoft/cvt-13"  # of those that a Space can have at hand


@dataclass(frozen=True)
class Offer:
    """A model that can be chosen.

    Attributes:
        name: shown to people, in links and for programs. source: for ``from_pretrained``. group: one of ``GROUPS``.
        shown: the source as people may see it: of a folder only its last part; None for the embedded model.
        about: the values of the title, which ``words.models`` writes. known: the config, where it is known without the files.
    """

    name: str
    source: str | None
    group: str
    shown: str | None
    about: tuple[tuple[str, str | int], ...] = ()
    known: CvtConfig | None = None

    @property
    def here(self) -> bool:
        """Whether its files are on this machine, so that nothing is downloaded."""
        try:
            files = locate(self.source)
        except ValueError:  # a folder that was here at the start
            return False
        return not isinstance(files, Repository) or (files.has(CONFIG) and files.has(*weight_names()))

    @property
    def quick(self) -> bool:
        """Whether it is part of this project, and small, so that loading it is no wait."""
        return self.group in (INCLUDED, ABLATION)

    @cached_property
    def download_bytes(self) -> int | None:
        """Bytes of its weights on the Hub; None if they are not known."""
        return None if self.known is None else cost(self.known, *_input(self.known)).weight_bytes


def _input(config: CvtConfig) -> tuple[int, int]:
    side = config.image_size or 224
    return (side, side) if isinstance(side, int) else side


def offers(sources: Iterable[str | None]) -> dict[str, Offer]:
    """All that can be chosen, by name, in the order of the list: the given ones first.

    Raises:
        ValueError: a source that is neither a folder, nor a file, nor a possible name on the Hub.
    """
    found: dict[str, Offer] = {}
    for source in dict.fromkeys(sources):
        offer = _given(source)
        same = sum(other.shown == offer.shown for other in found.values())
        name = f"{offer.name} ({same + 1})" if same else offer.name
        found[name] = Offer(name, offer.source, offer.group, offer.shown, offer.about, offer.known)
    for offer in (_given(None), *_published(), *_ablations()):
        found.setdefault(offer.name, offer)
    return found


def _given(source: str | None) -> Offer:
    locate(source)
    if source is None:
        return Offer(EMBEDDED, None, INCLUDED, None)
    usual = next((offer for offer in (*_published(), *_ablations()) if offer.source == source), None)
    shown = Path(source).resolve().name if Path(source).exists() else source
    return usual or Offer(shown, source, GIVEN, shown)


def _published() -> list[Offer]:
    return [
        Offer(
            name := f"microsoft/cvt-{end}",
            name,
            MICROSOFT,
            name,
            (("architecture", architecture), ("side", side), ("trained", trained)),
            CvtConfig(**{**PUBLISHED[architecture], "image_size": side}),
        )
        for end, architecture, side, trained in CHECKPOINTS
    ]


def _ablations() -> list[Offer]:
    return [Offer(name := SOURCES + member.name, name, ABLATION, name, (("title", member.title),)) for member in FAMILY]


def best_here() -> list[str | None]:
    """The models of a page for which none was given: on a Space that has it, CvT-13 first; always the embedded one."""
    on_a_space = "SPACE_ID" in os.environ
    return [BEST, None] if on_a_space and _given(BEST).here else [None]
