"""Loading and saving: the embedded model, a folder in Hugging Face's format, a Hub id.

Modules here have short names; files have Hugging Face's. ``RENAMES`` translates between the two, both ways.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from .config import CvtConfig
from .preprocess import CvtImageProcessor

if TYPE_CHECKING:
    from .model import CvtPreTrainedModel

EMBEDDED = Path(__file__).parent / "weights"

# (our name, Hugging Face's), applied to whole dotted parts, in order; reversed for saving.
RENAMES = (
    ("stages.{i}.embedding.", "encoder.stages.{i}.embedding.convolution_embeddings."),
    ("stages.{i}.cls_token", "encoder.stages.{i}.cls_token"),
    ("stages.{i}.layers.{j}.attention.convolution_{p}.", "encoder.stages.{i}.layers.{j}.attention.attention.convolution_projection_{p}.convolution_projection."),
    ("stages.{i}.layers.{j}.attention.output.", "encoder.stages.{i}.layers.{j}.attention.output.dense."),
    ("stages.{i}.layers.{j}.attention.{p}.", "encoder.stages.{i}.layers.{j}.attention.attention.projection_{p}."),
    ("stages.{i}.layers.{j}.mlp.intermediate.", "encoder.stages.{i}.layers.{j}.intermediate.dense."),
    ("stages.{i}.layers.{j}.mlp.output.", "encoder.stages.{i}.layers.{j}.output.dense."),
    ("stages.{i}.layers.{j}.", "encoder.stages.{i}.layers.{j}."),
)  # fmt: skip

_PLACES = {"{i}": r"(?P<i>\d+)", "{j}": r"(?P<j>\d+)", "{p}": r"(?P<p>query|key|value)"}


def rename(name: str, rules: tuple[tuple[str, str], ...]) -> str:
    """``name`` by the first rule whose left side it begins with, after an optional ``cvt.``; unchanged if there is none."""
    prefix = "cvt." if name.startswith("cvt.") else ""
    rest = name.removeprefix("cvt.")
    for old, new in rules:
        pattern = re.escape(old).replace(r"\{", "{").replace(r"\}", "}")
        for place, expression in _PLACES.items():
            pattern = pattern.replace(place, expression)
        if match := re.match(pattern, rest):
            return prefix + new.format(**match.groupdict()) + rest[match.end() :]
    return name


def to_huggingface(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Our state dict under the names of Hugging Face's CvT."""
    return {rename(name, RENAMES): value for name, value in state.items()}


def from_huggingface(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """A state dict of Hugging Face's CvT under our names."""
    back = tuple((new, old) for old, new in RENAMES)
    return {rename(name, back): value for name, value in state.items()}


def write_bytes(path: Path, content: bytes) -> None:
    """Writes a file whole or not at all: a reader, or a crash, never meets half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def write_json(path: Path, values: dict[str, Any]) -> None:
    write_bytes(path, (json.dumps(values, indent=2, ensure_ascii=False) + "\n").encode())
