"""What somebody asks to see, as a value: which model, and which picture. Everything that is computed answers such a request."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

from cvt.config import CvtConfig
from cvt.pictures import OpenedPicture

INHERITED, RANDOM = "inherited", "random"
WEIGHTS = (INHERITED, RANDOM)


@dataclass(frozen=True, kw_only=True)
class ModelRequest:
    """A loaded model or, where anything but ``model`` is given, a variant of it.

    Attributes:
        model: the loaded model's name in the workbench.
        architecture: the variant's, made of the loaded model's by ``cvt.architecture.variants.architecture``; None for its own.
        side: height and width of the input in pixels; None for the loaded model's own.
        weights: "inherited" from the loaded model wherever they fit, or "random". seed: fixes what is random.
    """

    model: str
    architecture: CvtConfig | None = field(default=None, hash=False)  # a config can be compared, and has no hash
    side: int | None = None
    weights: str = INHERITED
    seed: int = 0

    @property
    def needs_building(self) -> bool:
        """Whether this is another model than the loaded one, whatever its input."""
        return self.architecture is not None or self.weights != INHERITED

    def with_picture(self, picture: str | bytes | OpenedPicture) -> Request:
        """The request for a picture through this model."""
        return Request(**{each.name: getattr(self, each.name) for each in fields(ModelRequest)}, picture=picture)


@dataclass(frozen=True, kw_only=True)
class Request(ModelRequest):
    """A picture through such a model. It can be pickled, and hashed unless its picture is one in memory.

    Attributes:
        picture: a path or address that ``Intake.accepted`` has let in, the bytes of a file, or a picture in memory.
        interventions: changes to what the model computes on its way; there are none yet.
    """

    picture: str | bytes | OpenedPicture
    interventions: tuple[()] = ()

    @property
    def nbytes(self) -> int:
        """Memory that the picture holds."""
        if isinstance(self.picture, OpenedPicture):
            return 3 * self.picture.image.width * self.picture.image.height
        return len(self.picture)
