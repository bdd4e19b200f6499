"""Locates the files of a checkpoint: in a folder, as a single file, or in a repository on the Hugging Face Hub.

Both kinds have ``find``; failures are a CheckpointError with a message for the user. huggingface_hub downloads, resumes
interrupted downloads and keeps a cache. It compares only sizes, so checksums are compared here.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path

from ..fields import first_line, shown
from .download import DownloadStopped, download

EMBEDDED = Path(__file__).parents[1] / "weights"
ABLATIONS = Path(__file__).parents[1] / "ablations" / "weights"  # a folder for each member of the family
_MEMBER = re.compile("ablations/([a-z0-9-]+)")
_COMMIT = re.compile("[0-9a-f]{40}")
LARGE = (".safetensors", ".bin")  # files whose download, once stopped, goes on where it stopped
_REPOSITORY_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")


class CheckpointError(OSError, ValueError):
    """A checkpoint is missing or cannot be used. Also an OSError, which transformers raises in the same cases."""


class Unreachable(CheckpointError):
    """A file is not on this machine, and the Hub does not answer."""


class Offline(CheckpointError):
    """A file is not on this machine, and nothing may be downloaded."""


class Withheld(CheckpointError):
    """The Hub has no such repository, or does not show it to whoever asks."""


@dataclass
class Folder:
    """Files on this machine; ``weights`` is set if a file was named instead of a folder."""

    path: Path
    label: str
    weights: Path | None = None

    def find(self, *names: str) -> Path | None:
        """The first of these files that exists."""
        return next((self.path / name for name in names if (self.path / name).is_file()), None)

    def reject(self, path: Path, reason: str) -> CheckpointError:
        """The error for a file that cannot be used."""
        return CheckpointError(f"{path.name} in {self.label} cannot be used: {reason}.")


@dataclass
class Repository:
    """A model repository on the Hub. The first file found fixes the commit, so that all files belong together."""

    name: str
    revision: str | None = None
    cache_dir: str | Path | None = None
    local_files_only: bool = False
    token: str | bool | None = None
    subfolder: str = ""
    force_download: bool = False
    weights: None = None
    _answered: bool | None = field(default=None, repr=False)
    _fetched: set[str] = field(default_factory=set, repr=False)  # already downloaded by force, not to be downloaded again

    @property
    def label(self) -> str:
        return f"{self.name!r} on the Hugging Face Hub"

    def find(self, *names: str) -> Path | None:
        """The first of these files that the repository has, downloaded if it is not in the cache.

        Raises:
            ValueError: no such repository or revision, no network, or a download that failed or arrived damaged.
        """
        from huggingface_hub import constants  # slow to import, so only when needed
        from huggingface_hub.errors import LocalEntryNotFoundError

        unreachable = None
        for name in names:
            try:
                path = self._cached_or_downloaded(name)
            except LocalEntryNotFoundError as error:
                unreachable = error
                continue
            if path is not None:
                self.revision = path.parents[len(Path(self.subfolder).parts)].name  # …/snapshots/<commit>/<subfolder>/<file>
                return path
        if unreachable is None:
            return None
        if self.local_files_only:
            why = "local_files_only is set"
        elif constants.HF_HUB_OFFLINE:
            why = "HF_HUB_OFFLINE is set"
        else:
            why = "the Hugging Face Hub cannot be reached"
        kind = Offline if self.local_files_only or constants.HF_HUB_OFFLINE else Unreachable
        raise kind(
            f"{' or '.join(names)} of {self.name!r} is not on this machine, and {why}. Connect to the network once to download it, "
            f"give a folder that has the model, or give no name to use the built-in model."
        ) from unreachable

    def _cached_or_downloaded(self, name: str) -> Path | None:
        """One file, or None if the repository is known not to have it; LocalEntryNotFoundError if that is not known."""
        import huggingface_hub as hub
        from huggingface_hub import errors

        file = f"{self.subfolder}/{name}" if self.subfolder else name
        place = {"repo_id": self.name, "filename": file, "revision": self.revision, "cache_dir": self.cache_dir}
        again = self.force_download and not self.local_files_only and name not in self._fetched
        cached = None
        try:
            cached = None if again else hub.try_to_load_from_cache(**place)
            if cached is hub._CACHED_NO_EXIST and _COMMIT.fullmatch(self.revision or ""):
                return None  # saves a request, and a long wait without a network
            local = self.local_files_only or (cached is None and not self._answers())
            if not (cached or again or local) and name.endswith(LARGE):
                download(self.name, file, self.revision, self.cache_dir, self.token)
            path = Path(hub.hf_hub_download(**place, local_files_only=local, token=self.token, force_download=again and not local))
            self._fetched.add(name)
        except (errors.LocalEntryNotFoundError, DownloadStopped):
            raise
        except errors.EntryNotFoundError:
            return None
        except errors.HFValidationError as error:
            raise _nowhere(self.name) from error
        except errors.RevisionNotFoundError as error:
            raise CheckpointError(f"{self.label} has no revision {self.revision!r}: check the branch, tag or commit.") from error
        except errors.RepositoryNotFoundError as error:
            raise Withheld(
                f"There is no model {self.label} and no folder of that name here, or you have no access to it: check the name, "
                f"or give a token with read access."
            ) from error
        except Exception as error:  # whatever the network, the disk and several libraries can raise
            if isinstance(cached, str):
                return Path(cached)
            why = (isinstance(error, OSError) and error.strerror) or first_line(error)  # the first without a path of this machine
            raise CheckpointError(
                f"{name} of {self.label} could not be downloaded ({why}). Check the network connection and the free "
                f"disk space, then try again."
            ) from error
        if str(path) != cached and _intact(path) is False:
            raise self.reject(path, "the download is damaged, its checksum differs from the Hub's")
        return path

    def has(self, *names: str) -> bool:
        """Whether one of these files is in the cache; asks nobody."""
        import huggingface_hub as hub

        found = (hub.try_to_load_from_cache(self.name, name, cache_dir=self.cache_dir, revision=self.revision) for name in names)
        return any(isinstance(path, str) for path in found)

    def _answers(self) -> bool:
        """Whether the Hub can be reached, checked once: without this, a download would be retried for half a minute."""
        import huggingface_hub as hub
        from huggingface_hub.errors import HfHubHTTPError

        if self._answered is None:
            self._answered = True
            try:
                hub.get_hf_file_metadata(hub.hf_hub_url(self.name, "config.json", revision=self.revision), token=self.token)
            except HfHubHTTPError:
                pass  # an HTTP error is an answer, too
            except Exception:
                self._answered = False
        return self._answered

    def reject(self, path: Path, reason: str) -> CheckpointError:
        """The error for a file that cannot be used; a damaged one is deleted so that the next call downloads it again."""
        if _intact(path):
            remedy = "The file on the Hub is the same: choose another model or revision."
        else:
            remedy = "The local copy was deleted; try again to download the file."
            path.resolve().unlink(missing_ok=True)
            path.unlink(missing_ok=True)
        return CheckpointError(f"{path.name} in {self.label} cannot be used: {reason}. {remedy}")


def locate(
    source: str | Path | None,
    revision: str | None = None,
    cache_dir: str | Path | None = None,
    local_files_only: bool = False,
    token: str | bool | None = None,
    subfolder: str = "",
    force_download: bool = False,
) -> Folder | Repository:
    """The folder or repository that ``source`` names.

    Args:
        source: None for the embedded model, a folder, a weights file, a trained ablation ("ablations/linear"), or a repository on the Hub
            ("microsoft/cvt-13").
        revision, cache_dir, local_files_only, token, force_download: for a repository, as in huggingface_hub.
        subfolder: of the folder or repository, where the files are.
    Raises:
        ValueError: no such folder or file, and not a valid repository name.
    """
    subfolder = _inner(subfolder)
    if source is None:
        if not EMBEDDED.is_dir():
            raise CheckpointError("The built-in model is missing from this copy of the project: give a folder or a Hub id instead.")
        return Folder(EMBEDDED, "the built-in model")
    name, path = str(source), Path(source)
    try:
        path = path.expanduser().resolve()
        is_folder, is_file = bool(name) and path.is_dir(), path.is_file()
    except (OSError, ValueError, RuntimeError) as error:  # not a valid file name
        raise _nowhere(name) from error
    if is_file:
        return Folder(path.parent, f"the folder {path.parent.name!r}", weights=path)
    if is_folder:
        if not (path / subfolder).is_dir():
            raise CheckpointError(f"There is no folder {shown(subfolder)} in the folder {path.name!r}.")
        return Folder(path / subfolder, f"the folder {(path / subfolder).name!r}")
    if (member := _MEMBER.fullmatch(name)) and (ABLATIONS / member[1]).is_dir():
        return Folder(ABLATIONS / member[1], f"the built-in model {name!r}")
    if not _REPOSITORY_ID.fullmatch(name) or path.suffix in (".pth", ".pt", ".bin", ".safetensors", ".json"):
        raise _nowhere(name)
    return Repository(name, revision, cache_dir, local_files_only, token, subfolder, force_download)


def _inner(subfolder: str) -> str:
    """A normalised relative path, with slashes."""
    parts = Path(subfolder or "").parts
    if any(part in ("..", "/", "\\") or "\0" in part for part in parts):
        raise ValueError(f"subfolder must be a relative path inside the model's folder, not {shown(subfolder)}.")
    return "/".join(parts)


def _nowhere(name: str) -> CheckpointError:
    last = shown(Path(name).name)
    return CheckpointError(f"There is no folder or file {last}, and this is not a valid model name on the Hugging Face Hub.")


def _intact(path: Path) -> bool | None:
    """Whether a file in the Hub's cache matches the Hub's checksum; None if the cache does not have the checksum.

    The cache links every file to one named by its ETag: the SHA-256 of a large file, or git's SHA-1 of a small one. On a
    file system without links, the ETag is not kept.
    """
    announced = path.readlink().name if path.is_symlink() else ""
    if len(announced) == 64:
        digest = hashlib.sha256()
    elif len(announced) == 40:
        digest = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
    else:
        return None
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest() == announced
