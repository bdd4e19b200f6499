"""Loading and saving: the embedded model, a folder in Hugging Face's format, a Hub id, a file of the authors'.

Weights are fitted strictly: every tensor of the model is in the file and every tensor of the file in the model, with the
same shape. Only tensors are ever read from a file, never a pickle that could run a program.
"""

from __future__ import annotations

import json
import os
import pickle
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from . import microsoft
from .config import CvtConfig
from .hub import EMBEDDED, Folder, Repository, locate
from .names import MICROSOFT, table_of, to_ours, to_theirs
from .preprocess import CvtImageProcessor

if TYPE_CHECKING:
    from .pretrained import CvtPreTrainedModel

__all__ = ["EMBEDDED", "load_config", "load_model", "load_processor", "save_model", "write_json"]

CONFIG, PROCESSOR = "config.json", "preprocessor_config.json"
WEIGHTS = ("model.safetensors", "pytorch_model.bin")
HEAD = ("layernorm.", "classifier.")  # what CvtForImageClassification has on top of CvtModel
NAMES_SHOWN = 8
_FIELDS = {field.name for field in fields(CvtConfig)}


def load_config(source: str | Path | None = None, **options) -> CvtConfig:
    """The config of the embedded model (no argument), a folder, a Hub id, or a file of the authors'.

    Args:
        options: ``revision``, ``cache_dir``, ``local_files_only``, ``token``, for a Hub id; and fields to change, for example
            ``num_labels=10``.
    Raises:
        ValueError: there is none, or it is damaged, or not a CvT's.
    """
    changes = {name: options.pop(name) for name in list(options) if name in _FIELDS}
    return _read_config(locate(source, **options), changes)


def load_processor(source: str | Path | None = None, **hub) -> CvtImageProcessor:
    """The image processor of a model; ``hub`` and errors as for ``load_config``."""
    files = locate(source, **hub)
    values = _read_json(files, PROCESSOR)
    if values is not None:
        return CvtImageProcessor.from_dict(values)
    if files.weights is not None and table_of(_read_tensors(files, files.weights)) is MICROSOFT:
        return CvtImageProcessor(**microsoft.processor_settings(files.weights))
    raise ValueError(
        f"There is no {PROCESSOR} in {files.label}: it says how the model's pictures are prepared. "
        'CvtImageProcessor(size=224).save_pretrained("FOLDER") makes one, with your own numbers.'
    )


def load_model(
    cls: type[CvtPreTrainedModel],
    source: str | Path | None = None,
    *,
    device: str | int | torch.device | None = None,
    device_map: str | torch.device | None = None,
    dtype: torch.dtype | str | None = None,
    torch_dtype: torch.dtype | str | None = None,
    ignore_mismatched_sizes: bool = False,
    config: CvtConfig | None = None,
    revision: str | None = None,
    cache_dir: str | Path | None = None,
    local_files_only: bool = False,
    token: str | bool | None = None,
    **changes,
) -> CvtPreTrainedModel:
    """A model with trained weights, in evaluation mode.

    Args:
        cls: ``CvtModel`` or ``CvtForImageClassification``; weights of either fit both ways, see below.
        source: None for the embedded model, a folder, a Hub id, or a file of weights (the authors' ``.pth``, whose
            architecture is then told from its tensors).
        device: where the weights go; CPU if not given. ``device_map="auto"`` is CUDA where there is one.
        dtype: of the weights: float32 if not given; "auto" for the file's own. ``torch_dtype`` is its older name.
        ignore_mismatched_sizes: a classifier that the file lacks, or has in another size, is initialised anew.
        config: used instead of the file's own.
        changes: fields of the config to change, for example ``num_labels=10``.
        revision, cache_dir, local_files_only, token: for a Hub id.
    Raises:
        ValueError: nothing there, no network, a damaged file, or tensors that do not fit (all of them named).
        TypeError: an unknown argument.
    """
    unknown = sorted(set(changes) - _FIELDS)
    if unknown:
        raise TypeError(f"from_pretrained() got an unexpected argument {unknown[0]!r}: it is no field of CvtConfig either.")
    if not isinstance(config, CvtConfig | None):
        raise TypeError(f"config must be a CvtConfig, as from CvtConfig.from_pretrained(...), not {type(config).__name__}.")
    files = locate(source, revision=revision, cache_dir=cache_dir, local_files_only=local_files_only, token=token)
    config = _read_config(files, changes) if config is None else config.replace(**changes)
    device = as_device(device if device_map is None else device_map)
    path = files.weights or files.find(*WEIGHTS)
    if path is None:
        raise ValueError(f"There are no weights in {files.label}: it needs {' or '.join(WEIGHTS)}.")
    state = _read_tensors(files, path, device)
    table = table_of(state)
    with torch.device("meta"):  # no memory and no initialisation for weights that are about to be replaced
        model = cls(config)
    state = _fit(model, {to_ours(name, table): value for name, value in state.items()}, table, ignore_mismatched_sizes, path.name)
    dtype = as_dtype(dtype if torch_dtype is None else torch_dtype)
    for name, value in state.items():
        # A tensor on the CPU is a view of the file until it is copied, and the file may be overwritten one day.
        state[name] = value.to(device, dtype if value.is_floating_point() else None, copy=device.type == "cpu")
    model.load_state_dict(state, assign=True)
    return model.to(device).eval()  # buffers that no file holds


