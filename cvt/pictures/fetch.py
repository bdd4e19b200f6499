"""A file from the web, with a bound on its size and on the time it may take."""

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
TIMEOUT = 20.0  # seconds, for everything together
_CHUNK = 1 << 16
_KEPT = "%/:;?@!$&'()*+,=~"  # what may stand in a path or query as it is; % because most addresses come encoded already
_BARE_PERCENT = re.compile("%(?![0-9A-Fa-f]{2})")


def is_url(source: object) -> bool:
    """Whether this is the text of an http(s) address."""
    return isinstance(source, str) and source.strip().lower().startswith(("http://", "https://"))


def fetch(url: str, timeout: float | None = None, max_bytes: int = MAX_BYTES, public_only: bool = False) -> bytes:
    """What an http(s) address serves, after redirects. Spaces and letters such as ü need not be encoded.

    Args:
        timeout: seconds until it is given up, however slowly the server answers; TIMEOUT if None.
        public_only: for addresses that strangers give to a server: no host of a private network is asked for anything, whichever
            name, redirect or notation leads there, and no proxy is used, which would resolve names by itself.
    Raises:
        UnreadablePicture: no address, no answer, an error, or more than ``max_bytes``.
        ValueError: a timeout that is no time.
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
        except Exception as error:  # handed to the caller's thread
            outcome.append(error)

    # A socket's own timeout starts again with every byte, so the bound on the whole is kept from outside.
    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    worker.join(timeout)
    late = not outcome  # asked before the line is cut, which the worker takes for a failure of its own
    line.cut()  # or a server that answers byte by byte would keep the thread for ever
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
    """An address as people write it → as HTTP takes it, and its host. Raises UnreadablePicture."""
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname or "", parts.port
        place = f"[{host}]" if ":" in host else host.encode("idna").decode()
    except ValueError as error:
        raise UnreadablePicture("This is not the address of a picture on the web. Check the address.") from error
    place = place if port is None else f"{place}:{port}"
    path, query = (quote(_BARE_PERCENT.sub("%25", part), safe=_KEPT) for part in (parts.path, parts.query))
    return urlunsplit((parts.scheme, place, path, query, "")), host or "the server"


class _Line:
    """The connections of one download, which can be cut from another thread."""

    def __init__(self, public_only: bool):
        self.public_only = public_only
        self._sockets: list[socket.socket] = []
        self._is_cut = False
        self._lock = threading.Lock()

    def connect(self, address: tuple[str, int], timeout: float, *_) -> socket.socket:
        """As ``socket.create_connection``; with ``public_only`` to the very IP address that was looked at."""
        connection = _to_public(*address, timeout) if self.public_only else socket.create_connection(address, timeout)
        with self._lock:
            if self._is_cut:
                connection.close()
                raise TimeoutError
            self._sockets.append(connection.dup())  # TLS takes the socket itself over
        return connection

    def cut(self) -> None:
        with self._lock:
            self._is_cut = True
            for each in self._sockets:
                with suppress(OSError):  # the other side was faster
                    each.shutdown(socket.SHUT_RDWR)
                each.close()

    def connections(self, kind: Callable[..., http.client.HTTPConnection]) -> Callable[..., http.client.HTTPConnection]:
        """``kind``, connecting through this line."""

        def make(*arguments, **settings) -> http.client.HTTPConnection:
            connection = kind(*arguments, **settings)
            vars(connection)["_create_connection"] = self.connect  # which http.client calls, and tests of Python's own replace
            return connection

        return make


def _to_public(host: str, port: int, timeout: float) -> socket.socket:
    places = [where for *_, where in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    if not all(_is_public(str(where[0])) for where in places):
        raise UnreadablePicture("This address leads into a private network, where nothing is fetched from. Upload the picture.")
    failed: OSError = OSError("no address")
    for where in places:
        try:
            return socket.create_connection((str(where[0]), port), timeout)
        except OSError as error:
            failed = error
    raise failed


def _is_public(address: str) -> bool:
    """Whether an IP address belongs to the internet at large, and not to this machine or a network around it."""
    numeric = ipaddress.ip_address(address.split("%")[0])
    if numeric.version == 6:
        if numeric in _NAT64:
            numeric = ipaddress.IPv4Address(int(numeric) & 0xFFFFFFFF)
        else:
            numeric = numeric.ipv4_mapped or numeric.sixtofour or (numeric.teredo and numeric.teredo[1]) or numeric
        if numeric.version == 6 and numeric not in _INTERNET:
            return False
    return numeric.is_global and not numeric.is_multicast


_INTERNET = ipaddress.ip_network("2000::/3")  # of IPv6, all that is given out; site-local networks and the like lie outside
_NAT64 = ipaddress.ip_network("64:ff9b::/96")  # IPv4 addresses as networks of IPv6 write them


class _Http(urllib.request.AbstractHTTPHandler):
    """http and https through a line."""

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
    handlers = [  # no others: a redirect must not lead to a local file
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
        if response.length:  # of what was announced, this much did not come
            raise UnreadablePicture("The download of this picture broke off before its end. Try again.")
    return bytes(content)
