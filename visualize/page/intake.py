"""Accepts and opens pictures from users: uploads, examples and, if enabled, web addresses."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from cvt.pictures import OpenedPicture, PictureSource, UnreadablePicture, read_picture
from cvt.pictures.decoding import Decoder
from cvt.pictures.fetch import fetch, is_url

from .words.sentences import say

MAX_BYTES = 32_000_000  # size of an uploaded or downloaded picture
DELETED_AFTER, LOOKED_EVERY = 1800, 600  # seconds that an uploaded picture is kept, and between two looks at which are that old
DOWNLOADS = 3  # simultaneous; each may take MAX_BYTES of memory
DOWNLOAD_SECONDS = 15.0  # for one picture


def public_picture(address: str) -> bytes:
    """Downloads the file at an untrusted address: within limits, and only from the public internet. Raises as ``fetch``."""
    return fetch(address, DOWNLOAD_SECONDS, MAX_BYTES, public_only=True)


class Intake:
    """The only entry for untrusted pictures; all methods are thread-safe.

    Args:
        ours: absolute paths of trusted pictures that everyone may use, such as examples.
        download: downloads the file at an address, such as ``public_picture``; None if addresses are disabled.
        decoder: reads untrusted files.
    """

    def __init__(self, ours: Collection[str] = (), download: Callable[[str], bytes] | None = None, decoder: Decoder | None = None):
        self.ours = frozenset(ours)
        self._download, self._decoder = download, decoder or Decoder()
        self._downloads = threading.BoundedSemaphore(DOWNLOADS)

    def start(self) -> None:
        """Makes ready for the first untrusted picture."""
        self._decoder.start()

    def close(self) -> None:
        """Ends what reads pictures, at once."""
        self._decoder.close()

    def accepted(self, value: Any, folder: str) -> str | None:
        """Turns what a client sent as a picture into a path or address for ``open``; None if nothing was sent.

        Args:
            value: any JSON; valid is text, or a dictionary with ``path`` or ``url`` as Gradio sends them.
            folder: where uploads are. Gradio names them by the hash of their content, so only someone who had one can name it.
        Raises:
            UnreadablePicture: anything else, with the same message whether or not a path exists. Nothing outside the folder is
                looked up on the disk, and nothing is opened.
        """
        if isinstance(value, dict):
            value = value.get("path") or value.get("url")
        if value is None:
            return None
        if not isinstance(value, str):
            raise UnreadablePicture(say("not_uploaded"))
        if is_url(value):
            if self._download is None:
                raise UnreadablePicture(say("addresses_off"))
            return value
        path = value if value in self.ours else _file_in(folder, value)
        if path is None:
            raise UnreadablePicture(say("not_uploaded"))
        return path

    def open(self, source: PictureSource | OpenedPicture) -> OpenedPicture:
        """Reads a picture, in a child process unless it is one of ours or already in memory.

        Raises:
            UnreadablePicture: as ``Decoder.read`` and ``fetch``, or there are too many downloads.
        """
        if isinstance(source, OpenedPicture):
            return source
        if not isinstance(source, (str, Path, bytes)) or (not isinstance(source, bytes) and str(source) in self.ours):
            return read_picture(source)
        return self._decoder.read(self._downloaded(source) if isinstance(source, str) and is_url(source) else source)

    def _downloaded(self, address: str) -> bytes:
        if self._download is None:
            raise UnreadablePicture(say("addresses_off"))
        if not self._downloads.acquire(blocking=False):  # waiting would block people who upload a file
            raise UnreadablePicture(say("downloads_busy"))
        try:
            return self._download(address)
        finally:
            self._downloads.release()


def _file_in(folder: str, path: str) -> str | None:
    """The path of a regular file in the folder, or None; a name that leads elsewhere is refused without looking it up."""
    folder = os.path.abspath(folder)
    try:
        path = os.path.abspath(path) if os.path.isabs(path) else ""
        if not path.startswith(os.path.join(folder, "")):
            return None
        mode, here = 0, folder
        for part in os.path.relpath(path, folder).split(os.sep):
            here = os.path.join(here, part)
            mode = os.lstat(here).st_mode
            if stat.S_ISLNK(mode):  # its target is not even looked up
                return None
    except (OSError, ValueError):  # no such file, or not a valid file name
        return None
    return path if stat.S_ISREG(mode) else None
