"""Reads the settings of a checkpoint's config and image processor from its files."""

from __future__ import annotations

from typing import Any

from . import microsoft
from .hub import CheckpointError, Folder, Repository
from .names import MICROSOFT, table_of, to_ours
from .storage import CONFIG, PROCESSOR, read_settings
from .tensors import read_tensors


def config_values(files: Folder | Repository) -> dict[str, Any]:
    """The content of ``config.json`` among ``files``, or the architecture inferred from the authors' tensors.

    Raises:
        ValueError: neither exists, or the file is damaged.
    """
    if files.weights is not None:
        state = read_tensors(files, files.weights)
        if table_of(state) is MICROSOFT:
            return microsoft.config_values({to_ours(name, MICROSOFT): value for name, value in state.items()}, files.weights)
    values = read_settings(files, CONFIG)
    if values is None:
        raise CheckpointError(f"There is no {CONFIG} in {files.label}: give the architecture as config=CvtConfig(...).")
    return values


def processor_values(files: Folder | Repository) -> dict[str, Any]:
    """The content of ``preprocessor_config.json`` among ``files``, or the authors' own preprocessing for their weights.

    Raises:
        ValueError: the file is damaged, or missing and the weights are not the authors'.
    """
    values = read_settings(files, PROCESSOR)
    if values is not None:
        return values
    if files.weights is not None and table_of(read_tensors(files, files.weights)) is MICROSOFT:
        return microsoft.processor_values(files.weights)
    raise ValueError(
        f"There is no {PROCESSOR} in {files.label}: it says how pictures are prepared for the model. "
        'CvtImageProcessor(size=224).save_pretrained("FOLDER") writes one; give your model\'s settings.'
    )
