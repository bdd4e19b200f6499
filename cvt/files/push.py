"""Uploads to the Hugging Face Hub with huggingface_hub."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from ..fields import first_line


class Saved(Protocol):
    """Anything that can write itself into a folder."""

    def save_pretrained(self, save_directory: str | Path, **kwargs) -> Any: ...


def push_to_hub(what: Saved, repo_id: str, **options) -> Any:
    """Uploads a model, a config or a processor to a repository, created if missing.

    Args:
        repo_id: "owner/name", or a name alone for the token's owner.
        options: ``commit_message``, ``commit_description``, ``private``, ``token``, ``revision``, ``create_pr``, as in
            huggingface_hub; others go to ``save_pretrained``, for example ``max_shard_size``.
    Returns:
        huggingface_hub's ``CommitInfo``.
    Raises:
        ValueError: no network, or the token may not write to the repository.
    """
    for name in ("use_temp_dir", "tags"):  # transformers' options for temporary files and the model card
        options.pop(name, None)
    uploading = {name: options.pop(name) for name in push_folder.__kwdefaults__ or () if name in options}
    with tempfile.TemporaryDirectory() as folder:
        what.save_pretrained(folder, **options)
        return push_folder(folder, sorted(path.name for path in Path(folder).iterdir()), repo_id, **uploading)


def push_folder(
    folder: str | Path,
    names: Sequence[str],
    repo_id: str | None = None,
    *,
    commit_message: str | None = None,
    commit_description: str | None = None,
    private: bool | None = None,
    token: str | bool | None = None,
    revision: str | None = None,
    create_pr: bool = False,
) -> Any:
    """Uploads some files of a folder to ``repo_id``, by default a repository with the folder's name. As ``push_to_hub``."""
    import huggingface_hub as hub  # slow to import, so only when needed

    folder = Path(folder)
    api = hub.HfApi(token=token)
    try:
        repo_id = api.create_repo(repo_id or folder.resolve().name, private=private, exist_ok=True).repo_id
        if revision is not None and not create_pr:
            api.create_branch(repo_id, branch=revision, exist_ok=True)
        return api.create_commit(
            repo_id,
            [hub.CommitOperationAdd(path_in_repo=name, path_or_fileobj=folder / name) for name in names],
            commit_message=commit_message or f"Upload {', '.join(names)}",
            commit_description=commit_description,
            revision=revision,
            create_pr=create_pr,
        )
    except Exception as error:  # the network and several libraries can raise nearly anything
        raise ValueError(
            f"Nothing was uploaded to the Hugging Face Hub ({first_line(error)}). Check the token, the name and the network."
        ) from error
