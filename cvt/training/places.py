"""Where a training writes: checked before it starts, so that nothing is lost that took hours."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path


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


def make_folder(out: Path) -> None:
    """Makes the folder and tries to write into it."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=out):
            pass
    except OSError as error:
        raise ValueError(f"Nothing can be written into {out.name!r} ({error.strerror}): choose another --out.") from error
