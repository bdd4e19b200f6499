"""Gradio's JavaScript client, in Node, gets the same answers as a program in Python."""

import json
import os
import shutil
import subprocess

import numpy as np
import pytest

pytest.importorskip("gradio")

import app
from tests import serving
from tests.helpers import ROOT
from visualize.page.api.table import TOOLS

WEB = ROOT / "tests/web"
PHOTO = str(app.EXAMPLES[0])


@pytest.fixture(scope="module")
def node():
    """Runs Node where the client is installed; its output."""
    path, installed = shutil.which("node"), (WEB / "node_modules/@gradio/client").is_dir()
    if not (path and installed):
        assert not os.environ.get("CI"), "CI must have Node, and run npm ci --prefix tests/web"
        pytest.skip("needs node, and npm ci --prefix tests/web")

    def run(*arguments: str) -> str:
        ended = subprocess.run([path, *arguments], cwd=WEB, capture_output=True, text=True, timeout=120, check=False)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    return run


def test_a_script_asks_the_page(random_app, node):
    workbench, address = random_app
    told = json.loads(node("client/ask.mjs", address, PHOTO).splitlines()[-1])
    seen = serving.explore(workbench, PHOTO).exploration
    assert set(told["endpoints"]) == {f"/{name}" for name in TOOLS}
    label, probability = seen.top(1)[0]
    assert told["predicted"]["confidences"][0]["label"] == told["predicted"]["label"] == label
    assert told["predicted"]["confidences"][0]["confidence"] == pytest.approx(probability, rel=1e-3)
    np.testing.assert_allclose(told["features"]["values"], seen.stages[1].features[2], atol=1e-3)
    assert told["question"]["kind"] == "cells"
    assert "There is no stage 7 in this model: choose 1 to 3." in told["refused"]


def test_the_readmes_script_runs(random_app, node):
    workbench, address = random_app
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    code = readme.split("```js\n")[1].split("```")[0].replace("http://127.0.0.1:7860", address).replace("examples/", f"{ROOT}/examples/")
    label = serving.explore(workbench, PHOTO).exploration.top(1)[0][0]
    assert node("--input-type=module", "--eval", code).startswith(f"{label} [")
