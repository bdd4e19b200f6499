"""Valid values of the fields of a ``CvtConfig``: defaults, types and ranges, for one field of one stage at a time.

Each check returns the value in its own type, or raises a ``ConfigError`` that names the field and the stage.
"""

from __future__ import annotations

import difflib
import re
import reprlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from numbers import Real
from types import MappingProxyType
from typing import Any

Size = tuple[int, int]  # (height, width)

PROJECTION_METHODS = ("dw_bn", "avg", "linear")
LARGEST_SIDE = 8192  # pixels of a picture's side: 67 megapixels, more than is ever decoded
LABEL_CHARACTERS = 1000  # characters of a label: every response contains some
LARGEST = 2**31 - 1  # of any integer: PyTorch indexes an axis in 32 bits, and products of two stay exact in 64

# Defaults of every per-stage field: (first stage, middle stages, last stage).
STAGE_DEFAULTS: dict[str, tuple[Any, Any, Any]] = {
    "patch_sizes": (7, 3, 3),
    "patch_stride": (4, 2, 2),
    "patch_padding": (2, 1, 1),
    "embed_dim": (64, 192, 384),
    "num_heads": (1, 3, 6),
    "depth": (1, 2, 10),
    "mlp_ratio": (4.0, 4.0, 4.0),
    "attention_drop_rate": (0.0, 0.0, 0.0),
    "drop_rate": (0.0, 0.0, 0.0),
    "drop_path_rate": (0.0, 0.0, 0.1),
    "qkv_bias": (True, True, True),
    "cls_token": (False, False, True),
    "qkv_projection_method": ("dw_bn", "dw_bn", "dw_bn"),
    "kernel_qkv": (3, 3, 3),
    "padding_kv": (1, 1, 1),
    "stride_kv": (2, 2, 2),
    "padding_q": (1, 1, 1),
    "stride_q": (1, 1, 1),
}
# Options for ablations, which the paper's CvT does not have, and their values without them: they are saved only if they differ.
ABLATIONS: dict[str, Any] = {"position_embedding": False, "padding_mode": "zeros", "carry_cls_token": False}
PADDING_MODES = ("zeros", "circular")
# Fields without a default for another number of stages.
NO_GENERAL_DEFAULT = ("embed_dim", "num_heads", "depth")


@dataclass(frozen=True)
class Remedy:
    """One change that makes a config valid: a field of a stage, from 0, or of the whole model if stage is None."""

    stage: int | None
    name: str
    value: Any


class ConfigError(ValueError):
    """An invalid config, as values; ``str`` gives the message, with the fields' names.

    Attributes:
        template: the message, with fields and ``values`` by name in braces.
        field, stage, value: what is invalid; the stage counts from 0 and is None for the whole model.
        remedy: a single change that makes it valid, if there is one. values: other values in the message.
    """

    def __init__(
        self,
        template: str,
        field: str,
        stage: int | None = None,
        value: Any = None,
        remedy: Remedy | None = None,
        values: Mapping[str, Any] = MappingProxyType({}),
    ):
        super().__init__(template, field, stage, value, remedy, dict(values))  # so that it can be pickled
        self.template, self.field, self.stage, self.value, self.remedy, self.values = template, field, stage, value, remedy, dict(values)

    def sentence(self, name: Callable[[str], str] = str) -> str:
        """The message; ``name`` gives each field's name in it."""
        where = name(self.field) if self.stage is None else f"{name(self.field)} of stage {self.stage + 1}"
        values = {"where": where, "shown": shown(self.value), **self.values}
        return _WORD.sub(lambda found: str(values[found[1]]) if found[1] in values else name(found[1]), self.template)

    def __str__(self) -> str:
        return self.sentence()


_WORD = re.compile(r"\{(\w+)\}")


def is_list(value: Any) -> bool:
    """Whether this is a sequence of values; a 0-d array is not."""
    return isinstance(value, Iterable) and not isinstance(value, (str, bytes)) and getattr(value, "ndim", 1) > 0


def is_number(value: Any) -> bool:
    real = isinstance(value, Real) and not isinstance(value, bool)
    return real and -LARGEST <= value <= LARGEST  # no NaN either


def shown(value: Any) -> str:
    """``repr(value)`` for a message: shortened, and on one line."""
    try:
        text = " ".join(reprlib.repr(value).split())
    except ValueError:  # Python refuses to print numbers of thousands of digits
        text = "a number of thousands of digits"
    return text if len(text) <= 40 else f"{text[:37]}..."


