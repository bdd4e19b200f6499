"""A file from the web, with a bound on its size and on the time it may take."""

from __future__ import annotations

import threading
import time
import urllib.error
import urllib.request
from urllib.parse import urlsplit

from .fields import is_number, shown
from .pictures import UnreadablePicture

MAX_BYTES = 50_000_000
TIMEOUT = 20.0  # seconds, for everything together
_CHUNK = 1 << 16


def is_url(source: object) -> bool:
    """Whether this is the text of an http(s) address."""
    return isinstance(source, str) and source.lower().startswith(("http://", "https://"))


def fetch(url: str, timeout: float | None = None, max_bytes: int = MAX_BYTES) -> bytes:
    """What an http(s) address serves, after redirects.

    Args:
        timeout: seconds until it is given up, however slowly the server answers; TIMEOUT if None.
    Raises:
        UnreadablePicture: no address, no answer, an error, or more than ``max_bytes``.
        ValueError: a timeout that is no time.
    """
    timeout = TIMEOUT if timeout is None else timeout
    if not is_number(timeout) or timeout <= 0:
        raise ValueError(f"timeout must be a positive number of seconds, not {shown(timeout)}.")
    try:
        host = urlsplit(url).hostname or "the server"
    except ValueError as error:
        raise UnreadablePicture("This is not the address of a picture on the web. Check the address.") from error
    outcome: list[bytes | Exception] = []

    def work() -> None:
        try:
            outcome.append(_read(url, timeout, max_bytes))
        except Exception as error:  # handed to the caller's thread
            outcome.append(error)

    # A socket's own timeout starts again with every byte, so the bound on the whole is kept from outside.
    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    worker.join(timeout)
    if not outcome or isinstance(outcome[0], TimeoutError):
        raise UnreadablePicture(f"{host} did not deliver the picture within {timeout:g} seconds. Try again, or download it first.")
    if isinstance(outcome[0], UnreadablePicture):
        raise outcome[0]
    if isinstance(outcome[0], urllib.error.HTTPError):
        raise UnreadablePicture(f"{host} answered {outcome[0].code} instead of a picture. Check the address.") from outcome[0]
    if isinstance(outcome[0], Exception):
        raise UnreadablePicture(f"{host} could not be reached. Check the address and the network connection.") from outcome[0]
    return outcome[0]


def _read(url: str, timeout: float, max_bytes: int) -> bytes:
    deadline = time.monotonic() + timeout
    opener = urllib.request.OpenerDirector()
    for handler in (  # no others: a redirect must not lead to a local file
        urllib.request.ProxyHandler,
        urllib.request.HTTPHandler,
        urllib.request.HTTPSHandler,
        urllib.request.HTTPRedirectHandler,
        urllib.request.HTTPErrorProcessor,
        urllib.request.HTTPDefaultErrorHandler,
    ):
        opener.add_handler(handler())
    request = urllib.request.Request(url, headers={"User-Agent": "cvt-explorer", "Accept": "image/*"})
    content = bytearray()
    with opener.open(request, timeout=timeout) as response:
        while chunk := response.read1(_CHUNK):
            content += chunk
            if len(content) > max_bytes:
                raise UnreadablePicture(f"The file at this address is larger than {max_bytes // 1_000_000} MB. Choose a smaller one.")
            if time.monotonic() > deadline:
                raise TimeoutError
        if response.length:  # of what was announced, this much did not come
            raise UnreadablePicture("The download of this picture broke off before its end. Try again.")
    return bytes(content)
