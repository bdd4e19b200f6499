"""Weights that are a by-product of the pass: the payload sends these, and they are what it would compute."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from cvt.processor import CvtImageProcessor
from cvt.runtime import forward as forward_module
from cvt.runtime.runner import Runner
from tests.draw.test_payload import model_of, photo
from visualize.container import unpack
from visualize.draw.payload import block_payload, payload
from visualize.explore import explore


@pytest.fixture
def seen(monkeypatch):
    return explored(model_of(), monkeypatch)


def explored(model, monkeypatch):
    monkeypatch.setattr(forward_module, "FEWEST_ENTRIES", 1)
    found = explore(model, CvtImageProcessor(size=64), photo(), Runner(model))
    assert all(block.quantised is not None for block in blocks(found))
    return found


def blocks(exploration):
    return [block for stage in exploration.stages for block in stage.blocks]


def changed(exploration, change):
    """With ``change`` of every block, which gets the block."""
    stages = [replace(stage, blocks=tuple(change(block) for block in stage.blocks)) for stage in exploration.stages]
    return replace(exploration, stages=tuple(stages))


@pytest.mark.parametrize("room", [8 << 20, 60_000])
def test_they_are_what_would_be_computed_later(seen, room):
    later = changed(seen, replace)
    assert all(block.quantised is None for block in blocks(later))
    assert seen.nbytes - later.nbytes == sum(array.nbytes for block in blocks(seen) for array in block.quantised)
    (header, arrays), (header_later, arrays_later) = (unpack(payload(each, max_bytes=room)) for each in (seen, later))
    assert list(arrays) == list(arrays_later)
    for name in arrays:
        if name.endswith("/weights"):
            assert (np.abs(arrays[name].astype(int) - arrays_later[name]) <= 1).all()
            assert (arrays[name] == arrays_later[name]).mean() > 0.99
        else:
            np.testing.assert_allclose(arrays[name], arrays_later[name], rtol=1e-5)
    for ours, theirs in zip(header.pop("peaks"), header_later.pop("peaks"), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5)
    assert header == header_later


def test_they_are_sent_and_not_computed_again(seen):
    marked = changed(seen, lambda block: block.with_quantised(np.full_like(block.quantised[0], 7), np.full_like(block.quantised[1], 0.25)))
    header, arrays = unpack(payload(marked))
    _, alone = unpack(block_payload(marked, 2, 1, max_bytes=1 << 20))
    for name in [name for name in arrays if name.endswith("/weights")]:
        assert (arrays[name] == 7).all()
    assert (alone["2.1/weights"] == 7).all()
    assert header["peaks"] == [[0.25] * len(stage.blocks) for stage in seen.stages]
    assert unpack(payload(marked, max_bytes=1 << 10))[0]["peaks"] == header["peaks"]


def test_nobody_can_write_to_them(seen):
    assert not any(array.flags.writeable for block in blocks(seen) for array in block.quantised)


@pytest.mark.parametrize("part", ["projection_query.weight", "projection_key.bias"])
@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_what_is_not_finite_is_a_sentence(monkeypatch, part, number):
    """A key's bias adds the same to all scores of a query, so that it is not in the weights, but in the keys."""
    model = model_of()
    with torch.no_grad():
        model.cvt.encoder.stages[2].layers[2].attention.attention.get_parameter(part).view(-1)[0] = number
    found = explored(model, monkeypatch)
    last = found.stages[2]
    # as if nothing behind it had been reached
    broken = replace(
        found, logits=np.zeros_like(found.logits), stages=(*found.stages[:2], replace(last, features=np.zeros_like(last.features)))
    )
    with pytest.raises(ValueError, match="attention weights"):
        payload(broken)
