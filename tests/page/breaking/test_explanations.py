"""The questions about explanations: against the library, their refusals, what is kept, and that they end when nobody waits."""

import threading

import numpy as np
import pytest
import torch

pytest.importorskip("starlette")

from PIL import Image

from cvt import CvtImageProcessor
from cvt.architecture.build import Cancelled
from tests.helpers import tiny_model
from visualize.maps.explain import METHODS, RANDOM, Case
from visualize.maps.trial.trial import beats_random, judged, mapped
from visualize.page.breaking import explanations
from visualize.page.breaking.explanations import explain, trial
from visualize.page.requests import Request
from visualize.page.words.sentences import Refused
from visualize.page.workbench import Workbench


@pytest.fixture(scope="module")
def workbench(tmp_path_factory):
    folder = tmp_path_factory.mktemp("explanations")
    tiny_model(num_labels=4, image_size=48).save_pretrained(folder / "model")
    CvtImageProcessor(size=48).save_pretrained(folder / "model")
    paths = []
    for seed in range(3):
        small = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
        paths.append(folder / f"picture{seed}.png")
        Image.fromarray(small).resize((48, 48), Image.Resampling.BICUBIC).save(paths[-1])
    return Workbench(str(folder / "model"), "cpu", kept=paths)


@pytest.fixture(scope="module")
def result(workbench):
    return workbench.explore(Request(model=workbench.names[0], picture=next(iter(workbench.examples.values()))))


def nothing(step, share):
    pass


def case_of(workbench, result, target):
    model = workbench.loaded()
    values = torch.from_numpy(model.processor.normalize(Image.fromarray(result.exploration.pixels)))[None]
    return Case(model.model, values, target)


def test_the_answer_is_the_librarys(workbench, result):
    shares = []
    asked = {"key": result.key, "label": result.exploration.labels[2], "stage": 2}
    answer = explain(workbench, asked, lambda step, share: shares.append((step, share)))
    own = case_of(workbench, result, 2)
    expected = judged(own, mapped(own, list(METHODS), 1))
    assert [each["method"] for each in answer["maps"]] == [*METHODS, RANDOM, RANDOM]
    for sent, each in zip(answer["maps"], expected, strict=True):
        np.testing.assert_allclose(sent["values"], each.explanation.values, rtol=1e-3, atol=1e-6 * abs(each.explanation.values).max())
        assert sent["grid"]["shape"] == list(each.explanation.grid.shape)
        assert sent["deletion"] == pytest.approx(each.curves.deletion, rel=1e-3)
        assert sent["insertion_area"] == pytest.approx(each.curves.insertion_area, rel=1e-3)
        assert sent["agreement"] == pytest.approx(each.agreement, abs=1e-3)
        assert (sent["survives"] is None) == (each.survives is None) == (sent["method"] == RANDOM)
        assert sent["beats"] == (None if sent["method"] == RANDOM else beats_random(each, expected))
        assert sent["of_class"] == (sent["method"] not in ("cls_attention", "rollout", RANDOM))
    stages = {each["method"]: each["stage"] for each in answer["maps"]}
    assert (stages["cls_attention"], stages["legrad"], stages["grad_cam"], stages["rollout"]) == (3, 2, 2, None)
    assert answer["label"] == result.exploration.labels[2]
    assert answer["shares"] == pytest.approx(expected[0].curves.shares, abs=1e-3)
    assert shares == sorted(shares)
    assert shares[0][1] == 0
    assert 0.7 < shares[-1][1] <= 1


def test_by_default_it_is_the_most_probable_class_and_maps_are_kept_for_their_measures(workbench, result, monkeypatch):
    answer = explain(workbench, {"key": result.key, "methods": ["rollout", "occlusion"], "measures": []}, nothing)
    assert answer["label"] == result.exploration.top()[0][0]
    assert (answer["shares"], answer["maps"][0]["deletion_area"], answer["maps"][0]["beats"]) == (None, None, None)
    monkeypatch.setattr(explanations, "mapped", lambda *_: pytest.fail("computed again"))
    again = explain(workbench, {"key": result.key, "methods": ["rollout", "occlusion"], "measures": ["agreement"]}, nothing)
    assert again["maps"][1]["values"] == answer["maps"][1]["values"]
    assert again["maps"][1]["agreement"] is not None


@pytest.mark.parametrize(
    "wrong",
    [
        {"key": "gone"},
        {"label": "no such class"},
        {"label": ["cat"]},
        {"methods": "rollout"},
        {"methods": ["luck"]},
        {"measures": [None]},
        {"stage": 0},
        {"stage": 4},
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused_in_words(workbench, result, wrong):
    with pytest.raises(Refused):
        explain(workbench, {"key": result.key, **wrong}, nothing)


def test_over_the_examples_each_picture_counts_once_and_is_kept(workbench, result, monkeypatch):
    calls = []

    def cancelled(step, share):
        calls.append(share)
        if share > 0.5:
            raise Cancelled

    with pytest.raises(Cancelled):
        trial(workbench, {"key": result.key}, cancelled)
    counted = len(calls)
    shares = []
    answer = trial(workbench, {"key": result.key}, lambda step, share: shares.append(share))
    assert len(shares) < 2 * counted  # the first picture is not tried again
    assert shares == sorted(shares)
    assert answer["pictures"] == 3
    assert [row["method"] for row in answer["rows"]] == list(METHODS)
    areas = []
    for path in workbench.examples.values():
        shown = workbench.explore(Request(model=workbench.names[0], picture=path))
        own = case_of(workbench, shown, int(shown.exploration.probabilities.argmax()))
        (only,) = judged(own, mapped(own, ["relevance"]), ["curves"])
        areas.append(only.curves.deletion_area)
    row = next(row for row in answer["rows"] if row["method"] == "relevance")
    assert row["deletion"] == {
        "mean": pytest.approx(np.mean(areas), 1e-3),
        "deviation": pytest.approx(np.std(areas, ddof=1), 1e-3),
        "count": 3,
    }
    monkeypatch.setattr(explanations, "judged", lambda *_: pytest.fail("tried again"))
    assert trial(workbench, {"key": result.key}, nothing) == answer


def test_every_pass_waits_for_its_turn_and_ends_when_nobody_waits(workbench, result):
    for _ in range(2):
        workbench.passes.acquire()
    begun, ended = threading.Event(), threading.Event()

    def work():
        try:
            explain(workbench, {"key": result.key, "label": result.exploration.labels[1], "measures": []}, lambda step, share: begun.set())
        finally:
            ended.set()

    worker = threading.Thread(target=work)
    worker.start()
    assert begun.wait(20)
    assert not ended.wait(0.2)
    for _ in range(2):
        workbench.passes.release()
    worker.join(20)
    assert ended.is_set()
    for most in (0, 0.3, 0.6):

        def stop(step, share, most=most):
            if share >= most:
                raise Cancelled

        with pytest.raises(Cancelled):
            explain(workbench, {"key": result.key, "label": result.exploration.labels[3]}, stop)
    for _ in range(2):  # whatever was ended has handed its turn back
        assert workbench.passes.acquire(timeout=1)
        workbench.passes.release()
