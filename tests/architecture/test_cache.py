"""The cache of built models: its bounds, one build for all who wait, others undisturbed, and whoever gives up."""

import threading

import pytest
import torch

from cvt.architecture import cache as cache_module
from cvt.architecture.build import Cancelled, build_variant, model_bytes
from cvt.architecture.cache import VariantCache
from cvt.architecture.cost import cost
from cvt.config import CvtConfig


def small(**changes):
    fields = {"depth": (1, 1, 2), "embed_dim": (8, 16, 24), "num_heads": (1, 2, 3), "drop_path_rate": 0.0, "num_labels": 5}
    return CvtConfig(**{**fields, **changes})


def test_the_cache_keeps_the_last_used_by_count():
    cache = VariantCache(max_count=2)
    first, second = cache.get(small(), 0), cache.get(small(), 1)
    assert cache.get(small(), 0) is first
    cache.get(small(), 2)  # drops seed 1, the one used longest ago
    assert len(cache.kept) == 2
    assert cache.get(small(), 0) is first
    again = cache.get(small(), 1)
    assert again is not second
    assert torch.equal(again.classifier.weight, second.classifier.weight)


def test_the_cache_keeps_no_more_bytes_than_allowed():
    size = model_bytes(build_variant(small()))
    assert size == cost(small(), 32, 32).weight_bytes
    cache = VariantCache(max_count=10, max_bytes=2 * size)
    models = [cache.get(small(), seed) for seed in range(3)]
    assert cache.kept.nbytes == 2 * size
    assert cache.get(small(), 2) is models[2]
    tight = VariantCache(max_bytes=size - 1)
    assert tight.get(small()) is not tight.get(small())
    assert (len(tight.kept), tight.kept.nbytes) == (0, 0)


def test_configurations_that_differ_anywhere_are_different_models():
    cache = VariantCache()
    assert cache.get(small()) is not cache.get(small(hidden_act="quick_gelu"))
    assert cache.get(small()) is cache.get(small().replace())


def test_one_build_serves_all_who_wait_for_it_and_others_do_not_wait():
    started, finish, builds = threading.Event(), threading.Event(), []

    def slow(config, seed):
        builds.append(seed)
        if seed == 0:
            started.set()
            assert finish.wait(10)
        return build_variant(config, seed)

    cache, results = VariantCache(build=slow), []
    threads = [threading.Thread(target=lambda: results.append(cache.get(small(), 0))) for _ in range(3)]
    for thread in threads:
        thread.start()
    assert started.wait(10)
    cache.get(small(), 1)  # returns although seed 0 is still being built
    finish.set()
    for thread in threads:
        thread.join()
    assert builds.count(0) == 1
    assert results[0] is results[1] is results[2]


def test_a_failed_build_is_told_and_tried_again():
    outcomes = [RuntimeError("no memory"), None]

    def fails_once(config, seed):
        if error := outcomes.pop(0):
            raise error
        return build_variant(config, seed)

    cache = VariantCache(build=fails_once)
    with pytest.raises(RuntimeError, match="no memory"):
        cache.get(small())
    assert cache.get(small()) is cache.get(small())


def test_a_cache_of_nothing_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        VariantCache(max_count=0)


def test_inherited_and_random_models_are_different_ones_and_so_are_those_of_two_bases():
    bases = [build_variant(small(), seed) for seed in (1, 2)]
    cache = VariantCache()
    models = [cache.get(small(), 0), *(cache.get(small(), 0, base) for base in bases)]
    assert len({id(model) for model in models}) == len(cache.kept) == 3
    assert cache.get(small(), 0, bases[1]) is models[2]
    for base, model in zip(bases, models[1:], strict=True):
        assert torch.equal(model.classifier.weight, base.classifier.weight)
        assert model is not base


def test_a_build_of_ones_own_gets_what_the_default_gets():
    seen = []

    def build(*given, **watching):
        seen.append((given, watching))
        return build_variant(small())

    cache, base, hear = VariantCache(build=build, inherit=build), build_variant(small()), lambda share: None
    cache.get(small(), 3)
    cache.get(small(), 3, base)
    cache.get(small(), 4, base, hear)
    assert seen == [((small(), 3), {}), ((base, small(), 3), {}), ((base, small(), 4), {"watch": hear})]


