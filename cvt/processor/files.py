"""Loads and saves an image processor as JSON, in files and on the Hub, with Hugging Face's methods."""

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

# Arguments that transformers takes to load a processor and that have no effect here: there is one kind, without remote code.
WITHOUT_MEANING = ("use_fast", "backend", "user_agent", "image_processor_filename")
# Settings of other image processors, or of the faster one, that do not affect a CvT's pictures in transformers either.
IGNORED = ("do_pad", "pad_size", "default_to_square", "disable_grouping", "image_seq_length")
KINDS = ("image_processor_type", "feature_extractor_type")  # the class that a file is for, and the older key
_ALWAYS_SAVED = 9  # fields that every CvT's preprocessor_config.json has; the others are saved only if changed


class ProcessorFiles:
    """Loading and saving for ``CvtImageProcessor``, a dataclass of settings."""

    if TYPE_CHECKING:  # members of the dataclass
        __dataclass_fields__: ClassVar[dict[str, Any]]
        resample: int
        extra: dict[str, Any]

        def __init__(self, **settings: Any): ...

    def to_dict(self) -> dict[str, Any]:
        """All settings as JSON values, in the form of a Hugging Face ``preprocessor_config.json``."""
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
        """Creates a processor from the content of a ``preprocessor_config.json``; unknown keys go into ``extra``.

        Args:
            overrides: settings that replace those in the file. Unknown names are ignored, as in transformers.
            return_unused_kwargs: also return a dict of the ignored ones.
        Raises:
            ValueError: the settings are for a different kind of processor.
            TypeError: an override that looks like a misspelt setting.
        """
        values = dict(image_processor_dict)
        kind = next(filter(None, map(values.get, KINDS)), "ConvNext")
        if not str(kind).startswith(("ConvNext", "Cvt")):
            raise ValueError(
                f"This preprocessor_config.json is for a {kind}, but a CvT needs a ConvNextImageProcessor or CvtImageProcessor."
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
        """Creates a processor from a JSON file. Raises ValueError if there is no such file, or as ``from_dict``."""
        return cls.from_dict(read_json(Path(json_file)))

    @classmethod
    def get_image_processor_dict(cls, pretrained_model_name_or_path: str | Path | None = None, **options: Any) -> tuple[dict, dict]:
        """(the settings of a processor, the options that are not about finding it)."""
        source, where = pretrained_model_name_or_path, split_where(options)
        if source is not None and Path(source).suffix == ".json":
            return cls.from_json_file(source).to_dict(), options
        return cls.from_dict(processor_values(locate(source, **where))).to_dict(), options

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: str | Path | None = None, **options: Any) -> Any:
        """Loads the processor of the embedded model (no argument), a folder, a JSON file, a Hub id, or one of the authors' files.

        Args:
            options: ``revision``, ``cache_dir``, ``local_files_only``, ``token``, ``subfolder`` and ``force_download``, to find
                it; settings that replace the file's, such as ``size=384``; and as in ``from_dict``.
        """
        values, options = cls.get_image_processor_dict(pretrained_model_name_or_path, **options)
        return cls.from_dict(values, **options)

    def save_pretrained(self, save_directory: str | Path, push_to_hub: bool = False, **options: Any) -> list[str]:
        """Writes ``preprocessor_config.json`` into a folder, created if missing, and returns its path.

        Args:
            push_to_hub: also upload it to the repository ``repo_id``, by default one with the folder's name; with ``options``.
        """
        path = check_folder(save_directory) / PROCESSOR
        self.to_json_file(path)
        if push_to_hub:
            push_folder(path.parent, [PROCESSOR], **options)
        return [str(path)]

    def push_to_hub(self, repo_id: str, **options: Any) -> Any:
        """Uploads what ``save_pretrained`` writes to a repository on the Hub; for options see ``push.push_to_hub``."""
        return push_to_hub(self, repo_id, **options)


def _copied(value: Any) -> Any:
    return value.copy() if isinstance(value, (dict, list)) else value
