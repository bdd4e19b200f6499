"""Downloads a file from the web, with limits on its size and on the time."""

from __future__ import annotations

import http.client
import ipaddress
import re
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import quote, urlsplit, urlunsplit

from ..fields import is_number, shown
from .common.bounds import UnreadablePicture

MAX_BYTES = 50_000_000
TIMEOUT = 20.0  # seconds, for the whole download
_CHUNK = 1 << 16
_KEPT = "%/:;?@!$&'()*+,=~"  # characters left as they are in a path or query; % because most addresses are already encoded
_BARE_PERCENT = re.compile("%(?![0-9A-Fa-f]{2})")


def is_url(source: object) -> bool:
    """Whether this is an http(s) address."""
    return isinstance(source, str) and source.strip().lower().startswith(("http://", "https://"))


def fetch(url: str, timeout: float | None = None, max_bytes: int = MAX_BYTES, public_only: bool = False) -> bytes:
    """Downloads an http(s) address, following redirects. Spaces and letters such as ü need not be encoded.

    Args:
        timeout: seconds for the whole download, however slowly the server answers; TIMEOUT if None.
        public_only: for untrusted addresses: never connects to a host in a private network, whichever name, redirect or
            notation leads there, and uses no proxy, which would resolve names itself.
    Raises:
        UnreadablePicture: not an address, no answer, an error, or more than ``max_bytes``.
        ValueError: an invalid timeout.
    """
    timeout = TIMEOUT if timeout is None else timeout
    if not is_number(timeout) or timeout <= 0:
        raise ValueError(f"timeout must be a positive number of seconds, not {shown(timeout)}.")
    url, host = _encoded(url)
    outcome: list[bytes | Exception] = []
    line = _Line(public_only)

    def work() -> None:
        try:
            outcome.append(_read(url, timeout, max_bytes, line))
        except Exception as error:  # re-raised in the caller's thread
            outcome.append(error)

    # A socket's own timeout restarts with every byte, so the total is limited from outside.
    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    worker.join(timeout)
    late = not outcome  # checked before the line is cut, which makes the worker fail
    line.cut()  # or a server that answers byte by byte would keep the thread forever
    if late or isinstance(outcome[0], TimeoutError):
        raise UnreadablePicture(f"{host} did not deliver the picture within {timeout:g} seconds. Try again, or download it first.")
    if isinstance(outcome[0], UnreadablePicture):
        raise outcome[0]
    if isinstance(outcome[0], urllib.error.HTTPError):
        raise UnreadablePicture(f"{host} answered {outcome[0].code} instead of a picture. Check the address.") from outcome[0]
    if isinstance(outcome[0], Exception):
        raise UnreadablePicture(f"{host} could not be reached. Check the address and the network connection.") from outcome[0]
    return outcome[0]


def _encoded(url: str) -> tuple[str, str]:
    """An address as people write it → encoded for HTTP, and its host. Raises UnreadablePicture."""
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname or "", parts.port
        place = f"[{host}]" if ":" in host else host.encode("idna").decode()
    except ValueError as error:
        raise UnreadablePicture("This is not a valid web address. Check the address.") from error
    place = place if port is None else f"{place}:{port}"
    path, query = (quote(_BARE_PERCENT.sub("%25", part), safe=_KEPT) for part in (parts.path, parts.query))
    return urlunsplit((parts.scheme, place, path, query, "")), host or "the server"


class _Line:
    """The connections of one download, which another thread can cut."""

    def __init__(self, public_only: bool):
        self.public_only = public_only
        self._sockets: list[socket.socket] = []
        self._is_cut = False
        self._lock = threading.Lock()

    def connect(self, address: tuple[str, int], timeout: float, *_) -> socket.socket:
        """As ``socket.create_connection``; with ``public_only`` to the same IP address that was checked."""
        connection = _to_public(*address, timeout) if self.public_only else socket.create_connection(address, timeout)
        with self._lock:
            if self._is_cut:
                connection.close()
                raise TimeoutError
            self._sockets.append(connection.dup())  # TLS takes over the socket itself
        return connection

    def cut(self) -> None:
        with self._lock:
            self._is_cut = True
            for each in self._sockets:
                with suppress(OSError):  # already closed by the other side
                    each.shutdown(socket.SHUT_RDWR)
                each.close()

    def connections(self, kind: Callable[..., http.client.HTTPConnection]) -> Callable[..., http.client.HTTPConnection]:
        """``kind``, connecting through this line."""

        def make(*arguments, **settings) -> http.client.HTTPConnection:
            connection = kind(*arguments, **settings)
            vars(connection)["_create_connection"] = self.connect  # private, but http.client calls it, and Python's own tests replace it
            return connection

        return make


def _to_public(host: str, port: int, timeout: float) -> socket.socket:
    places = [where for *_, where in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    if not all(_is_public(str(where[0])) for where in places):
        raise UnreadablePicture("This address is in a private network, from which nothing is downloaded. Upload the picture instead.")
    failed: OSError = OSError("no address")
    for where in places:
        try:
            return socket.create_connection((str(where[0]), port), timeout)
        except OSError as error:
            failed = error
    raise failed


def _is_public(address: str) -> bool:
    """Whether an IP address is on the public internet, not on this machine or in a private network."""
    numeric = ipaddress.ip_address(address.split("%")[0])
    if numeric.version == 6:
        if numeric in _NAT64:
            numeric = ipaddress.IPv4Address(int(numeric) & 0xFFFFFFFF)
        else:
            numeric = numeric.ipv4_mapped or numeric.sixtofour or (numeric.teredo and numeric.teredo[1]) or numeric
        if numeric.version == 6 and numeric not in _INTERNET:
            return False
    return numeric.is_global and not numeric.is_multicast


_INTERNET = ipaddress.ip_network("2000::/3")  # all allocated global IPv6 addresses; excludes site-local and the like
_NAT64 = ipaddress.ip_network("64:ff9b::/96")  # IPv4 addresses embedded in IPv6 (NAT64)


class _Http(urllib.request.AbstractHTTPHandler):
    """Opens http and https through a ``_Line``."""

    def __init__(self, line: _Line):
        super().__init__()
        self._line = line

    def http_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(self._line.connections(http.client.HTTPConnection), request)

    def https_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(self._line.connections(http.client.HTTPSConnection), request)

    http_request = https_request = urllib.request.AbstractHTTPHandler.do_request_


def _read(url: str, timeout: float, max_bytes: int, line: _Line) -> bytes:
    deadline = time.monotonic() + timeout
    opener = urllib.request.OpenerDirector()
    handlers = [  # no others, so that a redirect cannot lead to a local file
        _Http(line),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.HTTPDefaultErrorHandler(),
    ]
    for handler in handlers if line.public_only else [urllib.request.ProxyHandler(), *handlers]:
        opener.add_handler(handler)
    request = urllib.request.Request(url, headers={"User-Agent": "cvt-explorer", "Accept": "image/*"})
    content = bytearray()
    with opener.open(request, timeout=timeout) as response:
        while chunk := response.read1(_CHUNK):
            content += chunk
            if len(content) > max_bytes:
                raise UnreadablePicture(f"The file at this address is larger than {max_bytes // 1_000_000} MB. Choose a smaller one.")
            if time.monotonic() > deadline:
                raise TimeoutError
        if response.length:  # announced bytes that did not arrive
            raise UnreadablePicture("The download of this picture was interrupted. Try again.")
    return bytes(content)
