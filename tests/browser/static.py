"""The page without a server, built once, and a plain web server for it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.helpers import ROOT

EXAMPLES = [ROOT / "examples" / f"{name}.jpg" for name in ("red_panda", "koala")]
RUNTIME = ROOT / "tests/web/node_modules/onnxruntime-web"  # which `npm ci --prefix tests/web` brings


class Host(ThreadingHTTPServer):
    """Serves a folder as ``python -m http.server`` does. ``sent``: the paths of files, with the bytes that were sent. ``down``: no more.

    ``held``: the end of a path; the second half of such files does not come before ``released``.
    """

    def __init__(self, folder: Path):
        self.sent: list[tuple[str, int]] = []
        self.down = False
        self.held: str | None = None
        self.released = threading.Event()

        class Handler(SimpleHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def __init__(self, *arguments):
                super().__init__(*arguments, directory=str(folder))

            def send_head(self):
                if self.server.down:
                    self.close_connection = True  # without an answer
                    return None
                return super().send_head()

            def copyfile(self, source, outputfile) -> None:
                content = source.read()
                if self.server.held and self.path.endswith(self.server.held):
                    half = len(content) // 2
                    outputfile.write(content[:half])
                    self.server.released.wait()
                    content = content[half:]
                self.server.sent.append((self.path, len(content)))
                outputfile.write(content)

            def log_message(self, *_: object) -> None: ...

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address) -> None:
        """A page that is left ends its connections, which is nobody's error."""

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def bytes_of(self, *endings: str) -> int:
        """The bytes that were sent of files whose paths end so; of all files if none are named."""
        return sum(size for path, size in self.sent if path.endswith(endings or ("",)))


@contextmanager
def hosted(folder: Path) -> Iterator[Host]:
    """A web server for a folder, until the block ends."""
    host = Host(folder)
    try:
        yield host
    finally:
        host.released.set()
        host.shutdown()
        host.server_close()
