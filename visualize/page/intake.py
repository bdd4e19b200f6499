"""What people may hand in as a picture, and how it is opened: uploaded files, examples and, where switched on, addresses."""

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

MAX_BYTES = 32_000_000  # of a picture that is uploaded or downloaded
DOWNLOADS = 3  # at the same time; each may take MAX_BYTES of memory
DOWNLOAD_SECONDS = 15.0  # for one picture


def public_picture(address: str) -> bytes:
    """The file at an address that a stranger gave: within bounds, and from the public internet alone. Raises as ``fetch``."""
    return fetch(address, DOWNLOAD_SECONDS, MAX_BYTES, public_only=True)


class Intake:
    """The one way in for pictures of strangers; every method may be called by many threads at once.

    Args:
        ours: paths of pictures that everyone may use and that need no caution, such as examples; absolute.
        download: what gets the file at an address, such as ``public_picture``; None where addresses are switched off.
        decoder: what reads files of strangers.
    """

    def __init__(self, ours: Collection[str] = (), download: Callable[[str], bytes] | None = None, decoder: Decoder | None = None):
        self.ours = frozenset(ours)
        self._download, self._decoder = download, decoder or Decoder()
        self._downloads = threading.BoundedSemaphore(DOWNLOADS)

    def accepted(self, value: Any, folder: str) -> str | None:
        """What a browser or program sent as a picture → a path or address that ``open`` takes; None where nothing was sent.

        Args:
            value: JSON in any shape; what is meant is text, or a dictionary with ``path`` or ``url`` as Gradio sends them.
            folder: where uploads are. Gradio names them by the hash of their content, so who can name one has had it.
        Raises:
            UnreadablePicture: anything else, always in the same words, whatever there is or is not at a path. Nothing outside
                the folder is looked up on the disk, and nothing is opened.
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
        """The picture, read in a process of its own unless it is one of ours or in memory already.

        Raises:
            UnreadablePicture: as ``Decoder.read`` and ``fetch``, or too many downloads are going on.
        """
        if isinstance(source, OpenedPicture):
            return source
        if not isinstance(source, (str, Path, bytes)) or (not isinstance(source, bytes) and str(source) in self.ours):
            return read_picture(source)
        return self._decoder.read(self._downloaded(source) if isinstance(source, str) and is_url(source) else source)

    def _downloaded(self, address: str) -> bytes:
        if self._download is None:
            raise UnreadablePicture(say("addresses_off"))
        if not self._downloads.acquire(blocking=False):  # waiting would keep those out who bring their file along
            raise UnreadablePicture(say("downloads_busy"))
        try:
            return self._download(address)
        finally:
            self._downloads.release()


def _file_in(folder: str, path: str) -> str | None:
    """The path of an ordinary file in the folder, or None; decided by its name alone where that leads elsewhere."""
    folder = os.path.abspath(folder)
    try:
        path = os.path.abspath(path) if os.path.isabs(path) else ""
        if not path.startswith(os.path.join(folder, "")):
            return None
        mode, here = 0, folder
        for part in os.path.relpath(path, folder).split(os.sep):
            here = os.path.join(here, part)
            mode = os.lstat(here).st_mode
            if stat.S_ISLNK(mode):  # not even looked at where it leads
                return None
    except (OSError, ValueError):  # none there, or a name that no file can have
        return None
    return path if stat.S_ISREG(mode) else None
