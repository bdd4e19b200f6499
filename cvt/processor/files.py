"""The image processor as JSON, in files and on the Hub: what every image processor of Hugging Face's has."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ..fields import check_spelling
from ..files.described import processor_values
from ..files.hub import locate
from ..files.options import WHERE, split_where
from ..files.push import push_folder, push_to_hub
from ..files.storage import PROCESSOR, check_folder, read_json, write_json

# What transformers takes when it loads a processor, and what has no meaning here: there is one kind, which runs no other's code.
WITHOUT_MEANING = ("use_fast", "backend", "user_agent", "image_processor_filename")
# Settings of other image processors, or of the faster one, that change nothing about a CvT's pictures in transformers either.
IGNORED = ("do_pad", "pad_size", "default_to_square", "disable_grouping", "image_seq_length")
KINDS = ("image_processor_type", "feature_extractor_type")  # the class that a file is for, and what that was called before
_ALWAYS_SAVED = 9  # the fields that every preprocessor_config.json of a CvT has; those after them only where they were changed


class ProcessorFiles:
    """Reading and writing of a dataclass of settings, ``CvtImageProcessor``."""

    if TYPE_CHECKING:  # what the dataclass has
        __dataclass_fields__: ClassVar[dict[str, Any]]
        resample: int
        extra: dict[str, Any]

        def __init__(self, **settings: Any): ...

    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON values, in the form of a Hugging Face ``preprocessor_config.json``."""
        settings = [each for each in fields(self) if each.name != "extra"]
        changed = [each for index, each in enumerate(settings) if index < _ALWAYS_SAVED or getattr(self, each.name) != each.default]
        own = {each.name: _copied(getattr(self, each.name)) for each in changed}
        own["resample"] = int(self.resample)
        return {"image_processor_type": "ConvNextImageProcessor", **self.extra, **own}

    def to_json_string(self) -> str:
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False, default=str) + "\n"

    def to_json_file(self, json_file_path: str | Path) -> None:
        write_json(Path(json_file_path), self.to_dict())

    def __repr__(self) -> str:
        return f"{type(self).__name__} {self.to_json_string()}"

    @classmethod
    def setting_names(cls) -> tuple[str, ...]:
        return tuple(each.name for each in fields(cls) if each.name != "extra")

    @classmethod
    def from_dict(cls, image_processor_dict: dict[str, Any], return_unused_kwargs: bool = False, **overrides: Any) -> Any:
        """The processor of a ``preprocessor_config.json``'s content; keys that mean nothing here go into ``extra``.

        Args:
            overrides: settings to use instead of those of the content. Other names are ignored, as transformers does.
            return_unused_kwargs: also return a dict of those that were ignored.
        Raises:
            ValueError: the settings of a processor that prepares pictures in another way.
            TypeError: an override whose name is nearly that of a setting.
        """
        values = dict(image_processor_dict)
        kind = next(filter(None, map(values.get, KINDS)), "ConvNext")
        if not str(kind).startswith(("ConvNext", "Cvt")):
            raise ValueError(
                f"This preprocessor_config.json is for a {kind}, which does not prepare pictures as CvT's ConvNextImageProcessor."
            )
        names = cls.setting_names()
        if not return_unused_kwargs:
            check_spelling(overrides, {*names, *WHERE, *WITHOUT_MEANING, *IGNORED}, f"{cls.__name__}.from_pretrained()")
        own = {name: value for name, value in {**values, **overrides}.items() if name in names}
        processor = cls(**own, extra={name: value for name, value in values.items() if name not in names})
        unused = {name: value for name, value in overrides.items() if name not in (*names, *WITHOUT_MEANING)}
        return (processor, unused) if return_unused_kwargs else processor

    @classmethod
    def from_json_file(cls, json_file: str | Path) -> Any:
        """The processor of a JSON file. Raises ValueError where there is none, or none of a CvT's."""
        return cls.from_dict(read_json(Path(json_file)))

    @classmethod
    def get_image_processor_dict(cls, pretrained_model_name_or_path: str | Path | None = None, **options: Any) -> tuple[dict, dict]:
        """(the settings of a processor, the options that do not tell where it is)."""
        source, where = pretrained_model_name_or_path, split_where(options)
        if source is not None and Path(source).suffix == ".json":
            return cls.from_json_file(source).to_dict(), options
        return cls.from_dict(processor_values(locate(source, **where))).to_dict(), options

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: str | Path | None = None, **options: Any) -> Any:
        """The processor of the embedded model (no argument), a folder, a JSON file, a Hub id, or a file of the authors'.

        Args:
            options: ``revision``, ``cache_dir``, ``local_files_only``, ``token``, ``subfolder`` and ``force_download``, to find
                it; settings to use instead of the file's, such as ``size=384``; and as in ``from_dict``.
        """
        values, options = cls.get_image_processor_dict(pretrained_model_name_or_path, **options)
        return cls.from_dict(values, **options)

    def save_pretrained(self, save_directory: str | Path, push_to_hub: bool = False, **options: Any) -> list[str]:
        """Writes ``preprocessor_config.json`` into a folder, made if it is missing, and says where.

        Args:
            push_to_hub: also upload it to the repository ``repo_id``, or one of the folder's name; ``options`` as for that.
        """
        path = check_folder(save_directory) / PROCESSOR
        self.to_json_file(path)
        if push_to_hub:
            push_folder(path.parent, [PROCESSOR], **options)
        return [str(path)]

    def push_to_hub(self, repo_id: str, **options: Any) -> Any:
        """Uploads what ``save_pretrained`` writes to a repository on the Hub; see ``push.push_to_hub`` for options."""
        return push_to_hub(self, repo_id, **options)


def _copied(value: Any) -> Any:
    return value.copy() if isinstance(value, (dict, list)) else value
