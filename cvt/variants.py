"""Other architectures, made from one: what may be set, what follows from it, and the built model.

``SETTINGS`` is the table behind sliders and switches. ``variant`` makes a configuration of a base and some changes,
``build_variant`` gives it seeded random weights, and ``VariantCache`` keeps the last models built. Whether a machine can run
it is asked first, in ``budget.py``.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import torch

from .config import PROJECTION_METHODS, CvtConfig
from .model import CvtForImageClassification


@dataclass(frozen=True)
class Setting:
    """A field of ``CvtConfig`` that can be set for one stage.

    Attributes:
        name: the field. label: what the control is called. meaning: one sentence on what it is.
        values: what can be chosen, in order; values that a base already has are allowed too.
        cheaper: the direction in which the model becomes smaller: -1 for smaller values, 1 for larger, 0 if neither.
    """

    name: str
    label: str
    meaning: str
    values: Sequence[Any]
    cheaper: int = 0


SETTINGS: dict[str, Setting] = {
    setting.name: setting
    for setting in (
        Setting("depth", "Depth", "How many blocks of attention and MLP follow one another.", range(1, 25), -1),
        Setting("num_heads", "Heads", "How many attention patterns each block forms side by side.", range(1, 17)),
        Setting("embed_dim", "Embedding width", "How many numbers describe each token.", range(16, 1025, 16), -1),
        Setting("mlp_ratio", "MLP ratio", "How many times wider the MLP is than its tokens.", (0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0), -1),
        Setting("kernel_qkv", "Projection kernel", "Side of the convolution before query, key and value, in tokens.", (1, 3, 5, 7)),
        Setting("stride_kv", "Key and value stride", "Every how many tokens, each way, there is a key and a value.", (1, 2, 3, 4), 1),
        Setting("qkv_projection_method", "Projection", "What precedes the linear layers: convolution, mean, nothing.", PROJECTION_METHODS),
        Setting("patch_sizes", "Embedding kernel", "Side of the convolution that makes this stage's tokens.", range(1, 17)),
        Setting("patch_stride", "Embedding stride", "How much coarser this stage's grid is than what it reads.", (1, 2, 3, 4, 8, 16), 1),
        Setting("qkv_bias", "Bias", "Whether the linear layers of query, key and value add a constant.", (False, True)),
        Setting("cls_token", "Class token", "Whether the stage has a token that belongs to no place.", (False, True)),
    )
}  # fmt: skip

Changes = Mapping[int, Mapping[str, Any]]


def _projection_padding(stage: dict[str, Any]) -> dict[str, Any]:
    """Half the kernel, so that the query grid stays as it is, which the residual needs."""
    return {"padding_q": stage["kernel_qkv"] // 2, "padding_kv": stage["kernel_qkv"] // 2}


def _patch_padding(stage: dict[str, Any]) -> dict[str, Any]:
    """So that the grid is the input's divided by the stride (an even kernel at stride 1 adds one); as in the published models."""
    kernel, stride = (each if isinstance(each, tuple) else (each, each) for each in (stage["patch_sizes"], stage["patch_stride"]))
    padding = tuple(max(0, (kernel[axis] - stride[axis] + 1) // 2) for axis in (0, 1))
    return {"patch_padding": padding[0] if padding[0] == padding[1] else padding}


# Fields that follow when one is changed, unless they are given too.
FOLLOWERS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "kernel_qkv": _projection_padding,
    "patch_sizes": _patch_padding,
    "patch_stride": _patch_padding,
}


def variant(base: CvtConfig, changes: Changes) -> CvtConfig:
    """``base`` with some settings of some stages changed.

    Paddings follow their kernels; the next stage's conv embedding reads whatever width comes before it.

    Args:
        changes: {stage, from 0: {field of ``SETTINGS``: value}}; a field's padding may be given as well.
    Raises:
        ValueError: a stage, field or value that there is not, or a combination that cannot be built, saying why.
    """
    fields: dict[str, list[Any]] = {}
    for stage, settings in changes.items():
        if stage not in range(base.num_stages):
            raise ValueError(f"There is no stage {stage + 1}: this model has {base.num_stages}. Change one of those.")
        for name, value in _with_followers(base, stage, settings).items():
            fields.setdefault(name, list(getattr(base, name)))[stage] = value
    return base.replace(**fields) if fields else base


def _with_followers(base: CvtConfig, stage: int, settings: Mapping[str, Any]) -> dict[str, Any]:
    allowed = {*SETTINGS, "padding_q", "padding_kv", "patch_padding"}
    unknown = [name for name in settings if name not in allowed]
    if unknown:
        raise ValueError(f"{unknown[0]!r} is no setting of a stage: choose among {', '.join(SETTINGS)}.")
    wanted = {name: value for name, value in settings.items() if value != getattr(base, name)[stage]}
    for name, value in wanted.items():
        if name in SETTINGS:
            _check_value(SETTINGS[name], value, stage)
    now = {name: getattr(base, name)[stage] for name in allowed} | wanted
    follow = {}
    for name in wanted:
        if name in FOLLOWERS:
            follow |= FOLLOWERS[name](now)
    return follow | wanted | {name: value for name, value in settings.items() if name not in SETTINGS}


def _check_value(setting: Setting, value: Any, stage: int) -> None:
    values = setting.values
    if isinstance(value, bool) == isinstance(values[0], bool) and isinstance(value, (int, float, str)) and value in values:
        return
    if isinstance(values, range):
        choice = f"a whole number from {values[0]} to {values[-1]}" + (f" in steps of {values.step}" if values.step > 1 else "")
    else:
        choice = "one of " + ", ".join(str(each) for each in values)
    raise ValueError(f"{setting.label} of stage {stage + 1} cannot be {value!r}: choose {choice}.")


def build_variant(config: CvtConfig, seed: int = 0) -> CvtForImageClassification:
    """A model of ``config`` with random weights, in evaluation mode, on the CPU.

    The same seed always gives the same weights. PyTorch's global random numbers are neither used nor moved on, so any number
    of threads can build at once.
    """
    with torch.device("meta"):  # no memory and no random numbers yet
        model = CvtForImageClassification(config)
    weights = {name: torch.empty_like(value, device="cpu") for name, value in model.state_dict().items()}
    model.load_state_dict(weights, assign=True)
    model.init_weights(model, torch.Generator().manual_seed(seed))
    return model.eval()


def model_bytes(model: torch.nn.Module) -> int:
    """Memory of parameters and buffers."""
    return sum(value.nbytes for value in (*model.parameters(), *model.buffers()))


class VariantCache:
    """The last models built: at most ``max_count`` of them and at most ``max_bytes`` in all, for any number of threads.

    Two who ask for the same model at once wait for one build; whoever asks for another does not wait for it. A model larger
    than ``max_bytes`` is built and handed out but not kept.

    Args:
        build: makes the model of (config, seed), for example on a GPU; ``build_variant`` if not given.
    """

    def __init__(
        self,
        max_count: int = 4,
        max_bytes: int = 512 << 20,
        build: Callable[[CvtConfig, int], CvtForImageClassification] = build_variant,
    ):
        if max_count < 1 or max_bytes < 1:
            raise ValueError(f"A cache must hold at least one model and one byte, not {max_count} models and {max_bytes} bytes.")
        self.max_count, self.max_bytes, self._build = max_count, max_bytes, build
        self._models: OrderedDict[tuple[str, int], tuple[CvtForImageClassification, int]] = OrderedDict()  # oldest use first
        self._building: dict[tuple[str, int], Future] = {}
        self._lock = threading.Lock()

    def get(self, config: CvtConfig, seed: int = 0) -> CvtForImageClassification:
        """The model of ``config`` and ``seed``: a kept one, or built now. Raises what the build raises."""
        key = (config.to_json_string(), seed)
        with self._lock:
            if key in self._models:
                self._models.move_to_end(key)
                return self._models[key][0]
            future, mine = self._building.get(key), key not in self._building
            if mine:
                future = self._building[key] = Future()
        if not mine:
            return future.result()
        try:
            model = self._build(config, seed)
        except BaseException as error:
            with self._lock:
                del self._building[key]
            future.set_exception(error)
            raise
        with self._lock:
            self._keep(key, model)
            del self._building[key]
        future.set_result(model)
        return model

    def _keep(self, key: tuple[str, int], model: CvtForImageClassification) -> None:
        size = model_bytes(model)
        if size > self.max_bytes:
            return
        self._models[key] = (model, size)
        while len(self._models) > self.max_count or self.nbytes > self.max_bytes:
            self._models.popitem(last=False)

    def __len__(self) -> int:
        return len(self._models)

    @property
    def nbytes(self) -> int:
        """Memory that the kept models hold."""
        return sum(size for _, size in self._models.values())