def save_model(model: CvtPreTrainedModel, folder: str | Path) -> None:
    """Writes ``config.json`` and ``model.safetensors`` as Hugging Face names them, whole or not at all.

    transformers opens the folder and computes the same, unless the config asks for what it does not have: an activation
    other than "gelu", a LayerNorm epsilon other than 1e-5, a projection other than "dw_bn", a class token elsewhere than in
    the last stage alone, oblong patches, or a stage of no more blocks than there are stages before it.
    """
    folder = Path(folder)
    state = {name: value.detach().contiguous() for name, value in model.state_dict().items()}
    values = model.config.to_dict() | {"architectures": [type(model).__name__], "dtype": str(model.dtype).removeprefix("torch.")}
    values.pop("torch_dtype", None)  # what "dtype" was called before
    with replacing(folder / WEIGHTS[0]) as weights, replacing(folder / CONFIG) as config:
        save_file(state, weights, metadata={"format": "pt"})
        config.write_text(_json(values), encoding="utf-8")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary file to write, which becomes ``path`` in one step at the end: no reader and no crash meets half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: Path, values: dict[str, Any]) -> None:
    """Writes a JSON file, whole or not at all."""
    with replacing(Path(path)) as temporary:
        temporary.write_text(_json(values), encoding="utf-8")


def _json(values: dict[str, Any]) -> str:
    return json.dumps(values, indent=2, ensure_ascii=False) + "\n"


def _read_json(files: Folder | Repository, name: str) -> dict[str, Any] | None:
    path = files.find(name)
    if path is None:
        return None
    try:
        values = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:  # not UTF-8, not JSON, or brackets without end
        raise files.reject(path, "it is damaged, it is not JSON") from error
    if not isinstance(values, dict):
        raise files.reject(path, "it holds no settings")
    return values


def _read_config(files: Folder | Repository, changes: dict[str, Any]) -> CvtConfig:
    """The config among ``files``, with ``changes``."""
    if files.weights is not None:
        state = _read_tensors(files, files.weights)
        if table_of(state) is MICROSOFT:
            return microsoft.infer_config({to_ours(name, MICROSOFT): value for name, value in state.items()}, files.weights).replace(
                **changes
            )
    values = _read_json(files, CONFIG)
    if values is None:
        raise ValueError(f"There is no {CONFIG} in {files.label}: give the architecture as config=CvtConfig(...).")
    return CvtConfig.from_dict(values).replace(**changes)


def _read_tensors(files: Folder | Repository, path: Path, device: torch.device | None = None) -> dict[str, Tensor]:
    """Every tensor of a file of weights by its name there; a safetensors file straight to ``device``."""
    try:
        if path.suffix == ".safetensors":
            return load_file(path, device=str(device or "cpu"))
        state = torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except torch.OutOfMemoryError as error:
        raise ValueError(
            f"{device} has too little free memory for {path.name} of {files.label}: free some, or use device='cpu'."
        ) from error
    except pickle.UnpicklingError as error:
        raise files.reject(path, "it is damaged, or holds more than tensors, which could run a program and is not read") from error
    except (SafetensorError, OSError, EOFError, RuntimeError, ValueError, LookupError, AttributeError, TypeError) as error:
        raise files.reject(path, "it is damaged or incomplete") from error
    if isinstance(state, dict) and isinstance(state.get("state_dict"), dict):
        state = state["state_dict"]  # the authors' training checkpoints keep the optimizer beside it
    if not isinstance(state, dict) or not state or not all(isinstance(n, str) and isinstance(v, Tensor) for n, v in state.items()):
        raise files.reject(path, "it holds no state dict, which is tensors by name")
    return state


