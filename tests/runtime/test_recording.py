"""A recorded function gives what the function gives, for the arrays of each call, also from several threads at once."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from cvt.runtime.recording import Recorded

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
GPU = torch.device("cuda")


def work(tensors, factor):
    first, second = tensors  # (1, rows, 5), (4, 7, 2)
    return [(first * factor).to(torch.uint8), second.double().sum(dim=0), first[0].argsort(dim=1, descending=True)]


def groups(seed, rows=3):
    rng = np.random.default_rng(seed)
    return [[rng.uniform(0, 20, (rows, 5)).astype(np.float32)], [rng.normal(size=(7, 2)).astype(np.float32) for _ in range(4)]]


def check(found, given, factor):
    (first,), second = given
    assert [each.dtype for each in found] == [np.uint8, np.float64, np.int64]
    assert np.array_equal(found[0], (first[None] * np.float32(factor)).astype(np.uint8))
    np.testing.assert_allclose(found[1], np.stack(second).astype(np.float64).sum(axis=0), rtol=1e-12)
    assert np.array_equal(found[2], np.argsort(-first, axis=1))


def test_each_call_gets_its_own_results():
    recorded = Recorded(work)
    for seed in range(4):  # the first computes, the second records, the others replay
        check(recorded.begin(GPU, groups(seed), 3)(), groups(seed), 3)
    check(recorded.begin(GPU, groups(9), 5)(), groups(9), 5)  # another setting is another recording
    check(recorded.begin(GPU, groups(9, rows=8), 3)(), groups(9, rows=8), 3)


def test_results_that_are_fetched_late_are_still_their_own():
    recorded = Recorded(work)
    pending = [recorded.begin(GPU, groups(seed), 3) for seed in range(5)]
    for seed, result in reversed(list(enumerate(pending))):
        check(result(), groups(seed), 3)


def test_threads_do_not_mix_their_results():
    recorded = Recorded(work)

    def ask(seed):
        rows = 2 + seed % 3
        check(recorded.begin(GPU, groups(seed, rows), 3)(), groups(seed, rows), 3)

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(ask, range(60)))


def test_only_the_most_recently_used_are_kept():
    recorded = Recorded(work, most=2)
    for rows in (2, 3, 2, 4, 5, 2):
        check(recorded.begin(GPU, groups(1, rows), 3)(), groups(1, rows), 3)
        assert len(recorded._known) <= 2
