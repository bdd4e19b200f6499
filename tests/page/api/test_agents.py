"""An agent's own client: it initializes, lists the tools, calls them with a picture, and reads what is wrong with bad arguments."""

from __future__ import annotations

import asyncio
import base64
import http.client
import json
import threading
import urllib.request
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("gradio")
pytest.importorskip("mcp")

from gradio.utils import get_upload_folder
from gradio_client import Client, handle_file
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client

import app
from tests import serving
from visualize.page.api.parameters import AS_TEXT, PICTURE, REQUIRED
from visualize.page.api.table import ENDPOINTS, TOOLS
from visualize.page.gate import AGENT_BYTES
from visualize.page.words.sentences import say

PHOTO = app.EXAMPLES[0]
INLINE = "data:image/jpeg;base64," + base64.b64encode(PHOTO.read_bytes()).decode()
PART = {"stage": 2, "block": 1, "part": "mlp"}


def in_a_loop(work):
    """In a thread of its own, since another loop may run in this one."""
    found, failed = [], []

    def run():
        try:
            found.append(asyncio.run(work))
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(120)
    if failed:
        raise failed[0]
    return found[0]


class Agent:
    def __init__(self, address: str):
        self.address = address

    def call(self, *calls: tuple[str, dict]) -> list[tuple[bool, list]]:
        """Whether each call is an error, and its contents."""

        async def work(session):
            answers = [await session.call_tool(name, given) for name, given in calls]
            return [(answer.isError, answer.content) for answer in answers]

        return in_a_loop(self._within(work))

    def listed(self):
        async def work(session):
            return (await session.list_tools()).tools

        return in_a_loop(self._within(work))

    async def _within(self, work):
        async with (
            streamable_http_client(f"{self.address}/gradio_api/mcp/") as (reading, writing, _),
            ClientSession(reading, writing) as session,
        ):
            named = await session.initialize()
            assert named.serverInfo.name == "CvT Explorer"
            return await work(session)

    def answer(self, name: str, **given):
        """The answer to a good call as values."""
        [(failed, content)] = self.call((name, given))
        assert not failed, content
        return json.loads(content[0].text)

    def refusals(self, *calls: tuple[str, dict]) -> list[str]:
        answers = self.call(*calls)
        assert all(failed and len(content) == 1 for failed, content in answers), answers
        return [content[0].text for _, content in answers]


@pytest.fixture(scope="module")
def agent(served):
    return Agent(served)


@pytest.fixture(scope="module")
def client(served):
    return Client(served, verbose=False)


def test_tools_are_the_endpoints_with_ranges_and_choices(agent):
    listed = {each.name: each for each in agent.listed()}
    assert set(listed) == set(TOOLS)
    assert listed["explore"].inputSchema["properties"]["stage"]["maximum"] == 8
    assert listed["knock_out"].inputSchema["properties"]["interventions"]["items"]["properties"]["part"]["enum"][0] == "head"
    assert listed["transform"].inputSchema["properties"]["padding"]["enum"] == ["zeros", "reflect", "circular"]
    assert "base64" in listed["predict"].inputSchema["properties"]["picture"]["description"]
    assert listed["predict"].inputSchema["required"] == ["picture"]
    with urllib.request.urlopen(f"{agent.address}/gradio_api/mcp/schema", timeout=30) as answer:  # what the Hub reads of a Space
        assert {each["name"]: each["inputSchema"] for each in json.load(answer)} == {
            name: each.inputSchema for name, each in listed.items()
        }


def test_every_parameter_of_the_table_has_its_type_range_and_meaning_for_programs_too(client):
    described = client.view_api(return_format="dict")["named_endpoints"]
    for endpoint in ENDPOINTS.values():
        shown = {each["parameter_name"]: each for each in described[f"/{endpoint.name}"]["parameters"]}
        assert list(shown) == [each.name for each in endpoint.parameters]
        assert described[f"/{endpoint.name}"]["description"].splitlines()[0].endswith((".", "?"))
        for each in (one for one in endpoint.parameters if one.kind != PICTURE):
            kind = shown[each.name]["type"]
            assert kind["description"] == each.meaning
            assert kind["type"] == ("string" if each.kind in AS_TEXT else each.schema["type"])
            assert [kind.get(name) for name in ("minimum", "maximum", "enum")] == [
                each.schema.get(name) for name in ("minimum", "maximum", "enum")
            ]
            assert shown[each.name]["parameter_has_default"] is (each.default is not REQUIRED)


def test_a_picture_in_base64_an_example_and_an_upload_get_the_same_answer(agent, client, served, random_app):
    uploaded = client.predict(handle_file(str(PHOTO)), api_name="/predict")
    given = in_upload(served)
    answers = [agent.answer("predict", picture=each) for each in (INLINE, PHOTO.stem, given, f"{served}/gradio_api/file={given}")]
    for each in answers:
        assert [one["label"] for one in each["confidences"]] == [one["label"] for one in uploaded["confidences"]]
        np.testing.assert_allclose(
            [x["confidence"] for x in each["confidences"]], [x["confidence"] for x in uploaded["confidences"]], rtol=1e-4
        )
    seen = serving.explore(random_app[0], str(PHOTO)).exploration
    assert answers[0]["label"] == seen.top(1)[0][0]


