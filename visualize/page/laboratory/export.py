"""What a person takes away of a variant: the Python lines that rebuild it, and its folder in Hugging Face's format as a zip."""

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
    """A program of this library's that builds the variant and runs a picture through it.

    Args:
        config: made of ``base`` by ``cvt.architecture.variants.architecture``. inherited: whether it has the base's weights where they
            fit; ``seed`` fixes the random ones.
        source: what loads the base, as ``from_pretrained`` takes it; None for the embedded model.
        side: of the input in pixels; None for the base's own.
    """
    given = "" if source is None else repr(source)
    size = "" if side is None else f", size={side}"
    stages = [f"    {changes!r},  # stage {index + 1}" for index, changes in enumerate(stage_changes(config, base))]
    builder = "inherit" if inherited else "build_variant"
    build = f"{builder}(base, config, seed={seed}).model" if inherited else f"{builder}(config, seed={seed})"
    return "\n".join(
        [
            "import torch",
            "",
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
            "",
            f'inputs = processor("picture.jpg", return_tensors="pt"{size})',
            "with torch.inference_mode():",
            "    logits = model(**inputs).logits",
            "print(model.config.id2label[logits.argmax(-1).item()])",
        ]
    )


def model_zip(model: CvtForImageClassification, processor: CvtImageProcessor) -> bytes:
    """A zip of config.json, model.safetensors and preprocessor_config.json, as ``from_pretrained`` reads them unzipped.

    The same model always gives the same bytes. A variant's say nothing about how good it is, which nobody has measured.
    transformers opens it too, unless ``cvt.architecture.transformers_support`` says what it lacks.
    """
    content = io.BytesIO()
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        model.save_pretrained(folder)
        processor.save_pretrained(folder)
        for path in sorted(Path(folder).iterdir()):
            # a date of its own would make every zip another one; weights hardly compress
            archive.writestr(zipfile.ZipInfo(path.name), path.read_bytes())
    return content.getvalue()
