"""What the Dockerfile says. Docker itself is not needed: its instructions are read, and its files are copied."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

from tests.helpers import ROOT


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions as (name, the rest), without comments."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    lines = [line for line in text.replace("\\\n", " ").splitlines() if line and not line.startswith("#")]
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in lines)]


STEPS = instructions()


def of(name: str) -> list[str]:
    return [rest for other, rest in STEPS if other == name]


def copied() -> list[tuple[str, str]]:
    """What is copied, and where to."""
    return [tuple(shlex.split(each)) for each in of("COPY")]


def copy_into(folder: Path) -> None:
    """Makes the folder that the image has, with what Python has compiled, which saves seconds."""
    for source, place in copied():
        copy = shutil.copytree if (ROOT / source).is_dir() else shutil.copy
        copy(ROOT / source, folder / place)
