"""Calls of a running app as they go over the wire, for tests that send what no client would."""

from __future__ import annotations

import http.client
import json
import re
from pathlib import Path

from visualize.page.workbench import Workbench


class Server:
    """The app with an upload folder of its own, canaries around it, and what it does to the disk written down."""

    def __init__(self, address: str, workbench: Workbench, folder: Path, uploads: Path):
        self.address, self.workbench, self.folder, self.uploads = address, workbench, folder, uploads
        self.host = address.removeprefix("http://")
        self.functions = json.loads(self.get("/config")[1])["dependencies"]

    def get(self, path: str) -> tuple[int, str]:
        return self.send("GET", path)

    def post(self, path: str, value: object) -> tuple[int, str]:
        return self.send("POST", path, value if isinstance(value, bytes) else json.dumps(value).encode())

    def send(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection(self.host, timeout=60)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json", **headers})
            answer = connection.getresponse()
            return answer.status, answer.read().decode(errors="replace")
        finally:
            connection.close()

    def call(self, name: str, data: list) -> str:
        """By the documented two steps; the last event's name and data."""
        status, answer = self.post(f"/gradio_api/call/{name}", {"data": data})
        assert status == 200, answer
        return self.get(f"/gradio_api/call/{name}/{json.loads(answer)['event_id']}")[1]

    def queue(self, calls: list[tuple[int, list, object]], session: str) -> list[dict]:
        """As the page does it, many at once: what each call of (function, data, data of the event) came to, in order; in ``said``
        the sentences that a person sees."""
        ids = []
        for index, data, event in calls:
            call = {"data": data, "fn_index": index, "session_hash": session, "event_data": event}
            status, answer = self.post("/gradio_api/queue/join", call)
            assert status == 200, answer
            ids.append(json.loads(answer)["event_id"])
        events = self.get(f"/gradio_api/queue/data?session_hash={session}")[1]
        found = [json.loads(line.removeprefix("data: ")) for line in events.splitlines() if line.startswith("data: ")]
        ended = {each["event_id"]: {**each, "said": said_in(each)} for each in found if each["msg"] == "process_completed"}
        return [ended[each] for each in ids]

    def function(self, name: str) -> dict:
        """An endpoint by its name, or one of the page's own by the event that starts it."""
        for each in self.functions:
            if name in (each["api_name"], *(event for _, event in each["targets"])):
                return each
        raise KeyError(name)


def said_in(completed: dict) -> list[str]:
    """The refusals among the values of what a call came to."""
    return [value["problem"] for value in completed["output"].get("data") or [] if isinstance(value, dict) and "problem" in value]


def is_clean(answer: str) -> bool:
    return not re.search(r"Traceback|\.py|site-packages|/tmp/|line \d+|Error\(", answer)