def first_line(error: Exception) -> str:
    """The message of another library's error, as part of a sentence."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


def nearest(name: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """ ": did you mean …?" if a known name is similar, else empty."""
    match = difflib.get_close_matches(name, sorted(known), n=1, cutoff=cutoff)
    return f": did you mean {match[0]!r}?" if match else "."


def check_spelling(names: Iterable[str], known: Iterable[str], where: str) -> None:
    """Refuses an unknown name that is probably a known one misspelt: ignoring it would silently change results."""
    known = set(known)
    for name in names:
        if name not in known and (hint := nearest(name, known, cutoff=0.86)) != ".":
            raise TypeError(f"{where} got an unexpected argument {name!r}{hint}")


def pair(value: int | Size) -> Size:
    return (value, value) if isinstance(value, int) else value


def whole(value: Any, name: str, stage: int | None, least: int = 1, most: int = LARGEST) -> int:
    if not is_number(value) or value != int(value) or not least <= value <= most:
        real = isinstance(value, Real)
        limits = f"at most {most}" if real and value > most else f"{least} or more"
        raise ConfigError("{where} must be a whole number, {limits}, not {shown}.", name, stage, value, values={"limits": limits})
    return int(value)


def side(value: Any, name: str, stage: int | None, least: int = 1, most: int = LARGEST) -> int | Size:
    if not is_list(value):
        return whole(value, name, stage, least, most)
    values = tuple(whole(each, name, stage, least, most) for each in value)
    if len(values) != 2:
        raise ConfigError("{where} must be one number or a (height, width) pair, not {shown}.", name, stage, value)
    return values[0] if values[0] == values[1] else values


def fraction(value: Any, name: str, stage: int | None) -> float:
    if not is_number(value) or not 0 <= value < 1:
        raise ConfigError("{where} must be at least 0 and below 1, not {shown}.", name, stage, value)
    return float(value)


def flag(value: Any, name: str, stage: int | None) -> bool:
    if is_list(value) or value not in (True, False, 0, 1):
        raise ConfigError("{where} must be true or false, not {shown}.", name, stage, value)
    return bool(value)


def ratio(value: Any, name: str, stage: int | None) -> float:
    if not is_number(value) or value <= 0:
        raise ConfigError("{where} must be a positive number, at most {most}, not {shown}.", name, stage, value, values={"most": LARGEST})
    return float(value)


def method(value: Any, name: str, stage: int | None) -> str:
    if is_list(value) or value not in PROJECTION_METHODS:
        values = {"choices": ", ".join(PROJECTION_METHODS)}
        raise ConfigError("{where} is {shown}: choose one of {choices}.", name, stage, value, values=values)
    return value


def zero_or_more(value: Any, name: str, stage: int | None) -> int:
    return whole(value, name, stage, least=0)


def padding(value: Any, name: str, stage: int | None) -> int | Size:
    return side(value, name, stage, least=0)


CASTS = {
    "patch_sizes": side,
    "patch_stride": side,
    "patch_padding": padding,
    "depth": zero_or_more,
    "mlp_ratio": ratio,
    "attention_drop_rate": fraction,
    "drop_rate": fraction,
    "drop_path_rate": fraction,
    "qkv_bias": flag,
    "cls_token": flag,
    "qkv_projection_method": method,
    "padding_kv": zero_or_more,
    "padding_q": zero_or_more,
}


def cast(name: str, value: Any, stage: int) -> Any:
    """The value of one field in one stage, in the type that it has everywhere else. Raises ConfigError if it is invalid."""
    return CASTS.get(name, whole)(value, name, stage)


def _maps(mapping: Any, keys: type, values: type) -> bool:
    """Whether keys and values have these types already, as the labels of a copied config do."""
    return isinstance(mapping, dict) and set(map(type, mapping)) <= {keys} and set(map(type, mapping.values())) <= {values}


def label_names(id2label: Any) -> dict[int, str]:
    """The labels in order, from a dict, whose keys may be text as in JSON, or a list; an empty label becomes LABEL_i."""
    if _maps(id2label, int, str) and list(id2label) == list(range(len(id2label))):
        return {index: _label(index, label) for index, label in id2label.items()}
    if not is_list(id2label):
        raise ValueError(f"id2label must be names by number, such as {{0: 'cat', 1: 'dog'}}, not {shown(id2label)}.")
    pairs = id2label.items() if isinstance(id2label, dict) else enumerate(id2label)
    names = {int(index) if str(index).isdecimal() else index: label for index, label in pairs}
    if set(names) != set(range(len(names))):
        raise ValueError("id2label must number its labels 0, 1, 2, … without a gap.")
    return {index: _label(index, names[index]) for index in range(len(names))}


def _label(index: int, label: Any) -> str:
    if not isinstance(label, (str, Real)):
        raise ValueError(f"The label of class {index} must be text, not {shown(label)}.")
    label = str(label)
    if len(label) > LABEL_CHARACTERS:
        raise ValueError(f"The label of class {index} has {len(label)} characters: at most {LABEL_CHARACTERS} can be shown.")
    return label if label.strip() else f"LABEL_{index}"


def label_numbers(label2id: Any) -> dict[str, int]:
    """The class numbers by label; they may be text."""
    if isinstance(label2id, dict) and max((len(label) for label in label2id if isinstance(label, str)), default=0) > LABEL_CHARACTERS:
        raise ValueError(f"label2id has a label of more than {LABEL_CHARACTERS} characters.")
    if _maps(label2id, str, int) and min(label2id.values(), default=0) >= 0:
        return dict(label2id)
    if not isinstance(label2id, dict) or not all(str(index).isdecimal() for index in label2id.values()):
        raise ValueError(f"label2id must be numbers by name, such as {{'cat': 0, 'dog': 1}}, not {shown(label2id)}.")
    return {str(label): int(index) for label, index in label2id.items()}
