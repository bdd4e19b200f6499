"""Downloads a large file of a Hub repository into huggingface_hub's cache, so that a stopped download goes on where it stopped.

huggingface_hub itself keeps what has come only within one call. Here it stays in a file beside the one that it will be, where earlier
versions of huggingface_hub left it, too.
"""

from __future__ import annotations

import errno
import io
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from urllib.parse import urlsplit

TRIES = 5  # in a row that bring nothing
PAUSE = 1.0  # seconds between two

Watch = Callable[[int, int], None]  # called with the bytes that are here and the bytes of all; may raise DownloadStopped

_WATCH: ContextVar[Watch | None] = ContextVar("watch", default=None)


class DownloadStopped(Exception):
    """Nobody waits for this download any more; raised by a ``Watch``. What has come stays for the next one."""


@contextmanager
def watched(watch: Watch) -> Iterator[None]:
    """Has this thread's downloads within the block report to ``watch``."""
    token = _WATCH.set(watch)
    try:
        yield
    finally:
        _WATCH.reset(token)


def download(repository: str, file: str, revision: str | None, cache_dir: str | Path | None, token: str | bool | None) -> None:
    """Brings the file into the cache, under the name by which ``hf_hub_download`` then finds it there.

    Raises:
        DownloadStopped: by the watch. OSError: the disk is full. And what huggingface_hub raises.
    """
    import huggingface_hub as hub
    from huggingface_hub import constants
    from huggingface_hub.utils import WeakFileLock, build_hf_headers

    url = hub.hf_hub_url(repository, file, revision=revision)
    found = hub.get_hf_file_metadata(url, token=token)
    if found.etag is None or found.size is None:
        return
    cache, folder = Path(cache_dir or constants.HF_HUB_CACHE), f"models--{repository.replace('/', '--')}"
    headers = build_hf_headers(token=token)
    if found.xet_file_data is None and found.location != url:  # which saves a redirection; a token is for the Hub alone
        headers = {name: value for name, value in headers.items() if name.lower() != "authorization" or _host(found.location) == _host(url)}
        url = found.location
    blob, lock = cache / folder / "blobs" / found.etag, cache / ".locks" / folder / f"{found.etag}.lock"
    for parent in (blob.parent, lock.parent):
        parent.mkdir(parents=True, exist_ok=True)
    with WeakFileLock(lock):  # as huggingface_hub does
        if blob.exists():
            return
        part = blob.with_name(f"{blob.name}.incomplete")
        _check_room(part, found.size)
        try:
            with open(part, "ab", buffering=0) as into:
                _receive(url, headers, into, found.size)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                part.unlink()  # others need the room
            raise
        part.replace(blob)


def _host(url: str) -> str:
    return urlsplit(url).netloc


def _check_room(part: Path, size: int) -> None:
    here = part.stat().st_size if part.exists() else 0
    if here > size:  # not of this file
        part.unlink()
    elif shutil.disk_usage(part.parent).free < size - here:
        raise OSError(errno.ENOSPC, f"the disk has no room for {size - here:,} bytes")


def _receive(url: str, headers: dict[str, str], into: io.FileIO, size: int) -> None:
    """Appends what the file lacks, up to ``size`` bytes, in as many requests as it takes."""
    watch, failed = _WATCH.get() or (lambda done, total: None), 0
    watch(into.tell(), size)
    while (before := into.tell()) < size:
        try:
            _append(url, headers, into, size, watch)
        except (DownloadStopped, OSError):
            raise
        except Exception:  # a connection that broke, in whichever words
            failed = 0 if into.tell() > before else failed + 1
            if failed == TRIES:
                raise
            time.sleep(PAUSE)


def _append(url: str, headers: dict[str, str], into: io.FileIO, size: int, watch: Watch) -> None:
    from huggingface_hub import constants
    from huggingface_hub.utils import hf_raise_for_status, http_stream_backoff

    ranged = {**headers, "Accept-Encoding": "identity", **({"Range": f"bytes={into.tell()}-"} if into.tell() else {})}
    once = {"retry_on_exceptions": (), "retry_on_status_codes": (408, 429)}
    with http_stream_backoff("GET", url, headers=ranged, timeout=constants.HF_HUB_DOWNLOAD_TIMEOUT, **once) as answer:
        hf_raise_for_status(answer)
        if answer.status_code != 206:  # all of it, from the beginning
            into.truncate(0)
            into.seek(0)
        for chunk in answer.iter_bytes():
            view = memoryview(chunk)
            while view:
                view = view[into.write(view) :]
            watch(into.tell(), size)
