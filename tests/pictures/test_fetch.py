"""Addresses as people write them, and the ways in which untrusted callers could make a server call into its own network."""

from __future__ import annotations

import http.server
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from cvt.pictures import UnreadablePicture
from cvt.pictures import fetch as fetching
from cvt.pictures.fetch import fetch, is_url

PRIVATE = "private network"


@pytest.fixture(scope="module")
def web() -> Iterator[tuple[int, list[str]]]:
    """The port of a server on this machine, and the lines that it was asked."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            to = self.path.partition("?to=")[2]
            self.send_response(302 if to else 200)
            if to:
                self.send_header("Location", to)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield server.server_address[1], asked
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("/a b.png", "/a%20b.png"),
        ("/Grüße/Bär.jpg?größe=1 2", "/Gr%C3%BC%C3%9Fe/B%C3%A4r.jpg?gr%C3%B6%C3%9Fe=1%202"),
        ("/a%20b.png?x=%C3%BC", "/a%20b.png?x=%C3%BC"),  # encoded already: stays
        ("/100% real.png", "/100%25%20real.png"),
        ("/東京.webp#there", "/%E6%9D%B1%E4%BA%AC.webp"),
        ("/a;b,c=d~e!f$g&h'i(j)*k+l:m@n", "/a;b,c=d~e!f$g&h'i(j)*k+l:m@n"),
        ("  ", ""),
    ],
)
def test_addresses_are_taken_as_people_write_them(web, written, sent):
    port, asked = web
    assert fetch(f" http://127.0.0.1:{port}{written}") == b"ok"
    assert asked[-1] == (sent or "/")


def test_names_of_hosts_may_have_letters_of_any_language(monkeypatch):
    asked = []

    def resolve(host, *given, **more):
        asked.append(host)
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with pytest.raises(UnreadablePicture, match=r"bücher\.example could not be reached"):
        fetch("http://Bücher.example/x.png")
    assert asked == ["xn--bcher-kva.example"]


@pytest.mark.parametrize(
    "address", ["http://", "http:///x.png", "http://a..b/", "http://[::1", "http://h:99999/", "http://" + "x" * 70 + ".de"]
)
def test_what_is_no_address_is_a_sentence(address):
    with pytest.raises(UnreadablePicture, match=r"not a valid web address|could not be reached"):
        fetch(address)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1:248:1893:25c8:1946", True),
        ("127.0.0.1", False),
        ("127.9.9.9", False),
        ("0.0.0.0", False),
        ("10.0.0.1", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),  # where clouds hand out keys
        ("100.64.0.1", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("ff02::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:93.184.216.34", True),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b::5db8:d822", True),
        ("2002:7f00:1::", False),
        ("64:ff9b:1::7f00:1", False),  # a network's own NAT64
        ("fec0::2", False),  # site-local; QEMU's name for its host
        ("::127.0.0.1", False),
        ("::ffff:0:127.0.0.1", False),
    ],
)
def test_which_networks_are_public(address, public):
    assert fetching._is_public(address) is public


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "127.1", "[::1]", "[::ffff:127.0.0.1]", "0", "user@127.0.0.1", "a.b:c@localhost"],
)
def test_no_notation_leads_to_this_machine(web, host):
    port, asked = web
    before = len(asked)
    with pytest.raises(UnreadablePicture, match=f"{PRIVATE}|could not be reached|not a valid web address"):
        fetch(f"http://{host}:{port}/secret", public_only=True)
    assert len(asked) == before


def names(monkeypatch, found: dict[str, list[str]]) -> list[str]:
    """A resolver that knows these names; each answers with its addresses in turn. Returns the names that it was asked for."""
    asked, real = [], socket.getaddrinfo

    def resolve(host, port, *given, **more):
        if host not in found:
            return real(host, port, *given, **more)
        asked.append(host)
        address = found[host][min(asked.count(host), len(found[host])) - 1]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return asked


def test_a_name_that_leads_to_this_machine_is_refused(web, monkeypatch):
    port, asked = web
    before = len(asked)
    names(monkeypatch, {"inside.example": ["127.0.0.1"]})
    with pytest.raises(UnreadablePicture, match=PRIVATE):
        fetch(f"http://inside.example:{port}/secret", public_only=True)
    assert len(asked) == before


def test_every_redirect_is_looked_at(web, monkeypatch):
    """A host that counts as public here sends on to one that does not."""
    port, asked = web
    names(monkeypatch, {"public.example": ["127.0.0.1"], "inside.example": ["127.0.0.2"]})
    monkeypatch.setattr(fetching, "_is_public", lambda address: address == "127.0.0.1")
    assert fetch(f"http://public.example:{port}/x", public_only=True) == b"ok"
    assert fetch(f"http://public.example:{port}/x?to=/y", public_only=True) == b"ok"
    before = len(asked)
    with pytest.raises(UnreadablePicture, match=PRIVATE):
        fetch(f"http://public.example:{port}/x?to=http://inside.example:{port}/secret", public_only=True)
    with pytest.raises(UnreadablePicture, match=r"could not be reached|answered 302"):
        fetch(f"http://public.example:{port}/x?to=file:///etc/hostname", public_only=True)
    assert all(line.startswith("/x") for line in asked[before:])


def test_the_connection_goes_to_the_address_that_was_looked_at(web, monkeypatch):
    """A name that is public when it is asked for first, and private a moment later."""
    port, asked = web
    before = len(asked)
    looked_up = names(monkeypatch, {"rebinding.example": ["192.0.2.1", "127.0.0.1"]})
    monkeypatch.setattr(fetching, "_is_public", lambda address: address == "192.0.2.1")
    with pytest.raises(UnreadablePicture):
        fetch(f"http://rebinding.example:{port}/secret", timeout=0.5, public_only=True)
    assert looked_up == ["rebinding.example"]
    assert len(asked) == before


def test_no_proxy_is_asked_to_go_where_one_may_not(web, monkeypatch):
    port, asked = web
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
    before = len(asked)
    names(monkeypatch, {"inside.example": ["10.0.0.1"]})
    with pytest.raises(UnreadablePicture, match=PRIVATE):
        fetch("http://inside.example/secret", public_only=True)
    assert len(asked) == before


def test_what_is_cut_was_too_slow_however_its_thread_takes_it(monkeypatch):
    before, cut = set(threading.enumerate()), fetching._Line.cut

    def cut_and_see(line):
        cut(line)
        for worker in set(threading.enumerate()) - before:
            worker.join(30)

    monkeypatch.setattr(fetching._Line, "cut", cut_and_see)
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.raises(UnreadablePicture, match=r"within 0\.2 seconds"):
        fetch(f"http://127.0.0.1:{server.getsockname()[1]}/", timeout=0.2)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_nothing_is_left_of_a_download_that_was_given_up(scheme):
    """A server that answers byte by byte, or never greets: its connection is cut, so that its thread ends as well."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        before = set(threading.enumerate())
        with pytest.raises(UnreadablePicture, match=r"within 0\.2 seconds"):
            fetch(f"{scheme}://127.0.0.1:{server.getsockname()[1]}/", timeout=0.2)
        deadline = time.monotonic() + 30
        while set(threading.enumerate()) - before:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_what_counts_as_an_address():
    assert is_url("http://x")
    assert is_url("HTTPS://x")
    assert is_url(" https://x ")
    for other in ("ftp://x", "file:///x", "/x", "data:,", 7, None, b"http://x"):
        assert not is_url(other)
