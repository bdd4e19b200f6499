"""A small HTTP server on 127.0.0.1 that speaks the Hugging Face Hub's file protocol.

``/<repository>/resolve/<revision>/<file>`` answers HEAD and GET with the headers that huggingface_hub relies on:
``X-Repo-Commit``, ``ETag`` (git's SHA-1 of the file), and for large files a redirect to another host with ``X-Linked-Etag``
(their SHA-256) and ``X-Linked-Size``; ranges; and 404 or 401 with ``X-Error-Code``. Repositories can be made and files be
committed, all in the commit's own body.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LARGE = 10_000  # bytes from which on a file is served by the "other host"


@dataclass
class FakeHub:
    """The repositories served, and how the server misbehaves."""

    repositories: dict[str, dict[str, dict[str, bytes]]] = field(default_factory=dict)  # name → revision → file → content
    private: dict[str, str] = field(default_factory=dict)  # name → the token that opens it
    cut_after: int | None = None  # bytes after which the next large download breaks off
    hold_after: int | None = None  # bytes after which large downloads wait until ``go`` is set
    go: threading.Event = field(default_factory=threading.Event)
    corrupt: bool = False  # whether large files arrive with a byte changed
    closed: bool = False
    requests: list[tuple[str, str, str | None]] = field(default_factory=list)  # method, path, range
    commits: list[tuple[str, str, str]] = field(default_factory=list)  # repository, message, token

    def __post_init__(self):
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle(self):
                with suppress(ConnectionError):  # of a client that went away
                    super().handle()

            def do_HEAD(self):
                hub.answer(self, body=False)

            def do_GET(self):
                hub.answer(self, body=True)

            def do_POST(self):
                hub.take(self)

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self) -> None:
        self.closed = True  # for connections that clients keep open
        self.server.shutdown()
        self.server.server_close()

    def publish(self, name: str, folder, revision: str = "main", leave_out: tuple[str, ...] = ()) -> None:
        """Serves the files of a folder."""
        files = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file() and path.name not in leave_out}
        self.repositories.setdefault(name, {})[revision] = files

    def commit(self, name: str, revision: str) -> str:
        files = self.repositories[name][revision]
        return hashlib.sha1(b"".join(hashlib.sha1(content).digest() for content in files.values())).hexdigest()

    def gets(self, ending: str) -> list[str | None]:
        """The ranges of all GET requests for a file."""
        return [span for method, path, span in self.requests if method == "GET" and path.endswith(ending)]

    def answer(self, handler: BaseHTTPRequestHandler, body: bool) -> None:
        path = handler.path.split("?")[0]
        if self.closed:
            raise ConnectionError
        self.requests.append((handler.command, path, handler.headers.get("Range")))
        if path.startswith("/files/"):
            return self._send_large(handler, path.split("/")[2], body)
        name, _, rest = path.strip("/").partition("/resolve/")
        revision, _, file = rest.partition("/")
        if name not in self.repositories or self.private.get(name, "") not in handler.headers.get("Authorization", ""):
            return self._refuse(handler, 401, "RepoNotFound")
        revisions = self.repositories[name]
        if revision not in revisions:
            revision = next((each for each in revisions if self.commit(name, each) == revision), None)
        if revision is None:
            return self._refuse(handler, 404, "RevisionNotFound")
        commit = {"X-Repo-Commit": self.commit(name, revision)}
        if file not in revisions[revision]:
            return self._refuse(handler, 404, "EntryNotFound", commit)
        content = revisions[revision][file]
        if len(content) < LARGE:
            digest = hashlib.sha1(f"blob {len(content)}\0".encode() + content).hexdigest()
            return self._send(handler, 200, content, body, commit | {"ETag": f'"{digest}"'})
        digest = hashlib.sha256(content).hexdigest()
        linked = {"X-Linked-Etag": f'"{digest}"', "X-Linked-Size": str(len(content))}
        there = {"Location": f"http://localhost:{self.port}/files/{digest}/{file}"}
        return self._send(handler, 302, b"", body, commit | linked | there)

    def take(self, handler: BaseHTTPRequestHandler) -> None:
        """A POST: a new repository, the question how files are to be sent, or a commit."""
        body, path = handler.rfile.read(int(handler.headers["Content-Length"])), handler.path.split("?")[0]
        self.requests.append((handler.command, path, None))
        if path == "/api/repos/create":
            made = json.loads(body)
            name = "/".join(filter(None, (made.get("organization"), made["name"])))
            self.repositories.setdefault(name, {}).setdefault("main", {})
            return self._send_json(handler, {"url": f"{self.url}/{name}"})
        name, action, revision = path.removeprefix("/api/models/").rsplit("/", 2)
        if action == "preupload":
            return self._send_json(
                handler,
                {"files": [{"path": each["path"], "uploadMode": "regular", "shouldIgnore": False} for each in json.loads(body)["files"]]},
            )
        lines = [json.loads(line) for line in body.splitlines()]
        for line in lines:
            if line["key"] == "file":
                self.repositories[name][revision][line["value"]["path"]] = base64.b64decode(line["value"]["content"])
        self.commits.append((name, lines[0]["value"]["summary"], handler.headers["Authorization"].removeprefix("Bearer ")))
        commit = self.commit(name, revision)
        return self._send_json(handler, {"success": True, "commitOid": commit, "commitUrl": f"{self.url}/{name}/commit/{commit}"})

    def _send_json(self, handler: BaseHTTPRequestHandler, values: dict) -> None:
        self._send(handler, 200, json.dumps(values).encode(), True, {"Content-Type": "application/json"})

    def _send_large(self, handler: BaseHTTPRequestHandler, digest: str, body: bool) -> None:
        contents = [file for revisions in self.repositories.values() for files in revisions.values() for file in files.values()]
        content = next(each for each in contents if hashlib.sha256(each).hexdigest() == digest)
        if self.corrupt:
            content = content[:-5] + bytes([content[-5] ^ 1]) + content[-4:]
        span = handler.headers.get("Range")
        if span is None:
            return self._send(handler, 200, content, body, {})
        start = int(span.removeprefix("bytes=").split("-")[0])
        where = {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"}
        return self._send(handler, 206, content[start:], body, where)

    def _send(self, handler: BaseHTTPRequestHandler, status: int, content: bytes, body: bool, headers: dict[str, str]) -> None:
        handler.send_response(status)
        for name, value in {"Content-Length": str(len(content)), "Accept-Ranges": "bytes", **headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        if not body:
            return
        if self.cut_after is not None and len(content) > self.cut_after:
            content, self.cut_after = content[: self.cut_after], None
            handler.close_connection = True
        if (held := self.hold_after) is not None and len(content) > held:
            handler.wfile.write(content[:held])
            self.go.wait(60)
            content = content[held:]
        handler.wfile.write(content)

    def _refuse(self, handler: BaseHTTPRequestHandler, status: int, code: str, headers: dict[str, str] | None = None) -> None:
        self._send(handler, status, b"", True, {"X-Error-Code": code, **(headers or {})})


def in_place_of_the_hub(server: FakeHub, monkeypatch, cache) -> None:
    """Has huggingface_hub ask this server, and keep files in this folder."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", server.url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", server.url + "/{repo_id}/resolve/{revision}/{filename}")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setenv("HF_HUB_DISABLE_PROGRESS_BARS", "1")
