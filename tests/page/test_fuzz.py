"""Whatever is sent to an endpoint, a tool or a route comes back as an answer or a sentence: no failure, no traceback, no path, and soon."""

from __future__ import annotations

import json
import logging
import re
from urllib.parse import quote

import pytest

pytest.importorskip("gradio")
pytest.importorskip("mcp")

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import app
from tests import serving
from tests.page.calls import Server, is_clean
from visualize.page.api.parameters import CHOICE, FLAG, LIST, NUMBER, OBJECT, PICTURE, REQUIRED, TEXT, WHOLE, Parameter
from visualize.page.api.table import ENDPOINTS, TOOLS
from visualize.page.link.choices import TABLE
from visualize.page.routes import routes
from visualize.page.words.sentences import say
from visualize.page.workbench import Workbench

SMALL = {"embed_dim": (8, 16, 32), "num_heads": (1, 1, 2), "depth": (1, 1, 1), "image_size": 32}
EXAMPLE = app.EXAMPLES[0]
SLOW = {"trial", "importance", "explain", "lesson_answer", "variant"}  # which get odd values only, or a test of this kind takes minutes


def seeded(examples: int):
    """The same examples in every run: more would find little that these do not, and take as many seconds."""
    checks = list(HealthCheck)
    return settings(
        max_examples=examples, derandomize=True, database=None, deadline=None, phases=[Phase.generate], suppress_health_check=checks
    )


ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**12), 10**12),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(
        [
            "/etc/passwd", "../../hosts", "http://127.0.0.1:9/x.png", "file:///etc/passwd", "\0", "{}", "[" * 2000, "'; DROP", "<b>x</b>",
            {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}, "x" * 3000, "NaN", "1e999", "data:image/png;base64,AAAA",
        ]
    ),
)  # fmt: skip
JSON = st.recursive(ODD, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3), max_leaves=6)


def fitting(parameter: Parameter, names: tuple[str, ...] = ()) -> st.SearchStrategy:
    """Values of the parameter's own kind, mostly small ones."""
    if parameter.kind in (WHOLE, NUMBER):
        least, most = int(parameter.least), int(min(parameter.most, 1000))
        return st.integers(least, min(most, least + 4)) | st.sampled_from([least, most, least - 1, most + 1])
    return {
        FLAG: st.booleans(),
        CHOICE: st.sampled_from(parameter.choices or ("",)),
        TEXT: st.sampled_from(("", *names)) | st.text(max_size=8),
        LIST: st.lists(st.sampled_from([{}, {"stride_kv": 1}, {"depth": 2}, {"stage": 1, "block": 1, "part": "mlp"}]) | JSON, max_size=3),
        OBJECT: st.sampled_from([{}, {"stages": [{}, {"stride_kv": 1}, {}]}, {"weights": "random", "seed": 3}]) | JSON,
        PICTURE: st.just(EXAMPLE.stem),
    }[parameter.kind]


NAMES = ("cls", "far", "tab=break&off=1.1.mlp", "stage=3&row=1&col=1", "format: 1\nname: x", EXAMPLE.stem)


def arguments(parameters: tuple[Parameter, ...], odd: bool) -> st.SearchStrategy[dict]:
    """Arguments of which most fit; or at least one does not."""
    mixed = {each.name: fitting(each, NAMES) if not odd else fitting(each, NAMES) | JSON for each in parameters}
    needed = {each.name for each in parameters if each.default is REQUIRED}
    return st.fixed_dictionaries(
        {name: value for name, value in mixed.items() if name in needed}, optional={n: v for n, v in mixed.items() if n not in needed}
    )


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fuzz")
    serving.save_random_model(folder / "model", **SMALL)
    workbench = Workbench(str(folder / "model"), "cpu", kept=[EXAMPLE])
    with serving.app_of(workbench) as address:
        yield Server(address, workbench, folder, folder)


@pytest.fixture(autouse=True)
def _nothing_fails(caplog):
    """A failure is logged with its traceback, a refusal is not."""
    yield
    bad = [record for record in caplog.get_records("call") if record.levelno >= logging.ERROR or record.exc_info]
    assert bad == [], [(record.getMessage(), record.exc_info) for record in bad]


def check(answer: str, *asked: object) -> None:
    """It has no traceback, no path of this machine, and is not the sentence for what went wrong here."""
    assert is_clean(answer), (asked, answer[:500])
    assert say("failed") not in answer, asked
    assert not re.search(r"/(work|root|usr|opt|home)/", answer), (asked, answer[:500])


@pytest.fixture(scope="module")
def labels(server) -> dict[int, str]:
    """The components' labels, by which endpoints name what they take."""
    return {each["id"]: each["props"].get("label") for each in json.loads(server.get("/config")[1])["components"]}


