"""Where results are written: checked before the work starts, so that nothing is lost that took hours."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile

from safetensors import SafetensorError


def place(text: str) -> Path:
    """A path that was given on the command line, with ~ for the home folder."""
    if not text.strip():
        raise argparse.ArgumentTypeError("an empty name: give a folder or a file")
    return Path(text).expanduser()


def check_places(data: Path, out: Path, **sources: str | None) -> None:
    """Refuses an ``out`` whose folder would be taken for pictures of ``data``, or that would overwrite one of the ``sources``.

    Args:
        sources: by the option that names them, models as ``from_pretrained`` takes them.
    """
    if data.resolve() in (out.resolve(), *out.resolve().parents):
        raise ValueError("--out is inside --data, where its folder would be taken for a class: choose another --out.")
    for option, source in sources.items():
        if source is not None and Path(source).expanduser().resolve() == out.resolve():
            raise ValueError(f"--out is the folder of --{option}, which would be overwritten: choose another --out.")


@contextmanager
def writing(path: Path, option: str) -> Iterator[None]:
    """Says in a sentence that nothing can be written to the ``path`` of an option."""
    try:
        yield
    except (OSError, SafetensorError) as error:
        reason = getattr(error, "strerror", None) or "there may be too little space"
        raise ValueError(f"Nothing can be written into {path.absolute().name!r} ({reason}): choose another {option}.") from error


def check_place(path: Path, option: str, folder: bool) -> None:
    """Refuses a file or ``folder`` that cannot be written, before anything is measured, and leaves nothing behind."""
    name = path.absolute().name
    with writing(path, option):
        if folder and path.is_file():
            raise ValueError(f"{option} names a file, {name!r}: it takes the name of a folder.")
        if not folder and path.is_dir():
            raise ValueError(f"{option} names a folder, {name!r}: it takes the name of a file, such as table.csv.")
        above = path.absolute().parents
        there = next(each for each in ((path.absolute(), *above) if folder else above) if each.exists())
        with TemporaryFile(dir=there):
            pass


def make_folder(out: Path) -> None:
    """Makes the folder and tries to write into it."""
    with writing(out, "--out"):
        out.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=out):
            pass
