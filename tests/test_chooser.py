"""The examples' template, and the order in which choices are worked on."""

import json
import re
import secrets
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

pytest.importorskip("gradio")

import app
from tests.helpers import run_in_node
from visualize.chooser import examples_html
from visualize.intake import NOT_UPLOADED


def chosen(address: str, choice: Any) -> tuple[list[str], dict]:
    """What the page's function for choices says and answers to a choice that no page of ours would send."""
    config = httpx.get(f"{address}/config", timeout=30).json()
    element = next(each["id"] for each in config["components"] if each["props"].get("elem_id") == "picture-examples")
    function = next(each for each in config["dependencies"] if [element, "submit"] in each["targets"])
    session = secrets.token_hex(8)
    call = {"data": [None, None], "fn_index": function["id"], "trigger_id": element, "session_hash": session, "event_data": choice}
    httpx.post(f"{address}/gradio_api/queue/join", json=call, timeout=30).raise_for_status()
    said = []
    with httpx.stream("GET", f"{address}/gradio_api/queue/data", params={"session_hash": session}, timeout=30) as answer:
        for line in answer.iter_lines():
            message = json.loads(line.removeprefix("data: ")) if line else {}
            if message.get("msg") == "log":
                said.append(message["log"])
            if message.get("msg") == "process_completed":
                return said, message["output"]
    raise AssertionError("There was no answer.")


def test_a_forged_choice_reads_nothing_and_gets_one_sentence(served, tmp_path):
    """What a stranger may name as a picture is decided in one place, whichever way it comes."""
    Image.new("RGB", (9, 9)).save(tmp_path / "secret.png")
    for own in (
        {"path": str(tmp_path / "secret.png")},
        {"path": str(tmp_path / "nothing.png")},
        {"path": str(tmp_path / "secret.png"), "meta": {"_type": "gradio.FileData"}},
        {"path": "/proc/self/fd/1"},
        {"url": (tmp_path / "secret.png").as_uri()},
        str(tmp_path / "secret.png"),
        [1],
        7,
    ):
        said, answer = chosen(served, {"own": own})
        assert said == [NOT_UPLOADED], own
        assert "explorer" not in json.dumps(answer)
    for choice, sentence in (
        ({"example": "../koala"}, "There is no such example."),
        ({"example": ["koala"]}, "There is no such example."),
        ({"example": "koala", "model": "cats"}, "There is no model 'cats' here"),
        ({"example": "koala", "model": ["cats"]}, "There is no model ['cats'] here"),
    ):
        said, _ = chosen(served, choice)
        assert len(said) == 1
        assert said[0].startswith(sentence)
    said, answer = chosen(served, {"example": "koala"})
    assert said == []
    assert '"example": "koala"' in json.dumps(answer)


def test_choices_are_worked_on_one_at_a_time():
    run_in_node(Path(__file__).parent / "chooser")


def test_every_example_is_a_button_with_its_name_and_a_small_picture():
    template = examples_html(app.EXAMPLES)
    assert re.findall(r'data-example="(.*?)" aria-label="Example: (.*?)"', template) == [
        (path.stem, path.stem.replace("_", " ")) for path in app.EXAMPLES
    ]
    assert template.count("data:image/webp;base64,") == len(app.EXAMPLES)
    assert len(template) < app.EXAMPLES[0].stat().st_size


def test_the_name_of_a_file_is_text_in_the_template(tmp_path):
    Image.new("RGB", (9, 9)).save(tmp_path / 'a"<b>${x}.png')
    template = examples_html([tmp_path / 'a"<b>${x}.png'])
    assert "<b>" not in template
    assert not re.search(r"\$\{|\{\{", template)  # or Gradio would compute it
