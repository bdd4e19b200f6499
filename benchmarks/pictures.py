"""The picture and the model that a person meets first; stand-ins where a checkout lacks them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    from cvt import CvtForImageClassification, CvtImageProcessor

ROOT = Path(__file__).parents[1]
EMBEDDED = ROOT / "cvt" / "weights" / "config.json"
# The embedded model's shape, for a checkout without its weights.
SHAPE = {
    "patch_sizes": (5, 3, 3),
    "patch_stride": 2,
    "patch_padding": (2, 1, 1),
    "embed_dim": (64, 128, 256),
    "num_heads": (1, 2, 4),
    "depth": (1, 2, 8),
    "num_labels": 200,
}


def photograph() -> Image.Image:
    """The first example picture, or noise of its kind where there is none; RGB, 640 pixels wide."""
    files = sorted((ROOT / "examples").glob("*.jpg"))
    if not files:
        return Image.effect_noise((640, 480), 80).convert("RGB")
    picture = Image.open(files[0]).convert("RGB")
    return picture.resize((640, round(640 * picture.height / picture.width)), Image.Resampling.BICUBIC)


def embedded_model() -> tuple[CvtForImageClassification, CvtImageProcessor]:
    """The embedded model; where it is not there, one of its shape with random weights."""
    from cvt import CvtForImageClassification, CvtImageProcessor
    from cvt.architecture.build import build_variant
    from cvt.config import CvtConfig

    if EMBEDDED.exists():
        return CvtForImageClassification.from_pretrained(), CvtImageProcessor.from_pretrained()
    return build_variant(CvtConfig(**SHAPE)), CvtImageProcessor(size=96, crop_pct=1.0)


@contextmanager
def embedded_options() -> Iterator[Sequence[str]]:
    """What ``python app.py`` must be told to start with ``embedded_model``."""
    if EMBEDDED.exists():
        yield ()
        return
    with TemporaryDirectory() as folder:
        for part in embedded_model():
            part.save_pretrained(folder)
        yield "--model", folder