@seeded(4)
@given(st.data())
def test_every_endpoint(server, labels, data):
    """As the queue takes them: all endpoints in one line, each with arguments of its own."""
    calls = []
    for function in server.functions:
        name = function["api_name"]
        if name not in TOOLS:
            continue
        tool = TOOLS[name]
        values = data.draw(arguments((*tool.parameters, *tool.packed), odd=name in SLOW or data.draw(st.booleans())))
        if name in SLOW and tool.parameters[0].kind == PICTURE:
            values["picture"] = data.draw(ODD)
        values = {key: server.workbench.examples.get(str(value), value) if key == "picture" else value for key, value in values.items()}
        if tool.takes_settings:
            values["settings"] = json.dumps(values)
        asked = [values.get(labels[each]) for each in function["inputs"]]
        calls.append((function["id"], [json.dumps(each) if isinstance(each, list) else each for each in asked], None))
    assert len(calls) == len(TOOLS)
    for call, answer in zip(calls, server.queue(calls, "fuzz"), strict=True):
        if answer["success"]:
            json.dumps(answer["output"]["data"])
        else:
            sentence = answer["output"]["error"]
            assert sentence, call
            assert sentence[0].isupper(), (call, sentence)
            check(sentence, call)


@seeded(6)
@given(st.data())
def test_every_tool(server, data):
    """As an agent calls them, and what is no call."""
    headers = {"Accept": "application/json, text/event-stream"}
    for name, tool in TOOLS.items():
        if data.draw(st.integers(0, 3)):
            continue
        given = data.draw(arguments((*tool.parameters, *tool.packed), odd=True) | st.dictionaries(st.text(max_size=8), JSON, max_size=3))
        if name in SLOW:
            given["picture"] = data.draw(ODD)
        call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": name, "arguments": given}}
        status, answer = server.send("POST", "/gradio_api/mcp/", json.dumps(call).encode(), **headers)
        assert status < 500, (call, answer)
        check("" if '"isError":false' in answer else answer, call)
    params = data.draw(JSON)
    body = json.dumps(data.draw(st.sampled_from([params, {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}]))).encode()
    status, answer = server.send("POST", "/gradio_api/mcp/", body, **headers)
    assert status < 500, (body, answer)
    assert not re.search(r"Traceback|\.py\b|site-packages", answer)


@seeded(5)
@given(st.data())
def test_every_route_of_the_page(server, data):
    key = server.workbench.explore(serving.Request(model=server.workbench.names[0], picture=server.workbench.examples[EXAMPLE.stem])).key
    for route in routes(server.workbench):
        methods = (route.methods or {"GET"}) - {"HEAD"}  # a folder of scripts names none
        path = route.path.replace("{file:path}", "{key}")
        path = path.replace("{stage:int}", str(data.draw(st.integers(0, 4)))).replace("{block:int}", str(data.draw(st.integers(0, 4))))
        path = path.replace("{key}", data.draw(st.just(key) | st.text(max_size=12).map(lambda text: quote(text, safe=""))))
        slow = any(path == f"/break/{name}" for name in SLOW)
        given = data.draw(JSON | st.dictionaries(st.sampled_from(["stage", "block", "stages", "query", "run", "text", "picture"]), JSON))
        if isinstance(given, dict) and not slow:
            given |= data.draw(st.sampled_from([{}, {"key": key}, {"key": 7}]))
        body = json.dumps(given).encode() if "POST" in methods else None
        method = next(iter(methods))
        status, answer = server.send(method, path, body)
        assert status < 500, (path, given, answer)
        if status != 200 or path.startswith("/break/"):
            check(answer if '"result"' not in answer else "", path, given)


@seeded(20)
@given(st.data())
def test_a_link_to_the_page_and_gradios_own_routes(server, data):
    keys = [choice.key for choice in TABLE.values()]
    pairs = data.draw(st.lists(st.tuples(st.sampled_from(keys) | st.text(max_size=5), st.text(max_size=8)), max_size=4))
    query = "&".join(f"{quote(name)}={quote(value)}" for name, value in pairs)
    status, _ = server.get(f"/?{query}")
    assert status == 200
    name = data.draw(st.sampled_from([*ENDPOINTS, "load", "nothing"]))
    body = data.draw(st.fixed_dictionaries({"data": JSON}, optional={"fn_index": JSON, "session_hash": JSON, "trigger_id": JSON}))
    for door in (f"call/{name}", f"call/v2/{name}", "queue/join", "cancel", "reset", "upload"):
        status, answer = server.send("POST", f"/gradio_api/{door}", json.dumps(body).encode())
        assert status < 500, (door, body, answer)
        assert is_clean(answer), (door, body, answer)
    path = quote(data.draw(st.text(max_size=12)), safe="/=:")
    status, answer = server.get(f"/gradio_api/file={path}")
    assert status in (403, 404, 400), (path, status)
