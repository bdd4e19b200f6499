"""Exports a variant: as Python code that rebuilds it, and as a zipped folder in Hugging Face's format."""

from __future__ import annotations

import io
import tempfile
import zipfile
from pathlib import Path

from cvt.architecture.variants import stage_changes
from cvt.config import CvtConfig
from cvt.model import CvtForImageClassification
from cvt.processor import CvtImageProcessor


def python_lines(config: CvtConfig, base: CvtConfig, inherited: bool, seed: int, source: str | None = None, side: int | None = None) -> str:
    """A Python program that builds the variant with this library and runs it on a picture.

    Args:
        config: made from ``base`` by ``cvt.architecture.variants.architecture``. inherited: whether it has the base's weights
            where they fit; ``seed`` fixes the random ones.
        source: the base's name or path for ``from_pretrained``; None for the embedded model.
        side: of the input in pixels; None for the base's own.
    """
    size = "" if side is None else f", size={side}"
    return "\n".join(
        [
            "import torch",
            "",
            *_building(config, base, inherited, seed, source),
            "",
            f'inputs = processor("picture.jpg", return_tensors="pt"{size})',
            "with torch.inference_mode():",
            "    logits = model(**inputs).logits",
            "print(model.config.id2label[logits.argmax(-1).item()])",
        ]
    )


def built_lines(config: CvtConfig, base: CvtConfig, inherited: bool, seed: int, source: str | None = None, side: int | None = None) -> str:
    """The lines that build the variant as ``model``, with its ``processor``; arguments as for ``python_lines``."""
    resized = [] if side is None else [f"processor = replace(processor, size={side})"]
    imported = [] if side is None else ["from dataclasses import replace", ""]
    return "\n".join([*imported, *_building(config, base, inherited, seed, source), *resized])


def _building(config: CvtConfig, base: CvtConfig, inherited: bool, seed: int, source: str | None) -> list[str]:
    given = "" if source is None else repr(source)
    stages = [f"    {changes!r},  # stage {index + 1}" for index, changes in enumerate(stage_changes(config, base))]
    builder = "inherit" if inherited else "build_variant"
    build = f"{builder}(base, config, seed={seed}).model" if inherited else f"{builder}(config, seed={seed})"
    return [
        "from cvt import CvtForImageClassification, CvtImageProcessor",
        f"from cvt.architecture.build import {builder}",
        "from cvt.architecture.variants import architecture",
        "",
        f"base = CvtForImageClassification.from_pretrained({given})",
        f"processor = CvtImageProcessor.from_pretrained({given})",
        "stages = [  # what differs from the base",
        *stages,
        "]",
        "config = architecture(base.config, stages)",
        f"model = {build}",
    ]


def model_zip(model: CvtForImageClassification, processor: CvtImageProcessor) -> bytes:
    """A zip of config.json, model.safetensors and preprocessor_config.json; unzipped, ``from_pretrained`` loads it.

    The same model always gives the same bytes. A variant's config has no measured accuracy, because nobody measured it.
    transformers loads it too, with the exceptions in ``cvt.architecture.transformers_support``.
    """
    content = io.BytesIO()
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        model.save_pretrained(folder)
        processor.save_pretrained(folder)
        for path in sorted(Path(folder).iterdir()):
            # a fixed date, so that equal models give equal zips; stored, because weights hardly compress
            archive.writestr(zipfile.ZipInfo(path.name), path.read_bytes())
    return content.getvalue()
