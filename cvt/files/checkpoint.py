"""Loading a model: the embedded one, a folder in Hugging Face's format, a Hub id, a file of the authors'.

Weights are fitted strictly: every tensor of the model is in the file and every tensor of the file in the model, with the
same shape. Only tensors are ever read from a file, never a pickle that could run a program.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ..runtime.device import as_device, as_dtype
from .hub import Folder, Repository, locate
from .names import table_of, to_ours, to_theirs
from .options import split_where, unknown_argument
from .tensors import find_weights, is_state_dict, read_tensors

if TYPE_CHECKING:
    from ..config import CvtConfig
    from ..pretrained import CvtPreTrainedModel

HEAD = ("layernorm.", "classifier.")  # what CvtForImageClassification has on top of CvtModel
NAMES_SHOWN = 8  # of tensors in a message


def load_model(
    cls: type[CvtPreTrainedModel],
    source: str | Path | None = None,
    *model_args,
    device: str | int | torch.device | None = None,
    device_map: str | int | torch.device | Mapping | None = None,
    dtype: torch.dtype | str | None = None,
    torch_dtype: torch.dtype | str | None = None,
    ignore_mismatched_sizes: bool = False,
    config: CvtConfig | str | Path | None = None,
    state_dict: Mapping[str, Tensor] | None = None,
    key_mapping: Mapping[str, str] | None = None,
    variant: str | None = None,
    use_safetensors: bool | None = None,
    attn_implementation: str | None = None,
    output_loading_info: bool = False,
    **options,
) -> CvtPreTrainedModel | tuple[CvtPreTrainedModel, dict[str, Any]]:
    """A model with trained weights, in evaluation mode.

    Args:
        cls: ``CvtModel`` or ``CvtForImageClassification``; weights of either fit both ways, see below.
        source: None for the embedded model, a folder, a Hub id, or a file of weights (the authors' ``.pth``, whose
            architecture is then told from its tensors).
        model_args: handed to the class after the config.
        device: where the weights go; CPU if not given. ``device_map="auto"`` is CUDA where there is one; a map names one device.
        dtype: of the weights: float32 if not given; "auto" for the file's own. ``torch_dtype`` is its older name.
        ignore_mismatched_sizes: a classifier that the file lacks, or has in another size, is initialised anew.
        config: used instead of the file's own; also what ``CvtConfig.from_pretrained`` takes.
        state_dict: tensors by name, used instead of the file's.
        key_mapping: regular expressions that names of tensors have, and what they become.
        variant, use_safetensors: which of several files of weights: model.<variant>.safetensors; not pytorch_model.bin, or only that.
        attn_implementation: see ``set_attn_implementation``.
        output_loading_info: also return which tensors were missing or had another shape, where those were allowed.
        options: ``revision``, ``cache_dir``, ``local_files_only``, ``token``, ``subfolder``, ``force_download``, to find the files;
            fields of the config to change, for example ``num_labels=10``; arguments of the class; and what ``options.py`` lists.
    Raises:
        ValueError: nothing there, no network, a damaged file, or tensors that do not fit (all of them named).
        TypeError: an unknown argument, or a config of another kind.
    """
    where, config_class = split_where(options), cls.config_class
    fields = config_class.__dataclass_fields__
    takes = set(inspect.signature(cls.__init__).parameters) - {"self", "config"}
    model_options = {name: options.pop(name) for name in list(options) if name in takes and name not in fields}
    files = locate(source, **where)
    if config is None:
        given = config_class.at(files)
    else:
        given = config_class.from_pretrained(config) if isinstance(config, (str, Path)) else config_class.accept(config)
    found, unknown = given.overridden(options)
    if unknown:
        raise unknown_argument(sorted(unknown)[0], {*inspect.signature(load_model).parameters, *fields, *takes})
    place = as_device(device if device_map is None else device_map)
    state, origin = _tensors(files, state_dict, variant, use_safetensors, place)
    table = table_of(state)
    for pattern, replacement in (key_mapping or {}).items():
        state = {re.sub(pattern, replacement, name): value for name, value in state.items()}
    with torch.device("meta"):  # no memory and no initialisation for weights that are about to be replaced
        model = cls(found, *model_args, **model_options)
    named = {to_ours(name, table): value for name, value in state.items()}
    state, new = _fit(model, named, table, ignore_mismatched_sizes, origin)
    dtype = as_dtype(dtype if torch_dtype is None else torch_dtype)
    for name, value in state.items():
        # A tensor on the CPU is a view of the file until it is copied, and the file may be overwritten one day.
        state[name] = value.to(place, dtype if value.is_floating_point() else None, copy=place.type == "cpu")
    model.load_state_dict(state, assign=True)
    if state_dict is None and not new:
        model.claim(found.extra)
    model.config.name_or_path = model.name_or_path = "" if source is None else str(source)
    if attn_implementation is not None:
        model.set_attn_implementation(attn_implementation)
    model = model.to(place).eval()  # buffers that no file holds
    return (model, _loading_info(named, new)) if output_loading_info else model


def _tensors(
    files: Folder | Repository, given: Mapping[str, Tensor] | None, variant: str | None, use_safetensors: bool | None, device: torch.device
) -> tuple[dict[str, Tensor], str]:
    """Tensors by name, and the name of what they are from."""
    if given is None:
        path = find_weights(files, variant, use_safetensors)
        return read_tensors(files, path, device), path.name
    if not is_state_dict(dict(given)):
        raise ValueError("state_dict must be tensors by name, as from model.state_dict().")
    return dict(given), "state_dict"


def _loading_info(file: dict[str, Tensor], new: dict[str, Tensor]) -> dict[str, Any]:
    """What transformers tells of a loading; the names and shapes are those of the new classifier, all else fitted."""
    mismatched = {(name, file[name].shape, value.shape) for name, value in new.items() if name in file}
    return {"missing_keys": set(new) - set(file), "unexpected_keys": set(), "mismatched_keys": mismatched, "error_msgs": []}


def _fit(
    model: CvtPreTrainedModel, state: dict[str, Tensor], table: list, new_head: bool, file: str
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """``state`` as exactly the tensors that ``model`` has, and those among them that were initialised here.

    A CvtModel takes its part of a classifier's weights. A classifier takes a CvtModel's weights only with ``new_head``,
    which initialises what is missing or misshapen in its layernorm and classifier.
    """
    expected = model.state_dict()
    inner = any(name.startswith("cvt.") for name in state)
    if inner and not any(name.startswith("cvt.") for name in expected):
        state = {name.removeprefix("cvt."): value for name, value in state.items() if not name.startswith(HEAD)}
    elif not inner and any(name.startswith("cvt.") for name in expected):
        state = {name if name.startswith(HEAD) else f"cvt.{name}": value for name, value in state.items()}
    new: dict[str, Tensor] = {}
    if new_head:
        state = {name: value for name, value in state.items() if name in expected or not name.startswith(HEAD)}
        new = _new_head(model, {name for name in expected if name.startswith(HEAD) and not _fits(name, state, expected)})
        state |= new
    missing = [name for name in expected if name not in state]
    unexpected = [name for name in state if name not in expected]
    misshapen = [name for name in expected if name in state and not _fits(name, state, expected)]
    if not (missing or unexpected or misshapen):
        return state, new

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
    state: dict[str, Tensor] = {}
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
