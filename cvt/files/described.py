"""What the files of a checkpoint say of its config and its image processor, as values for those classes."""

from __future__ import annotations

from typing import Any

from . import microsoft
from .hub import CheckpointError, Folder, Repository
from .names import MICROSOFT, table_of, to_ours
from .storage import CONFIG, PROCESSOR, read_settings
from .tensors import read_tensors


def config_values(files: Folder | Repository) -> dict[str, Any]:
    """The content of the ``config.json`` among ``files``, or what the authors' tensors tell.

    Raises:
        ValueError: there is neither, or it is damaged.
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
    """The content of the ``preprocessor_config.json`` among ``files``, or how the authors prepare pictures for theirs.

    Raises:
        ValueError: there is none and the weights are not the authors', or it is damaged.
    """
    values = read_settings(files, PROCESSOR)
    if values is not None:
        return values
    if files.weights is not None and table_of(read_tensors(files, files.weights)) is MICROSOFT:
        return microsoft.processor_values(files.weights)
    raise ValueError(
        f"There is no {PROCESSOR} in {files.label}: it says how the model's pictures are prepared. "
        'CvtImageProcessor(size=224).save_pretrained("FOLDER") makes one, with your own numbers.'
    )
