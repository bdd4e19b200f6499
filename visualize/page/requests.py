"""Requests as values: which model and which picture to compute. Every result belongs to a request."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

from cvt.config import CvtConfig
from cvt.pictures import OpenedPicture

from ..change.padding import ZEROS
from ..change.parts import Intervention

INHERITED, RANDOM = "inherited", "random"
WEIGHTS = (INHERITED, RANDOM)


@dataclass(frozen=True, kw_only=True)
class ModelRequest:
    """A loaded model or, if anything but ``model`` is set, a variant of it.

    Attributes:
        model: the loaded model's name in the workbench.
        architecture: the variant's, made from the loaded model's by ``cvt.architecture.variants.architecture``; None for its own.
        side: height and width of the input in pixels; None for the loaded model's own.
        weights: "inherited" from the loaded model where they fit, or "random". seed: of the random weights.
    """

    model: str
    architecture: CvtConfig | None = field(default=None, hash=False)  # a config is comparable but not hashable
    side: int | None = None
    weights: str = INHERITED
    seed: int = 0

    @property
    def needs_building(self) -> bool:
        """Whether the model differs from the loaded one, regardless of the input side."""
        return self.architecture is not None or self.weights != INHERITED

    def with_picture(self, picture: str | bytes | OpenedPicture, also: tuple[int, ...] = ()) -> Request:
        """The request for a picture through this model; ``also`` as in ``Request``."""
        return Request(**{each.name: getattr(self, each.name) for each in fields(ModelRequest)}, picture=picture, also=also)


@dataclass(frozen=True, kw_only=True)
class Request(ModelRequest):
    """A model and a picture. It can be pickled, and hashed unless the picture is in memory.

    Attributes:
        picture: a path or address accepted by ``Intake.accepted``, the bytes of a file, or a picture in memory.
        also: the indices of classes to show besides the most probable ones, to compare another model's result by them.
        interventions: parts of the model that are replaced, in sorted order, so that the same ones make the same request.
        padding: what convolutions see beyond the border, as for ``visualize.change.padding.padded``.
        prepared: whether the picture is the model's input already, to be neither resized nor cropped.
    """

    picture: str | bytes | OpenedPicture
    also: tuple[int, ...] = ()
    interventions: tuple[Intervention, ...] = ()
    padding: str = ZEROS
    prepared: bool = False

    @property
    def nbytes(self) -> int:
        """Bytes of memory that the picture holds."""
        if isinstance(self.picture, OpenedPicture):
            return 3 * self.picture.image.width * self.picture.image.height
        return len(self.picture)
