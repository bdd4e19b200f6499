"""The image processor as JSON, in files and on the Hub: what every image processor of Hugging Face's has."""

from __future__ import annotations

import json
import tempfile
from dataclasses import fields
from pathlib import Path
from typing import Any

from .fields import nearest_name, shown, unexpected_argument

FILE = "preprocessor_config.json"
HUB = ("revision", "cache_dir", "local_files_only", "token", "subfolder", "force_download")
# What transformers takes when it loads a processor, and what has no meaning here: there is one kind, and it runs no code of others.
WITHOUT_MEANING = ("use_fast", "backend", "trust_remote_code", "code_revision", "proxies", "resume_download", "user_agent")
# Settings of other image processors, or of the faster one, that change nothing about a CvT's pictures in transformers either.
IGNORED = ("do_pad", "pad_size", "default_to_square", "disable_grouping", "image_seq_length")
_ALWAYS_SAVED = 9  # the fields that every preprocessor_config.json of a CvT has; those after them only where they were changed


class ProcessorFiles:
    """Reading and writing of a dataclass of settings, ``CvtImageProcessor``."""

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
        from .checkpoint import write_json  # checkpoint.py imports the processor

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
        kind = values.get("image_processor_type") or values.get("feature_extractor_type") or "ConvNext"
        if not str(kind).startswith(("ConvNext", "Cvt")):
            raise ValueError(
                f"This preprocessor_config.json is for a {kind}, which does not prepare pictures as CvT's ConvNextImageProcessor."
            )
        names = cls.setting_names()
        refuse_misspelt(f"{cls.__name__}.from_pretrained", overrides, (*names, *HUB, *WITHOUT_MEANING, *IGNORED))
        own = {name: value for name, value in {**values, **overrides}.items() if name in names}
        processor = cls(**own, extra={name: value for name, value in values.items() if name not in names})
        unused = {name: value for name, value in overrides.items() if name not in (*names, *WITHOUT_MEANING)}
        return (processor, unused) if return_unused_kwargs else processor

    @classmethod
    def from_json_file(cls, json_file: str | Path) -> Any:
        """The processor of a JSON file.

        Raises:
            ValueError: there is none, or it holds no settings.
        """
        path = Path(json_file)
        try:
            values = json.loads(path.read_bytes())
        except OSError as error:
            raise ValueError(f"There is no file {shown(path.name)} that can be read.") from error
        except (ValueError, RecursionError) as error:  # not UTF-8, not JSON, or brackets without end
            raise ValueError(f"{path.name} cannot be used: it is damaged, it is not JSON.") from error
        if not isinstance(values, dict):
            raise ValueError(f"{path.name} cannot be used: it holds no settings.")
        return cls.from_dict(values)

    @classmethod
    def get_image_processor_dict(cls, pretrained_model_name_or_path: str | Path | None = None, **options: Any) -> tuple[dict, dict]:
        """(the settings of a processor, the options that say nothing of where it is)."""
        from .checkpoint import load_processor

        hub = {name: options.pop(name) for name in HUB if name in options}
        source = pretrained_model_name_or_path
        if source is not None and Path(source).suffix == ".json":
            return cls.from_json_file(source).to_dict(), options
        return load_processor(source, **hub).to_dict(), options

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: str | Path | None = None, **options: Any) -> Any:
        """The processor of the embedded model (no argument), a folder, a JSON file, or a Hub id; see ``checkpoint.py``.

        Args:
            options: ``revision``, ``cache_dir``, ``local_files_only``, ``token``, ``subfolder`` and ``force_download`` for a
                Hub id; settings to use instead of the file's, such as ``size=384``; and as in ``from_dict``.
        """
        values, options = cls.get_image_processor_dict(pretrained_model_name_or_path, **options)
        return cls.from_dict(values, **options)

    def save_pretrained(self, save_directory: str | Path, push_to_hub: bool = False, **options: Any) -> list[str]:
        """Writes ``preprocessor_config.json`` into a folder, made if it is missing, and says where.

        Args:
            push_to_hub: also upload it to ``repo_id``, or to a repository of the folder's name.
            options: of ``push_to_hub``.
        """
        path = Path(save_directory) / FILE
        if path.parent.is_file():
            raise ValueError(f"{shown(path.parent.name)} is a file: the processor is saved into a folder.")
        self.to_json_file(path)
        if push_to_hub:
            self.push_to_hub(options.pop("repo_id", path.parent.resolve().name), **options)
        return [str(path)]

    def push_to_hub(
        self,
        repo_id: str,
        *,
        commit_message: str | None = None,
        commit_description: str | None = None,
        private: bool | None = None,
        token: str | bool | None = None,
        revision: str | None = None,
        create_pr: bool = False,
        **_: Any,
    ) -> Any:
        """Uploads ``preprocessor_config.json`` to a repository on the Hub, made if it is missing; arguments as huggingface_hub's."""
        import huggingface_hub  # takes a while to import

        repo_id = huggingface_hub.create_repo(repo_id, private=private, token=token, exist_ok=True).repo_id
        with tempfile.TemporaryDirectory() as folder:
            self.save_pretrained(folder)
            return huggingface_hub.upload_folder(
                repo_id=repo_id,
                folder_path=folder,
                commit_message=commit_message or "Upload image processor",
                commit_description=commit_description,
                token=token,
                revision=revision,
                create_pr=create_pr,
            )


def refuse_misspelt(function: str, given: dict[str, Any], known: tuple[str, ...]) -> None:
    """Other names are nobody's business, but one that is nearly a setting's would change nothing, silently."""
    for name in given:
        if name not in known and nearest_name(name, known):
            raise unexpected_argument(function, name, known)


def _copied(value: Any) -> Any:
    return value.copy() if isinstance(value, (dict, list)) else value
