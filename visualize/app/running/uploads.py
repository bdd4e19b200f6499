"""The folder of uploads, and what bounds it: uploads that broke off go, the oldest ones where there are too many, and folders of servers
that were killed."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import time
from contextlib import suppress

from gradio.utils import get_upload_folder

try:
    import fcntl
except ImportError:  # on Windows, where folders of killed servers stay
    fcntl = None  # type: ignore[assignment]

MOST_BYTES = 2 << 30  # of all uploads; a class of 30 with ten photographs each takes 1 GB
OWN = re.compile("[0-9a-f]{64}")  # the folder of one upload, which Gradio names by the hash of its content
PREFIX = "cvt-explorer-uploads-"


def own_folder() -> tuple[str, int]:
    """A new folder for uploads, and the open file that marks it as used until this process ends, however it ends."""
    unmarked = tempfile.mkdtemp(prefix="cvt-explorer-")
    if fcntl is None:
        return unmarked, os.open(os.devnull, os.O_RDONLY)
    mark = os.open(unmarked, os.O_RDONLY)
    fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
    folder = os.path.join(os.path.dirname(unmarked), PREFIX + os.path.basename(unmarked).removeprefix("cvt-explorer-"))
    os.rename(unmarked, folder)  # only now, so that nobody finds it unmarked
    return folder, mark


def forget_killed_servers() -> None:
    """Deletes this account's folders of servers that could not do so themselves: people's pictures stay no longer than they were told."""
    if fcntl is None:
        return
    with suppress(OSError), os.scandir(tempfile.gettempdir()) as found:
        for each in found:
            if each.name.startswith(PREFIX) and each.is_dir(follow_symlinks=False):
                with suppress(OSError):  # another account's, or one in use
                    _delete_unmarked(each.path)


def _delete_unmarked(folder: str) -> None:
    """Raises OSError: a process uses it."""
    mark = os.open(folder, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder)
    finally:
        os.close(mark)


def forget_broken_uploads(seconds: float = 0.0) -> None:
    """Deletes what was not written to for so long: Gradio forgets an upload that its sender, or the disk, broke off.

    Uploads that are complete are in folders of their own. By default those in progress are given up too, as on a full disk.
    """
    with suppress(OSError), os.scandir(get_upload_folder()) as found:
        for each in found:
            with suppress(OSError):  # another one was faster
                if each.is_file(follow_symlinks=False) and time.time() - each.stat(follow_symlinks=False).st_mtime >= seconds:
                    os.unlink(each)


def keep_within(most: int = MOST_BYTES) -> None:
    """Deletes the oldest uploads until all take at most so many bytes. Who shows one keeps its result, and can upload it again."""
    found = []
    with suppress(OSError), os.scandir(get_upload_folder()) as folders:
        for folder in folders:
            if OWN.fullmatch(folder.name) and folder.is_dir(follow_symlinks=False):
                with suppress(OSError), os.scandir(folder) as files:
                    sizes = [(each.stat(follow_symlinks=False).st_mtime, each.stat(follow_symlinks=False).st_size) for each in files]
                    found.append((max(sizes, default=(0.0, 0))[0], sum(size for _, size in sizes), folder.path))
    taken = sum(size for _, size, _ in found)
    for _, size, path in sorted(found):
        if taken <= most:
            break
        shutil.rmtree(path, ignore_errors=True)
        taken -= size