def in_upload(address: str) -> str:
    """The path that an upload of the photograph gets."""
    body = b'--x\r\nContent-Disposition: form-data; name="files"; filename="photo.jpg"\r\n\r\n' + PHOTO.read_bytes() + b"\r\n--x--\r\n"
    asked = urllib.request.Request(f"{address}/gradio_api/upload", body, {"Content-Type": "multipart/form-data; boundary=x"})
    with urllib.request.urlopen(asked, timeout=30) as answer:
        return json.load(answer)[0]


def test_a_picture_of_8_mb_is_taken(agent):
    large = base64.b64encode(PHOTO.read_bytes().ljust(8_000_000, b"\0")).decode()
    [(failed, content), (_, small)] = agent.call(
        ("predict", {"picture": f"data:image/jpeg;base64,{large}"}), ("predict", {"picture": INLINE})
    )
    assert not failed, content
    assert content == small


def test_typed_settings_reach_an_experiment_and_a_drawn_picture_comes_back(agent, client):
    expected = client.predict(handle_file(str(PHOTO)), json.dumps({"interventions": [PART]}), api_name="/knock_out")
    assert agent.answer("knock_out", picture=INLINE, interventions=[PART])["after"] == expected["after"]
    assert agent.answer("transform", picture=PHOTO.stem, right=16, padding="circular")["is_aligned"] is True
    [(failed, (answer, drawn))] = agent.call(("explore", {"picture": PHOTO.stem, "stage": 2, "overview": True}))
    assert not failed
    assert json.loads(answer.text)["query_grid"] == [24, 24]
    assert base64.b64decode(drawn.data).startswith(b"\x89PNG")


def test_bad_arguments_get_a_sentence_that_says_what_to_change(agent):
    wrong = {
        "Give picture.": ("predict", {}),
        "Set stage to a whole number from 1 to 8.": ("explore", {"picture": PHOTO.stem, "stage": 99}),
        "Set overview to true or false.": ("explore", {"picture": PHOTO.stem, "overview": "yes"}),
        "There is no argument colour: choose among picture, model, how, label.": ("importance", {"picture": PHOTO.stem, "colour": 1}),
        "Set interventions to a JSON list, such as [].": ("knock_out", {"picture": PHOTO.stem, "interventions": "all"}),
        "Set flip to one of these: none, horizontal, vertical.": ("transform", {"picture": PHOTO.stem, "flip": "over"}),
        "There is no stage 7 in this model: choose 1 to 3.": ("features", {"picture": PHOTO.stem, "stage": 7}),
        "There is no such tool here.": ("show", {}),
    }
    assert agent.refusals(*wrong.values()) == list(wrong)


def test_no_file_of_the_server_and_no_address_is_read(agent, tmp_path):
    (tmp_path / "canary.png").write_bytes(PHOTO.read_bytes())
    here = str(tmp_path / "canary.png")
    marked = {"path": here, "meta": {"_type": "gradio.FileData"}}
    refused = agent.refusals(
        *(("predict", {"picture": each}) for each in (here, f"file://{here}", "../koala", marked, [here], 7)),
        ("predict", {"picture": f"{agent.address}/gradio_api/file={here}"}),
        ("predict", {"picture": "http://169.254.169.254/latest"}),
        ("predict", {"picture": "data:image/png;base64,?"}),
        ("predict", {"picture": "data:image/png;base64," + base64.b64encode(b"no picture").decode()}),
        ("knock_out", {"picture": PHOTO.stem, "interventions": [marked]}),
        ("variant", {"picture": PHOTO.stem, "stages": [marked]}),
    )
    assert refused[:7] == [say("not_uploaded")] * 7
    assert refused[7:9] == [say("addresses_off"), say("not_base64")]
    assert not any(str(tmp_path) in each or "Error" in each for each in refused)


def test_an_agents_pictures_are_deleted_like_uploads(agent):
    """A picture in base64 becomes a file of the upload folder that Gradio's own cleaning knows."""
    demo = serving.demo_of(agent.address)
    before = set(demo.upload_file_set)
    agent.answer("predict", picture="data:image/png;base64," + base64.b64encode(PHOTO.read_bytes() + b"\0").decode())
    (added,) = set(demo.upload_file_set) - before
    assert added.startswith(get_upload_folder())
    assert Path(added).read_bytes() == PHOTO.read_bytes() + b"\0"


def status(address: str, method: str = "POST", length: int | None = 2, **headers: str) -> int:
    """The status for a request that announces a body of so many bytes; None: of unknown length. Nothing of it is sent beyond two."""
    host, _, path = address.removeprefix("http://").partition("/")
    connection = http.client.HTTPConnection(host, timeout=30)
    try:
        connection.putrequest(method, f"/{path}", skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.putheader(*(("Transfer-Encoding", "chunked") if length is None else ("Content-Length", str(length))))
        connection.endheaders(b"{}" if length == 2 else b"")
        return connection.getresponse().status
    finally:
        connection.close()


def test_agents_routes_hold_no_connection_and_take_no_more_than_a_picture(agent):
    route = f"{agent.address}/gradio_api/mcp/"
    assert status(route, "GET", 0, Accept="text/event-stream") == 405
    assert status(route, "DELETE", 0) == 405
    assert status(f"{route}sse", "GET", 0) == 404
    assert status(f"{route}messages/?session_id=0") == 404
    assert status(route, length=AGENT_BYTES + 1) == 413
    assert status(route, length=None) == 411
    assert status(route, "GET", 0, Accept="text/html") == 200
