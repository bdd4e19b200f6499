"""Visits that begin and end, as the server meets them: the page, its first result, a picture of one's own, and good-bye."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx

AT_ONCE = 4
CONFIG = "window.gradio_config = "  # in the page, and then the value


def visit(address: str, picture: Path) -> None:
    """One visit. Raises RuntimeError where the server refuses something."""
    with httpx.Client(base_url=address, timeout=120) as browser:
        page = browser.get("")
        config, _ = json.JSONDecoder().raw_decode(page.text.partition(CONFIG)[2])
        shows = next(each for each in config["dependencies"] if any(target[1] == "load" for target in each["targets"]))
        session = secrets.token_hex(6)
        with browser.stream("GET", f"gradio_api/heartbeat/{session}"):
            _see(browser, session, shows, None)
            (path,) = browser.post("gradio_api/upload", files={"files": ("picture", picture.read_bytes())}).json()
            _see(browser, session, shows, {"own": path, "nth": 1})


def _see(browser: httpx.Client, session: str, shows: dict[str, Any], asked: Any) -> None:
    """Asks for a result, and gets its maps."""
    event = {"data": [None] * len(shows["inputs"]), "fn_index": shows["id"], "session_hash": session, "event_data": asked}
    browser.post("gradio_api/queue/join", json=event).raise_for_status()
    for message in _messages(browser, session):
        if message["msg"] == "process_completed":
            key = re.search(r'"key": ?"([\w-]+)"', json.dumps(message["output"]))
            if not key:
                raise RuntimeError(f"no result: {json.dumps(message)[:300]}")
            browser.get(f"explorer/data/{key[1]}").raise_for_status()
            return


def _messages(browser: httpx.Client, session: str) -> Iterator[dict[str, Any]]:
    with browser.stream("GET", f"gradio_api/queue/data?session_hash={session}") as answer:
        for line in answer.iter_lines():
            if line.startswith("data:"):
                yield json.loads(line[5:])


def come_and_go(address: str, pictures: Sequence[Path], count: int) -> None:
    """So many visits, a few at a time."""
    with ThreadPoolExecutor(AT_ONCE) as people:
        for done in [people.submit(visit, address, pictures[number % len(pictures)]) for number in range(count)]:
            done.result()
