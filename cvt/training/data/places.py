"""Checks where results are written before the work starts, so that hours of work are not lost."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile

from safetensors import SafetensorError

from .listing import check_name

UNWRITTEN = (OSError, SafetensorError)


def expanded(path: str | Path) -> Path:
    """The path with ~ as the home folder."""
    try:
        return Path(path).expanduser()
    except RuntimeError:  # no such user, so it is a folder's name
        return Path(path)


def path_argument(text: str) -> Path:
    """A path given on the command line."""
    if not text.strip():
        raise argparse.ArgumentTypeError("an empty name: give a folder or a file")
    return expanded(text)


def reason(error: Exception) -> str:
    """Why something could not be written or read, briefly and without its path."""
    return getattr(error, "strerror", None) or ("there may be too little space" if isinstance(error, SafetensorError) else str(error))


def check_apart(out: Path, option: str, data: Path, **sources: str | Path | None) -> None:
    """Refuses an ``out`` inside ``data``, where it would be taken for a class, or that would overwrite one of the ``sources``.

    Args:
        option: the option that gives ``out``. sources: models as ``from_pretrained`` takes them, by option.
    """
    if data.resolve() in (out.resolve(), *out.resolve().parents):
        raise ValueError(f"{option} is inside --data, where it would be taken for a class: choose another {option}.")
    for name, source in sources.items():
        if source not in (None, "embedded") and expanded(source).resolve() == out.resolve():
            raise ValueError(f"{option} is the folder of --{name}, which would be overwritten: choose another {option}.")


@contextmanager
def writing(path: Path, option: str) -> Iterator[None]:
    """Turns OSError into a ValueError: nothing can be written to an option's ``path``."""
    try:
        yield
    except UNWRITTEN as error:
        raise ValueError(f"Nothing can be written to {path.absolute().name!r} ({reason(error)}): choose another {option}.") from error


def check_writable(path: Path, option: str, folder: bool) -> None:
    """Refuses a file or ``folder`` that cannot be written, and leaves nothing behind."""
    name = path.absolute().name
    check_name(str(path.absolute()))
    with writing(path, option):
        if folder and path.is_file():
            raise ValueError(f"{option} is a file, {name!r}: give a folder.")
        if not folder and path.is_dir():
            raise ValueError(f"{option} is a folder, {name!r}: give a file, such as table.csv.")
        start = path.absolute() if folder else path.absolute().parent
        there = next(each for each in (start, *start.parents) if each.exists())
        with TemporaryFile(dir=there):
            pass
