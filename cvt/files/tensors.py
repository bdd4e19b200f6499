"""Reads the tensors of a checkpoint, from one weights file or several with an index, without running any code in them."""

from __future__ import annotations

import pickle
import re
import zipfile
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from ..fields import shown
from .hub import CheckpointError, Folder, Repository
from .storage import parsed

SAFE, BIN = "model.safetensors", "pytorch_model.bin"
_INDEX = ".index.json"
_FILE_NAME = re.compile(r"[\w][\w.-]*")


def weight_names(variant: str | None = None, use_safetensors: bool | None = None) -> tuple[str, ...]:
    """Names of weights files and of their indices, in the order in which they are looked for."""
    if variant is not None and not (isinstance(variant, str) and re.fullmatch(r"[\w-]+", variant)):
        raise ValueError(f"variant must be a word in the names of the weights files, such as 'fp16', not {shown(variant)}.")
    safe, other = (SAFE, SAFE + _INDEX), (BIN, BIN + _INDEX)
    names = (*safe, *other) if use_safetensors is None else safe if use_safetensors else other
    return tuple(with_variant(name, variant) for name in names)


def with_variant(name: str, variant: str | None) -> str:
    """model.safetensors → model.fp16.safetensors, as Hugging Face names files of a variant."""
    stem, dot, suffix = name.rpartition(".")
    return name if variant is None else f"{stem}.{variant}{dot}{suffix}"


def find_weights(files: Folder | Repository, variant: str | None = None, use_safetensors: bool | None = None) -> Path:
    """The weights file, or the index of several. Raises ValueError if there is none."""
    names = weight_names(variant, use_safetensors)
    path = files.weights or files.find(*names)
    if path is None:
        raise CheckpointError(f"There are no weights in {files.label}: it needs {' or '.join(names[::2])}.")
    return path


def read_tensors(files: Folder | Repository, path: Path, device: torch.device | None = None) -> dict[str, Tensor]:
    """Every tensor of a weights file, or of all files that an index names, by its name in the file.

    Args:
        device: safetensors are read directly to it.
    Raises:
        ValueError: a file that is damaged or missing, contains more than tensors, or does not match its index.
    """
    if path.suffix != ".json":
        return _read_file(files, path, device)
    kind = ".safetensors" if ".safetensors." in path.name else ".bin"
    state: dict[str, Tensor] = {}
    for name, expected in _shards(files, path, kind).items():
        shard = files.find(name)
        if shard is None:
            raise CheckpointError(f"{path.name} names the file {name}, which is not in {files.label}.")
        tensors = _read_file(files, shard, device)
        if set(tensors) != expected:
            raise files.reject(shard, f"its tensors are not those that {path.name} lists")
        state |= tensors
    return state


def _shards(files: Folder | Repository, path: Path, kind: str) -> dict[str, set[str]]:
    """The files that an index names, and the names of the tensors in each."""
    try:
        places = parsed(path).get("weight_map")
    except ValueError as error:
        raise files.reject(path, str(error)) from error
    # only files beside the index: an untrusted index may name any path
    if not isinstance(places, dict) or not places or not all(_is_file_name(name, kind) for name in places.values()):
        raise files.reject(path, f"it does not name a {kind} file for every tensor")
    shards: dict[str, set[str]] = {}
    for tensor, name in places.items():
        shards.setdefault(name, set()).add(tensor)
    return shards


def _is_file_name(name: object, kind: str) -> bool:
    return isinstance(name, str) and bool(_FILE_NAME.fullmatch(name)) and name.endswith(kind)


def _read_file(files: Folder | Repository, path: Path, device: torch.device | None) -> dict[str, Tensor]:
    try:
        if path.suffix == ".safetensors":
            return load_file(path, device=str(device or "cpu"))
        state = torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except torch.OutOfMemoryError as error:
        raise ValueError(
            f"{device} has too little free memory for {path.name} from {files.label}: free some, or use device='cpu'."
        ) from error
    except pickle.UnpicklingError as error:
        raise files.reject(path, "it is damaged, or contains more than tensors, which is not read because it could run code") from error
    except (SafetensorError, OSError, EOFError, RuntimeError, ValueError, LookupError, AttributeError, TypeError) as error:
        raise files.reject(path, "it is damaged or incomplete") from error
    if isinstance(state, dict) and isinstance(state.get("state_dict"), dict):
        state = state["state_dict"]  # the authors' training checkpoints keep the optimizer beside it
    if not is_state_dict(state):
        raise files.reject(path, "it contains no state dict (a dict of tensors by name)")
    return state


def is_state_dict(state: object) -> bool:
    """Whether this is a dict of tensors by name, not empty."""
    if not isinstance(state, dict) or not state:
        return False
    return all(isinstance(name, str) and isinstance(value, Tensor) for name, value in state.items())
