"""Uploading to the Hugging Face Hub, by huggingface_hub."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from ..fields import first_line


class Saved(Protocol):
    """What can write itself into a folder."""

    def save_pretrained(self, save_directory: str | Path, **kwargs) -> Any: ...


def push_to_hub(what: Saved, repo_id: str, **options) -> Any:
    """Uploads a model, a config or a processor to a repository, which is made if it is missing.

    Args:
        repo_id: "somebody/name", or a name for the token's owner.
        options: ``commit_message``, ``commit_description``, ``private``, ``token``, ``revision``, ``create_pr``, as huggingface_hub
            takes them; others for ``save_pretrained``, for example ``max_shard_size``.
    Returns:
        huggingface_hub's ``CommitInfo``.
    Raises:
        ValueError: no network, or a repository that the token may not write to.
    """
    for name in ("use_temp_dir", "tags"):  # transformers': where it writes first, and words on the model's card
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
    """Uploads some files of a folder; the repository has the folder's name unless ``repo_id`` says another. As ``push_to_hub``."""
    import huggingface_hub as hub  # takes a while to import: only for those who need it

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
    except Exception as error:  # whatever the network and several libraries can raise
        raise ValueError(
            f"Nothing was uploaded to the Hugging Face Hub ({first_line(error)}). Check the token, the name and the network."
        ) from error
