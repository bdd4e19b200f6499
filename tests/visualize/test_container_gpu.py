"""What a GPU hands over in one copy is what its tensors hold."""

import numpy as np
import pytest
import torch

from cvt.runtime.runner import Runner
from tests.helpers import pixels, tiny_model
from visualize.capture import Capture
from visualize.container import frozen_together

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")


def test_tensors_that_share_memory_and_tensors_that_do_not():
    buffer = torch.arange(1000, dtype=torch.float16, device="cuda")
    full = [buffer[100:340].view(4, 6, 10).transpose(0, 1), buffer[340:400].view(1, 60)]  # next to each other: one stretch
    apart = torch.randn(7, 9, device="cuda")
    tensors = [*full, apart.T, apart[2:4, 3:5], torch.tensor(3, device="cuda"), torch.zeros((0, 4), device="cuda")]
    found = frozen_together(tensors)
    for tensor, array in zip(tensors, found, strict=True):
        assert array.dtype == np.float32
        assert not array.flags.writeable
        assert np.array_equal(array, tensor.float().cpu().numpy())


def test_what_a_runner_captured_comes_in_few_pieces(monkeypatch):
    model, sources, cat = tiny_model().cuda(), [], torch.cat
    monkeypatch.setattr(torch, "cat", lambda tensors, *more: (sources.append(len(tensors)), cat(tensors, *more))[1])
    with torch.inference_mode():
        seen = Capture.of(Runner(model)(pixels().cuda(), captures=True).taps)
        blocks = [(stage, block) for stage, depth in enumerate(model.config.depth) for block in range(depth)]
        tensors = [tensor for place in blocks for tensor in seen.query_key(*place)[:2]]
        sources.clear()
        found = frozen_together(tensors)
    assert sources == [1]
    for tensor, array in zip(tensors, found, strict=True):
        assert np.array_equal(array, tensor.cpu().numpy())


def test_tensors_with_gaps_between_them():
    buffer = torch.arange(1000, dtype=torch.float32, device="cuda")
    tensors = [buffer[:10], buffer[500:700].view(20, 10).T]
    for tensor, array in zip(tensors, frozen_together(tensors), strict=True):
        assert np.array_equal(array, tensor.cpu().numpy())
