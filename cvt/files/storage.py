"""Local files: written atomically, and read with clear errors."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..fields import shown

if TYPE_CHECKING:
    from .hub import Folder, Repository

CONFIG, PROCESSOR = "config.json", "preprocessor_config.json"  # as Hugging Face names them


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yields a temporary file to write, which then replaces ``path`` atomically."""
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
    """Writes a JSON file atomically."""
    with replacing(Path(path)) as temporary:
        temporary.write_text(json.dumps(values, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def read_json(path: Path) -> dict[str, Any]:
    """The settings in a JSON file.

    Raises:
        ValueError: no such file, not JSON, or not an object of settings.
    """
    if not path.is_file():
        raise ValueError(f"There is no readable file {shown(path.name)}.")
    try:
        return parsed(path)
    except ValueError as error:
        raise ValueError(f"{path.name} cannot be used: {error}.") from error


def parsed(path: Path) -> dict[str, Any]:
    """The settings in an existing JSON file; the ValueError says briefly what is wrong with it."""
    try:
        values = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:  # not UTF-8, not JSON, or nested too deeply
        raise ValueError("it is damaged (not valid JSON)") from error
    if not isinstance(values, dict):
        raise ValueError("it contains no settings")
    return values


def check_folder(path: str | Path) -> Path:
    """The path of a folder that exists or can be created. Raises ValueError if it is a file."""
    path = Path(path)
    if path.is_file():
        raise ValueError(f"{shown(path.name)} is a file: give a folder to save to.")
    return path


def json_file(source: str | Path | None) -> Path | None:
    """The JSON file that ``source`` names; None if it does not name one."""
    try:
        path = Path(source or "").expanduser()
        return path if path.suffix == ".json" and path.is_file() else None
    except (OSError, ValueError, RuntimeError, TypeError):
        return None  # not a valid file name


def read_settings(files: Folder | Repository, name: str) -> dict[str, Any] | None:
    """The settings in one of ``files``; None if there is no such file.

    A file that is damaged in the Hub's cache is downloaded again, once.
    """
    path = files.find(name)
    if path is None:
        return None
    try:
        return parsed(path)
    except ValueError as error:
        rejected = files.reject(path, str(error))
        if path.exists():
            raise rejected from error
    try:
        again = files.find(name)
        return None if again is None else parsed(again)
    except ValueError:
        raise rejected from None
