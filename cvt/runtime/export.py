"""``export_onnx`` writes a classifier as one ONNX file, for ONNX Runtime, OpenVINO and onnxruntime-web."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from ..fields import ABLATIONS, LARGEST_SIDE, side
from ..files.storage import replacing
from ..model import CvtForImageClassification
from .linear import OneDnnLinear

if TYPE_CHECKING:
    from ..processor import CvtImageProcessor

LARGEST_FILE = 2_000_000_000  # bytes: an ONNX file is one protobuf message, which must be smaller than 2 GiB
TOLERANCE = 1e-3  # of an output's largest value; float32's rounding in another order is a hundredth of it


def export_onnx(
    model: CvtForImageClassification,
    path: str | Path,
    captures: bool = False,
    *,
    size: int | tuple[int, int] | None = None,
    processor: CvtImageProcessor | None = None,
    interventions: bool = False,
    means: Mapping[tuple[int, int, str], Tensor] | None = None,
    compact: bool = False,
) -> Path:
    """Writes the model as one ONNX file, atomically; needs the package ``onnx``.

    The file takes ``pixel_values`` (batch, channels, height, width) with any number of pictures, and gives ``logits`` (batch,
    num_labels) as the model does in evaluation mode, in float32 whatever the model's dtype. If ONNX Runtime is installed, the
    file's outputs are compared with the model's before it is put in place.

        export_onnx(CvtForImageClassification.from_pretrained(), "cvt.onnx")
        onnxruntime.InferenceSession("cvt.onnx").run(["logits"], {"pixel_values": pixel_values.numpy()})

    Args:
        captures: also gives, for stage i and block j, counted from 0, ``stages.{i}.features`` (batch, C, H, W),
            ``stages.{i}.layers.{j}.query`` (batch, heads, queries, D) and ``stages.{i}.layers.{j}.key`` (batch, heads, keys, D):
            what ``visualize.capture`` sees. Attention is softmax(query · keyᵀ · scale), with the stage's scale in the metadata.
        size: height and width of the input in pixels, which are fixed in the file; None for the config's ``image_size``.
        processor: the model's; its settings are added to the file's metadata.
        interventions: parts can be replaced, in every sample others, as ``visualize.change.interventions`` does it. The file then
            also takes ``gates`` (batch, gates, 4), float32. A gate's numbers are 1, 0, 0, 1 where nothing is replaced;
            ``onnx.gates`` describes them, and the metadata's ``gates`` has their names in order. Besides the captures it gives for
            each block what ``visualize.capture`` sees at the taps of these names, (batch, tokens, C):
            ``stages.{i}.layers.{j}.normalised``, ``….attention``, ``….mlp`` and ``….output``, and of a stage's first block
            ``….input``, which for the others is the output before. If the last stage has a cls token, its blocks also give
            ``….added`` (batch, keys, C): what attention adds to it from each key but its own.
        means: of parts over example pictures, as ``visualize.change.means`` gives them, for the number ``examples`` of the gates.
        compact: stores large weights in float16 if that loses nothing, as for a model saved in it; the file computes in float32.
    Metadata of the file, each as JSON: ``labels`` in the order of the logits, ``attention_scales`` of the stages, and
    ``preprocessor_config``.
    Returns:
        The path of the file.
    Raises:
        ImportError: ``onnx`` is not installed.
        ValueError: a model that differs from its config, an input too small for it, more weights than one file holds, or a path
            that cannot be written.
        RuntimeError: ONNX Runtime's results differ from the model's; the file is not kept.
    """
    if find_spec("onnx") is None:
        raise ImportError("Writing an ONNX file needs the package onnx: run 'pip install onnx'.")
    from .onnx.gates import gate_names
    from .onnx.graph import graph_of

    _check_model(model)
    height_width = _size(model, size)
    exact = copy.deepcopy(model).to("cpu", torch.float32).eval()
    graph = graph_of(exact, height_width, captures, interventions, means, compact)
    for name, value in (_metadata(model, processor) | ({"gates": gate_names(model.config)} if interventions else {})).items():
        graph.metadata_props.add(key=name, value=json.dumps(value, ensure_ascii=False))
    path = Path(path).expanduser()
    with _writing(path) as temporary:
        temporary.write_bytes(graph.SerializeToString())
        if find_spec("onnxruntime") is not None:
            _compare(temporary, exact, height_width)
    return path


def _check_model(model: nn.Module) -> None:
    """Refuses a model with other modules than its config describes, since the graph is built from those."""
    if not isinstance(model, CvtForImageClassification):
        raise ValueError(f"export_onnx takes a CvtForImageClassification, not a {type(model).__name__}.")
    with torch.device("meta"):
        expected = _kinds(CvtForImageClassification(model.config))
    found = _kinds(model)
    for name in {**expected, **found}:
        if expected.get(name) is not found.get(name):
            raise ValueError(
                f"This model differs from its config: {name} is {_shown(found.get(name))} instead of "
                f"{_shown(expected.get(name))}. Undo adapters, quantisation and other changes of modules first, as PEFT's "
                "merge_and_unload() does."
            )
    if different := [name for name, usual in ABLATIONS.items() if getattr(model.config, name) != usual]:
        raise ValueError(f"An ONNX file cannot be written of a model with {' and '.join(different)}: these options are for ablations.")
    weights = sum(each.numel() for each in model.parameters()) * 4
    if weights >= LARGEST_FILE:
        raise ValueError(f"The model's weights take {weights / 1e9:.1f} GB in float32; one ONNX file holds less than 2 GB.")


def _kinds(model: nn.Module) -> dict[str, type]:
    """Every module's type and settings, by name; oneDNN's linear layers count as ordinary ones."""
    kinds = {name: type(module) for name, module in model.named_modules() if name}
    return {name: nn.Linear if kind is OneDnnLinear else kind for name, kind in kinds.items()}


def _shown(kind: type | None) -> str:
    return "nothing" if kind is None else f"{kind.__module__}.{kind.__qualname__}"


def _size(model: CvtForImageClassification, size: int | tuple[int, int] | None) -> tuple[int, int]:
    """(height, width) in pixels. Raises ValueError if it is not a size, or too small for the model."""
    chosen = (model.config.image_size or 224) if size is None else side(size, "size", None, least=1, most=LARGEST_SIDE)
    height, width = (chosen, chosen) if isinstance(chosen, int) else chosen
    model.config.grids(height, width)
    return height, width


def _metadata(model: CvtForImageClassification, processor: CvtImageProcessor | None) -> dict[str, object]:
    config = model.config
    values: dict[str, object] = {"attention_scales": [stage.embed_dim**-0.5 for stage in config.stages]}
    if isinstance(model.classifier, nn.Linear) and model.classifier.out_features == config.num_labels:
        values["labels"] = [config.id2label[index] for index in range(config.num_labels)]
    if processor is not None:
        values["preprocessor_config"] = processor.to_dict()
    return values


@contextmanager
def _writing(path: Path) -> Iterator[Path]:
    """A temporary file that is renamed to ``path`` at the end. Raises ValueError if it cannot be written."""
    if path.is_dir():
        raise ValueError(f"{str(path)!r} is a folder: give a file, such as {str(path / 'cvt.onnx')!r}.")
    try:
        with replacing(path) as temporary:
            yield temporary
    except OSError as error:
        raise ValueError(f"{str(path)!r} cannot be written: {error.strerror or error}.") from error


@torch.inference_mode()
def _compare(file: Path, model: CvtForImageClassification, size: tuple[int, int]) -> None:
    """Runs the file and the model on the same noise. Raises RuntimeError if any output differs by more than rounding.

    The model is a copy, on the CPU and in float32, so its hooks need not be removed.
    """
    import onnxruntime

    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    noise = torch.randn(2, model.config.num_channels, *size, generator=torch.Generator().manual_seed(0))
    names = [output.name for output in session.get_outputs()]
    given = {"pixel_values": noise.numpy()} | {each.name: _neutral(each.shape[1]) for each in session.get_inputs()[1:]}
    found = dict(zip(names, session.run(names, given), strict=True))
    expected = _outputs(model, noise, captures=len(names) > 1)
    for name in (name for name in names if name in expected):
        ours, theirs = expected[name], torch.from_numpy(found[name])
        largest = float(ours.abs().max())
        off = float((theirs - ours).abs().max()) if theirs.shape == ours.shape else float("inf")
        if not off <= TOLERANCE * max(1e-3, largest):  # also refuses NaN
            raise RuntimeError(
                f"The file was not kept: ONNX Runtime {onnxruntime.__version__} computes {name} differently from the model, "
                f"by up to {off:.2g} where the largest value is {largest:.2g}."
            )


def _neutral(count: int) -> np.ndarray:
    """Gates that replace nothing, for two pictures."""
    return np.tile(np.array([1, 0, 0, 1], np.float32), (2, count, 1))


def _outputs(model: CvtForImageClassification, pixel_values: Tensor, captures: bool) -> dict[str, Tensor]:
    """The expected outputs, without those of interventions, which are computed from these."""
    from .onnx.graph import LOGITS, features_name, key_name, query_name

    found: dict[str, Tensor] = {}

    def keep(*names: str):
        def hook(module: nn.Module, inputs: tuple, output: object) -> None:
            found.update(zip(names, inputs[:2], strict=True))

        return hook

    if captures:
        for index, stage in enumerate(model.cvt.encoder.stages):
            for number, block in enumerate(stage.layers):
                block.attention.attention.attend.register_forward_hook(keep(query_name(index, number), key_name(index, number)))
    answer = model(pixel_values, output_hidden_states=True, return_dict=True)
    return {LOGITS: answer.logits, **{features_name(index): each for index, each in enumerate(answer.hidden_states)}, **found}