class Gate:
    """A build that waits until it is let through, and tells its watch every few milliseconds."""

    def __init__(self):
        self.started, self.finish, self.builds = threading.Event(), threading.Event(), 0

    def __call__(self, config, seed, watch=None):
        self.builds += 1
        self.started.set()
        while not self.finish.wait(0.005):
            if watch is not None:
                watch(0.5)
        return build_variant(config, seed)


def in_thread(function):
    found = []

    def run():
        try:
            found.append(function())
        except Cancelled as error:
            found.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, found


def cancelling(event):
    def watch(share):
        if event.is_set():
            raise Cancelled

    return watch


@pytest.fixture
def waiting(monkeypatch):
    """A semaphore that is released by everyone who begins to wait for another's build."""
    wait, entered = cache_module._waited, threading.Semaphore(0)

    def waited(*args):
        entered.release()
        return wait(*args)

    monkeypatch.setattr(cache_module, "_waited", waited)
    return entered


def test_who_gives_up_gets_nothing_and_nothing_is_kept():
    gate, stop = Gate(), threading.Event()
    cache = VariantCache(build=gate)
    thread, found = in_thread(lambda: cache.get(small(), watch=cancelling(stop)))
    assert gate.started.wait(10)
    stop.set()
    thread.join(10)
    assert isinstance(found[0], Cancelled)
    assert len(cache.kept) == 0
    gate.finish.set()
    assert cache.get(small()) is cache.get(small())


def test_when_the_builder_gives_up_those_who_wait_still_get_the_model(waiting):
    gate, stop = Gate(), threading.Event()
    cache = VariantCache(build=gate)
    first, given_up = in_thread(lambda: cache.get(small(), watch=cancelling(stop)))
    assert gate.started.wait(10)
    second, found = in_thread(lambda: cache.get(small()))
    third, other = in_thread(lambda: cache.get(small(), watch=lambda share: None))
    assert waiting.acquire(timeout=10)
    assert waiting.acquire(timeout=10)  # both wait now
    stop.set()
    first.join(10)
    gate.finish.set()
    second.join(10)
    third.join(10)
    assert isinstance(given_up[0], Cancelled)
    assert found[0] is other[0] is cache.get(small())
    assert gate.builds == 2


def test_who_only_waits_can_give_up_too_and_the_build_goes_on():
    gate, stop = Gate(), threading.Event()
    cache = VariantCache(build=gate)
    first, built = in_thread(lambda: cache.get(small()))
    assert gate.started.wait(10)
    second, found = in_thread(lambda: cache.get(small(), watch=cancelling(stop)))
    stop.set()
    second.join(10)
    assert isinstance(found[0], Cancelled)
    gate.finish.set()
    first.join(10)
    assert cache.get(small()) is built[0]
    assert gate.builds == 1


def test_a_build_that_runs_into_a_time_limit_is_told_to_all(waiting):
    gate = threading.Event()

    def late(config, seed, watch=None):
        assert gate.wait(10)
        raise TimeoutError("too slow")

    cache, errors = VariantCache(build=late), []

    def ask():
        try:
            cache.get(small(), watch=lambda share: None)
        except TimeoutError as error:
            errors.append(str(error))

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    assert waiting.acquire(timeout=10)
    gate.set()
    for thread in threads:
        thread.join(10)
    assert errors == ["too slow"] * 2


def test_a_build_keeps_nobody_else_waiting():
    """At every step of a build, another thread gets what is kept."""
    base, cache = build_variant(small()), VariantCache()
    kept, steps = cache.get(small()), []

    def watch(share):
        thread, found = in_thread(lambda: cache.get(small()))
        thread.join(10)
        assert found, f"it waits at {share:.0%} of the build"
        assert found[0] is kept
        steps.append(share)

    built = cache.get(small(depth=(1, 1, 3)), 0, base, watch)
    assert torch.equal(built.classifier.weight, base.classifier.weight)
    assert len(steps) > 20
