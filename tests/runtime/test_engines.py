"""A compiled runner gives the model's logits by whichever engine is fastest, and by itself where there is none."""

import logging
import sys
from importlib.util import find_spec

import pytest
import torch

from cvt.runtime import runner as runner_module
from cvt.runtime.onnx import engines as engines_module
from cvt.runtime.onnx.engines import MAKERS, FastestEngine, engines
from cvt.runtime.runner import MAX_SIZES, Runner
from tests.helpers import pixels, tiny_model

INSTALLED = [pytest.param(name, marks=pytest.mark.skipif(find_spec(name) is None, reason=f"needs {name}")) for name in MAKERS]
needs_engine = pytest.mark.skipif(not any(find_spec(name) for name in MAKERS) or find_spec("onnx") is None, reason="needs an engine")


class Clock:
    """Stands in for ``time`` in the module: it goes on only when a run of ``taking`` works."""

    def __init__(self):
        self.now = 0.0

    def perf_counter(self):
        return self.now

    monotonic = perf_counter

    def sleep(self, seconds):
        pass

    def taking(self, seconds, offset=0.0):
        def run(pixel_values):
            self.now += seconds
            run.calls += 1
            return pixel_values.flatten(1)[:, :5] + offset

        run.calls = 0
        return run


@pytest.fixture
def clock(monkeypatch):
    made = Clock()
    monkeypatch.setattr(engines_module, "time", made)
    return made


@pytest.fixture(autouse=True)
def compared_once(monkeypatch):
    monkeypatch.setattr(engines_module, "ROUNDS", 1)
    monkeypatch.setattr(engines_module, "PAUSE", 0.0)


@pytest.mark.parametrize("name", INSTALLED)
@pytest.mark.parametrize("changes", [{}, {"hidden_act": "quick_gelu"}, {"cls_token": (False, False, False)}], ids=str)
def test_an_engine_gives_the_models_logits(name, changes):
    model = tiny_model(**changes)
    run = engines(model, (32, 48))[name]
    for count in (1, 3):
        x = pixels(count, 3, 32, 48)
        with torch.inference_mode():
            torch.testing.assert_close(run(x), model(x).logits, rtol=1e-4, atol=1e-5)


@needs_engine
def test_a_compiled_runner_gives_the_models_logits_and_notices_new_weights():
    model = tiny_model()
    runner = Runner(model, compiled=True)
    for size in [(32, 32), (48, 32), (32, 64)]:
        for count in (1, 2):
            x = pixels(count, 3, *size)
            with torch.inference_mode():
                torch.testing.assert_close(runner.logits(x), model(x).logits, rtol=1e-4, atol=1e-5)
    assert list(runner._weights.engines) == [(48, 32), (32, 64)]
    assert len(runner._weights.engines) == MAX_SIZES
    with torch.no_grad():
        model.classifier.bias += 1
    with torch.inference_mode():
        torch.testing.assert_close(runner.logits(x), model(x).logits, rtol=1e-4, atol=1e-5)


def test_what_is_captured_and_other_dtypes_are_computed_here(monkeypatch):
    monkeypatch.setattr(runner_module, "engines", lambda model, size: pytest.fail("no engine is needed"))
    with torch.inference_mode():
        assert Runner(tiny_model(), compiled=True)(pixels(), captures=True).taps
        assert Runner(tiny_model().double(), compiled=True)(pixels().double()).logits.dtype == torch.float64
        assert Runner(tiny_model())(pixels()) is not None


def test_without_a_package_it_computes_itself(monkeypatch):
    monkeypatch.setattr(engines_module, "find_spec", lambda name: None)
    model = tiny_model()
    assert engines(model, (32, 32)) == {}
    with torch.inference_mode():
        torch.testing.assert_close(Runner(model, compiled=True).logits(pixels()), Runner(model).logits(pixels()))


@needs_engine
def test_an_engine_that_fails_is_left_out(monkeypatch, caplog):
    def broken(file):
        raise RuntimeError("illegal instruction")

    monkeypatch.setattr(engines_module, "MAKERS", dict.fromkeys(MAKERS, broken))
    with caplog.at_level(logging.WARNING):
        assert engines(tiny_model(), (32, 32)) == {}
    assert "left out" in caplog.text


@needs_engine
def test_onnx_that_cannot_be_imported_is_done_without(monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "cvt.runtime.onnx.graph", None)
    with caplog.at_level(logging.WARNING):
        assert engines(tiny_model(), (32, 32)) == {}
    assert "left out" in caplog.text


def test_one_that_fails_at_a_number_of_pictures_is_left_out_there(clock, caplog):
    own, fast = clock.taking(2.0), clock.taking(1.0)

    def small(pixel_values):
        if len(pixel_values) > 1:
            raise MemoryError
        return fast(pixel_values)

    engine = FastestEngine(own, {"small": small})
    for count in (2, 1, 2):
        x = pixels(count, 3, 8, 8)
        assert torch.equal(engine(x), own(x))
    assert "does not run 2 pictures" in caplog.text
    assert fast.calls == 2 + 1


def test_nobody_gets_an_engine_with_weights_from_before_a_change(monkeypatch):
    """While one pass packs new weights, another thread's begins an engine for the old ones."""
    model, x = tiny_model(), pixels()
    monkeypatch.setattr(runner_module, "engines", lambda model, size: {})
    runner = Runner(model, compiled=True)
    original = runner_module._Weights

    def packed(model):
        weights = original(model)
        runner._answer(runner._weights, x, False, None)  # another thread's, with what it got before
        return weights

    monkeypatch.setattr(runner_module, "_Weights", packed)
    with torch.no_grad():
        model.classifier.bias += 1
    with torch.inference_mode():
        torch.testing.assert_close(runner.logits(x), model(x).logits, rtol=1e-4, atol=1e-5)


def test_the_fastest_is_chosen_for_each_number_of_pictures_and_compared_once(clock):
    own, slow, fast = clock.taking(2.0), clock.taking(3.0), clock.taking(1.0)
    engine = FastestEngine(own, {"slow": slow, "fast": fast})
    for _ in range(3):
        engine(pixels(2, 3, 8, 8))
    assert [each.calls for each in (own, slow, fast)] == [2, 2, 2 + 3]
    engine(pixels(1, 3, 8, 8))
    assert [each.calls for each in (own, slow, fast)] == [4, 4, 2 + 3 + 2 + 1]


def test_one_with_other_logits_is_not_chosen(clock):
    own, wrong, broken = clock.taking(2.0), clock.taking(1.0, offset=0.1), clock.taking(1.0, offset=float("nan"))
    engine = FastestEngine(own, {"wrong": wrong, "broken": broken})
    assert torch.equal(engine(pixels()), own(pixels()))
    assert wrong.calls == broken.calls == 1


def test_what_is_known_is_bounded(clock, monkeypatch):
    monkeypatch.setattr(engines_module, "MOST_CHOSEN", 2)
    own = clock.taking(1.0)
    engine = FastestEngine(own, {})
    for count in (1, 2, 3, 1):
        assert len(engine(pixels(count, 3, 8, 8))) == count
    assert len(engine._chosen) <= 2
