"""Packs what is kept of the runs into archives of limited size: all records, the table, and the models of one seed."""

from __future__ import annotations

from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

from .family import SHIPPED_SEED
from .runs import RECORD, WEIGHTS
from .summary import TABLE, records

MOST_BYTES = 15 << 20  # of an archive, before compression
MODEL_FILES = ("config.json", "preprocessor_config.json", WEIGHTS)


def pack(folder: Path, into: Path) -> list[Path]:
    """Writes ``family-1.zip``, ``family-2.zip``, … into a folder; their files have the same paths as below ``folder``.

    Raises:
        ValueError: there is no finished run.
    """
    runs = [f"{run['member']}-{run['seed']}" for run in records(folder)]
    if not runs:
        raise ValueError(f"There is no finished run in {folder.name!r}.")
    files = [folder / TABLE, *(folder / name / RECORD for name in runs)]
    files += [folder / name / file for name in runs if name.endswith(f"-{SHIPPED_SEED}") for file in MODEL_FILES]
    parts: list[list[Path]] = [[]]
    for file in files:
        if parts[-1] and sum(each.stat().st_size for each in [*parts[-1], file]) > MOST_BYTES:
            parts.append([])
        parts[-1].append(file)
    into.mkdir(parents=True, exist_ok=True)
    archives = [into / f"family-{number}.zip" for number in range(1, len(parts) + 1)]
    for archive, part in zip(archives, parts, strict=True):
        with ZipFile(archive, "w", ZIP_DEFLATED) as packed:
            for file in part:
                packed.write(file, file.relative_to(folder))
    return archives
