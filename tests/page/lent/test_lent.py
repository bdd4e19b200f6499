"""GPUs that are lent as on ZeroGPU: all that runs the model does so in the other process, and its answers, steps and errors arrive."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import spaces
from PIL import Image

pytest.importorskip("gradio")

from tests import serving
from tests.helpers import ROOT, WITHOUT
from visualize.page.lent import caller, gpu

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """What the program ``visitor`` prints."""
    folder = tmp_path_factory.mktemp("lent")
    serving.save_random_model(folder / "model", embed_dim=(8, 16, 32), depth=(1, 1, 2), image_size=64)
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (70, 90, 3), np.uint8)).save(folder / "own.png")
    paths = os.pathsep.join(map(str, (HERE / "zerogpu", WITHOUT, ROOT)))
    ended = subprocess.run(
        [sys.executable, "-m", "tests.page.lent.visitor", folder / "model", folder / "own.png"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": paths, "SPACES_ZERO_GPU": "true", "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout.splitlines()[-1])


def test_the_package_itself_lends_nothing_elsewhere():
    assert gpu.GPU is spaces.GPU
    assert not gpu.LENDS
    assert caller.lent_to(None) is None


def flat(value):
    return list(flat_of(value))


def flat_of(value):
    if isinstance(value, list):
        for each in value:
            yield from flat_of(each)
    elif isinstance(value, (int, float)):
        yield float(value)


def test_every_answer_is_that_of_a_process_with_the_model(report):
    lent, plain = report["lent"], report["plain"]
    assert lent.keys() == plain.keys()
    for name, value in plain.items():
        assert flat(value) or value == []
        np.testing.assert_allclose(flat(lent[name]), flat(value), rtol=2e-3, atol=2e-4, err_msg=name)
    assert lent["built"]
    assert lent["stored"] == 1  # by the other process, for the second picture


def test_the_model_runs_only_where_the_gpu_is(report):
    assert report["forwards"] == 0
    assert report["more"] == 0  # for the workbench that lends none
    assert {name for name, *_ in report["tasks"]} == {"compute_here", "_classes", "_inside", "answered"}
    assert all(0 < seconds <= 120 for _, seconds, _ in report["tasks"])


def test_a_gpu_is_counted_on_the_visitor_who_asks_for_it(report):
    point, task = report["browser"]
    assert point["stage"] == 3
    assert task == ["answered", 20, "a visitor"]


def test_refusals_arrive_in_words_and_whoever_cancels_is_obeyed(report):
    found = report["failures"]
    kind, sentence = found["refused"]
    assert kind == "Refused"
    assert sentence.startswith("Set methods to a list of some of these: cls_attention,")
    assert found["impossible"] == ["InterventionError", "There is no block 9 in stage 0: its blocks are 0 to 0."]
    assert found["mistaken"][0] == "RuntimeError"
    assert found["mistaken"][1].endswith('in mistaken\n    raise AttributeError("a mistake")\nAttributeError: a mistake\n')  # for the log
    assert found["cancelled"][0] == "Cancelled"
    assert found["same"] == [True, False]  # a cancelled task's process does the next one; one that died is replaced


def test_without_a_gpu_there_is_a_sentence_or_an_answer_from_here(report):
    found = report["failures"]
    assert found["killed"] == ["NotLent", "The GPU could not be used: GPU task aborted"]
    assert found["quota"] == ["NotLent", "The GPU could not be used: You have exceeded your quota."]
    assert found["without"] == report["plain"]["classes"]
