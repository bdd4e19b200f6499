"""Pictures in parquet files, in Hugging Face's layout: columns ``image`` ({bytes}) and ``label``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from .listing import Listing, check_name, class_names


def parquet_files(path: Path, name: str = "") -> list[Path]:
    """Parquet files whose names begin with this, in any case, in a folder or, as on the Hub, in its folder "data"."""
    for folder in (path, path / "data"):
        found = [file for file in sorted(folder.glob("*.parquet")) if not file.name.startswith(".")]
        if chosen := [file for file in found if file.name.lower().startswith(name)]:
            return chosen
    return []


def from_parquet(files: list[Path]) -> Listing:
    """All pictures of these files.

    Raises:
        ValueError: a file that cannot be read or has another layout, labels without a class, or no class names.
    """
    try:
        import pyarrow
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise ValueError("Reading parquet files needs pyarrow: run 'pip install pyarrow'.") from error
    for file in files:
        check_name(file.name)
    try:
        for file in files:
            _check_columns(file, parquet.read_schema(file), pyarrow)
            _check_bytes(file, parquet.read_metadata(file))
        columns = [parquet.read_table(file, columns=["label"])["label"].to_pylist() for file in files]
        classes = _class_names(files[0], parquet.read_schema(files[0]).metadata or {})
    except PermissionError as error:
        raise ValueError(f"The parquet files of {files[0].parent.name!r} cannot be read: you need permission to read them.") from error
    except (pyarrow.ArrowException, OSError) as error:
        raise ValueError(f"The parquet files of {files[0].parent.name!r} cannot be read: one of them is damaged or incomplete.") from error
    for file, labels in zip(files, columns, strict=True):
        for row, label in enumerate(labels):
            if label is None or not 0 <= label < len(classes):
                raise ValueError(
                    f"Row {row} of {file.name!r} has the label {label}, but there are {len(classes)} classes, 0 to {len(classes) - 1}."
                )

    def walk() -> Iterator[bytes]:
        for file in files:
            try:
                for batch in parquet.ParquetFile(file).iter_batches(batch_size=256, columns=["image"]):
                    yield from ((row or {}).get("bytes") or b"" for row in batch["image"].to_pylist())
            except (pyarrow.ArrowException, OSError) as error:
                raise ValueError(f"{file.name!r} cannot be read completely: it is damaged or incomplete.") from error

    return Listing(
        classes=classes,
        names=tuple(f"{file.name}:{row}" for file, labels in zip(files, columns, strict=True) for row in range(len(labels))),
        labels=tuple(label for labels in columns for label in labels),
        walk=walk,
    )


def _check_columns(file: Path, schema, pyarrow) -> None:
    types = {field.name: field.type for field in schema}
    image = types.get("image")
    if image is None or not pyarrow.types.is_struct(image) or image.get_field_index("bytes") < 0:
        raise ValueError(f"{file.name!r} has no column 'image' with bytes: it must be in the layout of a Hugging Face image data set.")
    if not pyarrow.types.is_integer(types.get("label", pyarrow.null())):
        raise ValueError(
            f"{file.name!r} has no column 'label' of whole numbers: it must be in the layout of a Hugging Face image data set."
        )


def _check_bytes(file: Path, metadata) -> None:
    """Refuses a file that contains its pictures' paths but not the pictures, as far as its statistics show."""
    missing = 0
    for index in range(metadata.num_row_groups):
        group = metadata.row_group(index)
        columns = (group.column(number) for number in range(group.num_columns))
        statistics = next((each.statistics for each in columns if each.path_in_schema == "image.bytes"), None)
        missing += (statistics.null_count or 0) if statistics is not None else 0
    if metadata.num_rows and missing == metadata.num_rows:
        raise ValueError(
            f"{file.name!r} contains the pictures' paths, not the pictures: give the folder of pictures, with one folder per class, "
            f"or a file with the pictures' bytes."
        )


def _class_names(file: Path, metadata: dict[bytes, bytes]) -> tuple[str, ...]:
    """Names from Hugging Face's own metadata, else from ``classes.json``: strings, or objects with ``names``."""
    beside = file.parent / "classes.json"
    try:
        features = json.loads(metadata.get(b"huggingface", b"{}")).get("info", {}).get("features", {})
        if names := features.get("label", {}).get("names"):
            return class_names(map(str, names), file.name)
        if not beside.exists():
            raise ValueError(f"{file.name!r} does not name its classes: put a classes.json with their names next to it.")
        listed = json.loads(beside.read_text(encoding="utf-8"))
        return class_names((each if isinstance(each, str) else each["names"] for each in listed), beside.name)
    except (json.JSONDecodeError, UnicodeDecodeError, AttributeError, TypeError, KeyError) as error:
        raise ValueError(f"The class names of {file.name!r} cannot be read: its metadata or its classes.json is damaged.") from error