def _fit(model: CvtPreTrainedModel, state: dict[str, Tensor], table: list, new_head: bool, file: str) -> dict[str, Tensor]:
    """``state`` as exactly the tensors that ``model`` has.

    A CvtModel takes its part of a classifier's weights. A classifier takes a CvtModel's weights only with ``new_head``,
    which initialises what is missing or misshapen in its layernorm and classifier.
    """
    expected = model.state_dict()
    inner = any(name.startswith("cvt.") for name in state)
    if inner and not any(name.startswith("cvt.") for name in expected):
        state = {name.removeprefix("cvt."): value for name, value in state.items() if not name.startswith(HEAD)}
    elif not inner and any(name.startswith("cvt.") for name in expected):
        state = {name if name.startswith(HEAD) else f"cvt.{name}": value for name, value in state.items()}
    if new_head:
        state = {name: value for name, value in state.items() if name in expected or not name.startswith(HEAD)}
        state |= _new_head(model, {name for name in expected if name.startswith(HEAD) and not _fits(name, state, expected)})
    missing = [name for name in expected if name not in state]
    unexpected = [name for name in state if name not in expected]
    misshapen = [name for name in expected if name in state and not _fits(name, state, expected)]
    if not (missing or unexpected or misshapen):
        return state

    def shapes(name: str) -> str:
        if state[name].shape == expected[name].shape:
            return f"{to_theirs(name, table)} {state[name].dtype} instead of floats"
        return f"{to_theirs(name, table)} {_shape(state[name])} instead of {_shape(expected[name])}"

    lines = [
        _listed("missing", [to_theirs(name, table) for name in missing]),
        _listed("unexpected", [to_theirs(name, table) for name in unexpected]),
        _listed("of another shape", [shapes(name) for name in misshapen]),
    ]
    if all(name.startswith(HEAD) for name in missing + unexpected + misshapen):
        lines.append("  Only the classifier differs: ignore_mismatched_sizes=True initialises a new one.")
    raise ValueError("\n".join([f"The tensors of {file} do not fit this {type(model).__name__}:", *filter(None, lines)]))


def _new_head(model: CvtPreTrainedModel, names: set[str]) -> dict[str, Tensor]:
    """Freshly initialised tensors for these names of the model's head."""
    state = {}
    for part in {name.split(".")[0] for name in names}:
        module = getattr(model, part).to_empty(device="cpu")
        model.init_weights(module)
        state |= {f"{part}.{name}": value.detach() for name, value in module.state_dict().items() if f"{part}.{name}" in names}
    return state


def _fits(name: str, state: dict[str, Tensor], expected: dict[str, Tensor]) -> bool:
    """Whether ``state`` has this tensor in the shape that the model has, and as floats where the model has floats."""
    if name not in state or state[name].shape != expected[name].shape:
        return False
    return state[name].is_floating_point() or not expected[name].is_floating_point()


def _shape(value: Tensor) -> str:
    return "×".join(map(str, value.shape)) or "a single number"


def _listed(title: str, names: list[str]) -> str:
    if not names:
        return ""
    more = f", and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
    return f"  {title} ({len(names)}): {', '.join(names[:NAMES_SHOWN])}{more}"


def as_device(device: str | int | torch.device | None) -> torch.device:
    if device is None or device == -1:
        return torch.device("cpu")
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device("cuda", device) if isinstance(device, int) else torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise ValueError(f"There is no kind of device called {device!r}: use 'cpu' or 'cuda'.") from error
    if device.type == "cpu":
        return torch.device("cpu")  # "cpu:0" is the same, but not to all who are handed it
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ValueError(f"There is no CUDA device {device.index or 0} on this machine: use device='cpu'.")
    try:
        torch.empty(1, device=device).cpu()
    except Exception as error:  # every kind of device fails in its own way where PyTorch was built without it, or has no data
        raise ValueError(f"A model cannot be loaded to the device {str(device)!r} on this machine: use device='cpu'.") from error
    return device


def as_dtype(dtype: torch.dtype | str | None) -> torch.dtype | None:
    """None for "auto", which leaves every tensor as the file has it."""
    if isinstance(dtype, str) and dtype != "auto":
        dtype = getattr(torch, dtype.removeprefix("torch."), dtype)
    if dtype is None:
        return torch.float32
    if dtype == "auto":
        return None
    if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
        raise ValueError(f"dtype must be torch.float32, torch.float16 or torch.bfloat16, not {dtype!r}.")
    return dtype
