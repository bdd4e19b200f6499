"""The generic half of ``CvtConfig``, as in every Hugging Face config: attributes, JSON, loading, saving.

Besides its fields, a config keeps any other values from a ``config.json`` or a program in ``extra``, and exposes them as
attributes. Attributes that change neither shapes nor results of a built model can be set; the architecture cannot.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ..fields import check_spelling, first_line, shown
from ..files.hub import Folder, Repository, locate
from ..files.options import WHERE, split_where
from ..files.push import push_folder, push_to_hub
from ..files.storage import CONFIG, check_folder, json_file, read_json, read_settings, replacing
from .claims import CLAIMS, makes_sense

ALIASES = {"use_return_dict": "return_dict", "torch_dtype": "dtype"}  # older name: name
# Attributes of every transformers config that are not fields of a CvT's.
COMMON = {"architectures": None, "dtype": None, "transformers_version": None, "is_encoder_decoder": False, "chunk_size_feed_forward": 0}
SWITCHES = {"output_hidden_states": False, "output_attentions": False, "return_dict": True, "problem_type": None}
SETTABLE = {*SWITCHES, "num_labels", "id2label", "label2id", "image_size", "initializer_range", "extra"}


class ConfigBase:
    """The generic half of ``CvtConfig``, which is a dataclass with the fields."""

    if TYPE_CHECKING:  # members of the dataclass
        __dataclass_fields__: ClassVar[dict[str, Any]]
        extra: dict[str, Any]

        def __init__(self, **values: Any): ...

    model_type = "cvt"
    attribute_map: dict[str, str] = {}  # noqa: RUF012 -- empty, as in transformers' CvtConfig
    base_config_key = ""
    is_composition = False
    sub_configs: dict[str, Any] = {}  # noqa: RUF012
    unsaved: ClassVar[dict[str, Any]] = {}  # fields that are left out of files while they have these values
    base_model_tp_plan = base_model_pp_plan = None  # plans to distribute a model over devices; a CvT has none

    def __getattr__(self, name: str) -> Any:
        # only called if there is no field or property of that name
        name = ALIASES.get(name, name)
        if name in type(self).__dataclass_fields__:
            return object.__getattribute__(self, name)
        extra = self.__dict__.get("extra", {})
        if name == "dtype" and isinstance(extra.get(name), str):
            import torch  # whoever reads this attribute needs PyTorch anyway

            return getattr(torch, extra[name], extra[name])
        if name in extra and not name.startswith("_"):
            return extra[name]
        if name in COMMON:
            return COMMON[name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}.")

    def __setattr__(self, name: str, value: Any) -> None:
        name = ALIASES.get(name, name)
        is_field = name in type(self).__dataclass_fields__
        if name.startswith("_"):
            object.__setattr__(self, name, value)
        elif name in self.settable:
            self.__dict__ |= {each.name: getattr(fresh, each.name) for fresh in [self.replace(**{name: value})] for each in fields(self)}
        elif is_field:
            if not self._is(name, value):
                raise AttributeError(
                    f"{name} is part of the architecture and cannot be set: config.replace({name}={shown(value)}) makes a new "
                    "config, from which to build a new model."
                )
        elif isinstance(attribute := getattr(type(self), name, None), property) and attribute.fset:
            object.__setattr__(self, name, value)
        elif hasattr(type(self), name):
            raise AttributeError(f"The attribute {name} of {type(self).__name__} cannot be set.")
        else:
            self.extra[name] = jsonable(value) if name == "dtype" else value

    @property
    def settable(self) -> set[str]:
        """Fields that can be set in place."""
        return SETTABLE

    def _is(self, name: str, value: Any) -> bool:
        """Whether a field already has this value, however it is written."""
        try:
            return getattr(self.replace(**{name: value}), name) == getattr(self, name)
        except ValueError:
            return False

    def __delattr__(self, name: str) -> None:
        if name.startswith("_"):
            object.__delattr__(self, name)
        elif name in self.extra:
            del self.extra[name]
        else:
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r} that can be deleted.")

    def __iter__(self) -> Iterator[str]:
        return iter(self.to_dict())

    def __repr__(self) -> str:
        return f"{type(self).__name__} {self.to_json_string()}"

    @property
    def name_or_path(self) -> str:
        """The argument of ``from_pretrained``; empty for a config that was not loaded. It is not saved."""
        return self.__dict__.get("_name_or_path", "")

    @name_or_path.setter
    def name_or_path(self, value: Any) -> None:
        self._name_or_path = str(value)

    def get_text_config(self, decoder: bool | None = None, encoder: bool | None = None) -> ConfigBase:
        """The config itself: it contains no config of a text model."""
        return self

    def update(self, values: Mapping[str, Any]) -> None:
        """Sets several attributes."""
        for name, value in values.items():
            setattr(self, name, value)

    def without_claims(self) -> ConfigBase:
        """This config, or a copy without claims about a model's accuracy."""
        if not any(name in self.extra for name in CLAIMS):
            return self
        return self.replace(extra={name: value for name, value in self.extra.items() if name not in CLAIMS})

    def to_dict(self) -> dict[str, Any]:
        """All values for JSON, in the form of a Hugging Face ``config.json`` (with ``extra`` at the top level)."""
        own = {each.name: jsonable(getattr(self, each.name)) for each in fields(self) if each.name != "extra"}
        own = {name: value for name, value in own.items() if name not in self.unsaved or value != self.unsaved[name]}
        own["id2label"] = {str(index): label for index, label in self.id2label.items()}
        del own["num_labels"]  # follows from id2label, as in Hugging Face's files
        return {**{name: jsonable(value) for name, value in self.extra.items()}, "model_type": self.model_type, **own}

    def to_diff_dict(self) -> dict[str, Any]:
        """``to_dict`` without values that were never set: switches of ``forward`` and the problem type."""
        return {name: value for name, value in self.to_dict().items() if name not in SWITCHES or value != SWITCHES[name]}

    def to_json_string(self, use_diff: bool = True) -> str:
        """The content of a ``config.json``: ``to_diff_dict``, or all of ``to_dict``.

        Raises:
            ValueError: an attribute that cannot be written as JSON.
        """
        try:
            return json.dumps(self.to_diff_dict() if use_diff else self.to_dict(), indent=2, ensure_ascii=False) + "\n"
        except (TypeError, ValueError, RecursionError) as error:
            raise ValueError(f"The config has an attribute that cannot be written as JSON: {first_line(error)}.") from error

    @classmethod
    def from_dict(cls, config_dict: Mapping[str, Any], **kwargs) -> Any:
        """Creates a config from the content of a ``config.json``; unknown keys become attributes.

        Args:
            kwargs: values that replace the file's. ``return_unused_kwargs=True`` returns (config, unused values).
        Raises:
            ValueError: another model's file, or an impossible architecture.
        """
        wanted_unused = kwargs.pop("return_unused_kwargs", False)
        values = dict(config_dict)
        kind = values.pop("model_type", cls.model_type)
        if kind != cls.model_type:
            raise ValueError(f"This config.json describes a {kind!r} model, not a CvT (model_type 'cvt').")
        known = set(cls.__dataclass_fields__)
        own = {name: value for name, value in values.items() if name in known and name != "extra"}
        if own.get("id2label") is not None:
            own.pop("num_labels", None)
        for name in SWITCHES:
            if own.get(name) is None:
                own.pop(name, None)
        extra = {name: value for name, value in values.items() if name not in own and name not in known and _is_said(name, value)}
        config = cls(**own, extra=extra)
        config.name_or_path = values.get("_name_or_path") or ""
        config, unused = config.overridden(kwargs)
        return (config, unused) if wanted_unused else config

    def overridden(self, values: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """A config with all ``values`` for which it has an attribute, including the architecture; and the other values."""
        values = {ALIASES.get(name, name): value for name, value in values.items()}
        known = type(self).__dataclass_fields__
        config = self.replace(**{name: value for name, value in values.items() if name in known})
        rest = {name: value for name, value in values.items() if name not in known}
        if (implementation := rest.pop("attn_implementation", None)) is not None:
            config._attn_implementation = implementation
        if rest.get("dtype") == "auto":
            del rest["dtype"]  # "auto" keeps the file's
        for name in [name for name in rest if not name.startswith("_") and hasattr(config, name)]:
            setattr(config, name, rest.pop(name))
        return config, rest

    @classmethod
    def accept(cls, config: Any) -> Any:
        """Returns a config of this class; a transformers config is converted.

        Raises:
            TypeError: anything else. ValueError: an impossible architecture.
        """
        if isinstance(config, cls):
            return config
        if getattr(config, "model_type", None) != cls.model_type or not callable(getattr(config, "to_dict", None)):
            raise TypeError(f"config must be a {cls.__name__}, such as {cls.__name__}.from_pretrained(...), not {type(config).__name__}.")
        values = config.to_dict() | {"_name_or_path": getattr(config, "name_or_path", ""), "transformers_version": None}
        translated = cls.from_dict(values)
        if (implementation := getattr(config, "_attn_implementation", None)) is not None:
            translated._attn_implementation = implementation
        return translated

    # --- files and the Hub -----------------------------------------------------------------------------------------------

    @classmethod
    def from_json_file(cls, json_file: str | Path) -> Any:
        """Reads the config in a JSON file. Raises ValueError as ``from_dict``, and if the file is missing or not JSON."""
        return cls.from_dict(read_json(Path(json_file)))

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: str | Path | None = None, **kwargs) -> Any:
        """Loads the config of the embedded model (no argument), a folder, a JSON file, a Hub id, or one of the authors' files.

        Args:
            kwargs: ``revision``, ``cache_dir``, ``local_files_only``, ``token``, ``subfolder``, ``force_download``, to find it; and
                values that replace the file's, for example ``num_labels=10``. Others are ignored, as in transformers, or with
                ``return_unused_kwargs=True`` returned: (config, others).
        Raises:
            ValueError: the config is missing, damaged or not for a CvT.
            TypeError: an option that looks like a misspelt one.
        """
        source, wanted_unused = pretrained_model_name_or_path, kwargs.pop("return_unused_kwargs", False)
        where = split_where(kwargs)
        if not wanted_unused:
            check_spelling(kwargs, {*cls.__dataclass_fields__, *WHERE}, "from_pretrained()")
        path = json_file(source)
        config = cls.from_json_file(path) if path else cls.at(locate(source, **where))
        config.name_or_path = "" if source is None else str(source)
        config, unused = config.overridden(kwargs)
        return (config, unused) if wanted_unused else config

    @classmethod
    def at(cls, files: Folder | Repository) -> Any:
        """Reads the config from the files of a checkpoint. Raises as ``from_pretrained``."""
        from ..files.described import config_values  # needs PyTorch, to infer a config from tensors

        return cls.from_dict(config_values(files))

    @classmethod
    def get_config_dict(cls, pretrained_model_name_or_path: str | Path | None = None, **kwargs) -> tuple[dict[str, Any], dict[str, Any]]:
        """The content of a ``config.json``, and the ``kwargs`` that are not about finding it."""
        kwargs.pop("return_unused_kwargs", None)
        where = split_where(kwargs)
        path = json_file(pretrained_model_name_or_path)
        if path is not None:
            return read_json(path), kwargs
        files = locate(pretrained_model_name_or_path, **where)
        values = None if files.weights else read_settings(files, CONFIG)
        return (cls.at(files).to_dict() if values is None else values), kwargs

    def to_json_file(self, json_file_path: str | Path, use_diff: bool = True) -> None:
        """Writes ``to_json_string`` to a file atomically."""
        content = self.to_json_string(use_diff)
        with replacing(Path(json_file_path)) as temporary:
            temporary.write_text(content, encoding="utf-8")

    def save_pretrained(self, save_directory: str | Path, push_to_hub: bool = False, **kwargs) -> None:
        """Writes ``config.json`` into a folder, created if missing; ``kwargs`` as in ``push_to_hub``."""
        self.to_json_file(check_folder(save_directory) / CONFIG)
        if push_to_hub:
            push_folder(save_directory, [CONFIG], **kwargs)

    def push_to_hub(self, repo_id: str, **kwargs) -> Any:
        """Uploads ``config.json`` to a repository on the Hub, created if missing; see ``push.push_to_hub``."""
        return push_to_hub(self, repo_id, **kwargs)


def jsonable(value: Any) -> Any:
    """Converts tuples to lists and PyTorch dtypes to their names; returns anything else unchanged."""
    if isinstance(value, tuple):
        return [jsonable(each) for each in value]
    if type(value).__module__ == "torch" and type(value).__name__ == "dtype":
        return str(value).removeprefix("torch.")
    return value


def _is_said(name: str, value: Any) -> bool:
    """Whether a key of a file becomes an attribute: not one in every file, not a private name, not an invalid claim."""
    if name.startswith("_") or name == "extra" or (name in COMMON and value == COMMON[name]):
        return False
    return name not in CLAIMS or makes_sense(value)
