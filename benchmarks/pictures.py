"""The page's first picture and model; stand-ins if a checkout lacks them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

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
    """The first example picture, or similar noise if there is none; RGB, 640 pixels wide."""
    files = sorted((ROOT / "examples").glob("*.jpg"))
    if not files:
        return Image.effect_noise((640, 480), 80).convert("RGB")
    picture = Image.open(files[0]).convert("RGB")
    return picture.resize((640, round(640 * picture.height / picture.width)), Image.Resampling.BICUBIC)


@contextmanager
def embedded_source() -> Iterator[str | None]:
    """The embedded model's source, None; if it is missing, a folder with a model of its shape and random weights."""
    from cvt import CvtImageProcessor
    from cvt.architecture.build import build_variant
    from cvt.config import CvtConfig

    if EMBEDDED.exists():
        yield None
        return
    with TemporaryDirectory() as folder:
        build_variant(CvtConfig(**SHAPE)).save_pretrained(folder)
        CvtImageProcessor(size=96, crop_pct=1.0).save_pretrained(folder)
        yield folder


@contextmanager
def embedded_options() -> Iterator[Sequence[str]]:
    """The arguments with which ``python app.py`` starts with that model."""
    with embedded_source() as source:
        yield () if source is None else ("--model", source)
