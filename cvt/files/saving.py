"""Saving a model: ``config.json`` and its tensors in Hugging Face's names, in one file or several, whole or not at all."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from .storage import CONFIG, check_folder, replacing
from .tensors import BIN, SAFE, is_state_dict, weight_names, with_variant

if TYPE_CHECKING:
    from ..config import CvtConfig
    from ..pretrained import CvtPreTrainedModel

MAX_SHARD_SIZE = "50GB"  # as in transformers
NAMES_SHOWN = 4  # of tensors in a message


def save_model(
    model: CvtPreTrainedModel,
    save_directory: str | Path,
    is_main_process: bool = True,
    state_dict: Mapping[str, Tensor] | None = None,
    save_function: Callable[[dict[str, Tensor], str], Any] | None = None,
    push_to_hub: bool = False,
    max_shard_size: int | str = MAX_SHARD_SIZE,
    safe_serialization: bool = True,
    variant: str | None = None,
    **kwargs,
) -> None:
    """Writes ``config.json`` and ``model.safetensors`` as Hugging Face names them, whole or not at all.

    transformers opens the folder and computes the same, unless the config asks for what it does not have: an activation
    other than "gelu", a LayerNorm epsilon other than 1e-5, a projection other than "dw_bn", a class token elsewhere than in
    the last stage alone, oblong patches, or a stage of no more blocks than there are stages before it.

    A classifier of another size than the config's is saved with a config of its size, with a warning where names of classes are
    lost by that; the model's config follows.

    Args:
        is_main_process: nothing is written where this is false.
        state_dict: written instead of the model's own; all its tensors.
        save_function: writes one ``pytorch_model.bin``, as ``torch.save`` does; safetensors are always written here.
        push_to_hub: also upload what was written; ``kwargs`` as ``push.push_folder`` takes them.
        max_shard_size: bytes, or text such as "5GB": more are shared out among several files with an index.
        safe_serialization: False for ``pytorch_model.bin``.
        variant: a word in the files' names: model.<variant>.safetensors.
    Raises:
        ValueError: what would not load again: tensors of other names or shapes than the class has.
    """
    folder = check_folder(save_directory)
    if not is_main_process:
        return
    own = model.state_dict() if state_dict is None else state_dict
    if not is_state_dict(dict(own)):
        raise ValueError("state_dict must be tensors by name, as from model.state_dict().")
    state = {name: value.detach().contiguous() for name, value in own.items()}
    config = _fitting_config(model, state)
    values = config.to_diff_dict() | {"architectures": [type(model).__name__], "dtype": _dtype_name(state)}
    values.pop("torch_dtype", None)  # what "dtype" was called before
    weights_name = with_variant(SAFE if safe_serialization else BIN, variant)
    shards, index = _shards(state, weights_name, max_shard_size)
    texts = {CONFIG: type(config).from_dict(values).to_json_string()} | index
    save = _save_safe if safe_serialization else save_function or torch.save
    with ExitStack() as stack:
        paths = {name: stack.enter_context(replacing(folder / name)) for name in (*texts, *shards)}
        for name, names in shards.items():
            save({each: state[each] for each in names}, str(paths[name]))
        for name, text in texts.items():
            paths[name].write_text(text, encoding="utf-8")
    _remove_earlier(folder, variant, {*texts, *shards})
    model.config = config
    if push_to_hub:
        from .push import push_folder

        push_folder(folder, sorted({*texts, *shards}), **kwargs)


def _save_safe(state: dict[str, Tensor], path: str) -> None:
    save_file(state, path, metadata={"format": "pt"})


def _dtype_name(state: Mapping[str, Tensor]) -> str:
    return str(next(value.dtype for value in state.values() if value.is_floating_point())).removeprefix("torch.")


def _fitting_config(model: CvtPreTrainedModel, state: Mapping[str, Tensor]) -> CvtConfig:
    """The model's config, with as many classes as its classifier has rows.

    Raises:
        ValueError: a model of that config would not have these tensors.
    """
    config, head = model.config, state.get("classifier.weight")
    if head is not None and head.ndim == 2 and len(head) != config.num_labels:
        if any(name != f"LABEL_{index}" for index, name in config.id2label.items()):
            warnings.warn(
                f"The classifier has {len(head)} outputs but the config names {config.num_labels} classes: the saved config has "
                f"LABEL_0 … instead. Set model.config.id2label to keep names.",
                stacklevel=4,
            )
        config = config.replace(num_labels=len(head))
    with torch.device("meta"):
        expected = {name: value.shape for name, value in type(model)(config).state_dict().items()}
    found = {name: value.shape for name, value in state.items()}
    differing = sorted(name for name in {*expected, *found} if expected.get(name) != found.get(name))
    if differing:
        more = f" and {len(differing) - NAMES_SHOWN} more" if len(differing) > NAMES_SHOWN else ""
        raise ValueError(
            f"This would not load again: a {type(model).__name__} of this config does not have just these tensors; they differ in "
            f"{', '.join(differing[:NAMES_SHOWN])}{more}. Save parts of your own with torch.save(model.state_dict(), FILE)."
        )
    return config


def _shards(state: Mapping[str, Tensor], name: str, max_shard_size: int | str) -> tuple[dict[str, list[str]], dict[str, str]]:
    """(names of files and of the tensors in each, the index by its name where there are several files)."""
    if max_shard_size == MAX_SHARD_SIZE and sum(value.nbytes for value in state.values()) < 50e9:
        return {name: list(state)}, {}  # without the import
    from huggingface_hub import split_torch_state_dict_into_shards

    stem, _, suffix = name.rpartition(".")
    try:
        split = split_torch_state_dict_into_shards(
            dict(state), filename_pattern=f"{stem}{{suffix}}.{suffix}", max_shard_size=max_shard_size
        )
    except (ValueError, TypeError) as error:
        raise ValueError(f"max_shard_size must be bytes or text such as '5GB', not {max_shard_size!r}.") from error
    if not split.is_sharded:
        return {name: list(state)}, {}
    values = {"metadata": split.metadata, "weight_map": split.tensor_to_filename}
    return split.filename_to_tensors, {_index_name(name): json.dumps(values, indent=2, sort_keys=True) + "\n"}


def _index_name(name: str) -> str:
    """model.safetensors → model.safetensors.index.json, model.fp16.safetensors → model.safetensors.index.fp16.json."""
    stem, *variant, suffix = name.split(".")
    return ".".join([stem, suffix, "index", *variant, "json"])


def _remove_earlier(folder: Path, variant: str | None, written: set[str]) -> None:
    """Deletes what an earlier save left and what would be read instead of what was written, or beside it."""
    names = weight_names(variant)
    first = next(index for index, name in enumerate(names) if name in written)
    kind = names[first - first % 2 :][:2]  # a file of weights of this kind, and the index of several
    stem, _, suffix = kind[0].rpartition(".")
    shard = re.compile(rf"{re.escape(stem)}-\d{{5}}-of-\d{{5}}\.{suffix}")
    for path in folder.iterdir():
        if path.name not in written and (path.name in (*names[:first], *kind) or shard.fullmatch(path.name)):
            path.unlink(missing_ok=True)
