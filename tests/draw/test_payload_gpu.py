"""The browser's bytes made on a GPU are those made on a CPU, up to one step of their quantisation."""

import numpy as np
import pytest
import torch

from cvt.processor import CvtImageProcessor
from tests.draw.test_payload import broken, model_of, photo
from visualize.container import unpack
from visualize.draw.payload import block_payload, payload
from visualize.explore import explore
from visualize.maps.features import component_colours

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
GPU = torch.device("cuda")
SHAPES = [(64, 24, 24), (128, 12, 12), (200, 6, 7), (2, 5, 5)]


def alike(content: bytes, expected: bytes) -> None:
    (header, arrays), (wanted, others) = unpack(content), unpack(expected)
    peaks, expected_peaks = header.pop("peaks", []), wanted.pop("peaks", [])
    for stage, others_stage in zip(peaks, expected_peaks, strict=True):
        assert stage == pytest.approx(others_stage, rel=1e-5)
    for stage, others_stage in zip(header.get("stages", []), wanted.get("stages", []), strict=True):
        assert stage.pop("explained") == pytest.approx(others_stage.pop("explained"), abs=1e-9)
    assert header == wanted
    assert arrays.keys() == others.keys()
    for name, array in arrays.items():
        np.testing.assert_allclose(
            array.astype(np.float64), others[name].astype(np.float64), rtol=1e-4, atol=1 if array.dtype == np.uint8 else 1e-5
        )


@pytest.mark.parametrize("room", [8 << 20, 1 << 16])
def test_a_gpu_makes_the_same_bytes(room):
    model = model_of(5)
    for width in (120, 140, 160):  # the second is recorded, the third replayed
        seen = explore(model, CvtImageProcessor(size=64), photo(width))
        alike(payload(seen, max_bytes=room, device=GPU), payload(seen, max_bytes=room))
    alike(block_payload(seen, 0, 0, max_bytes=room, device=GPU), block_payload(seen, 0, 0, max_bytes=room))


@pytest.mark.parametrize("rank", [0, 1, 2, 5])
def test_a_gpu_finds_the_same_components(rank):
    random = np.random.default_rng(rank)
    maps = [random.normal(size=(c, rank)) @ random.normal(size=(rank, h * w)) for c, h, w in SHAPES]
    maps = [torch.tensor(values.reshape(shape) + 1, dtype=torch.float32) for values, shape in zip(maps, SHAPES, strict=True)]
    found = component_colours([each.to(GPU) for each in maps])
    for (rgb, explained), (expected, shares) in zip(found, component_colours(maps), strict=True):
        assert explained.tolist() == pytest.approx(shares.tolist(), abs=1e-9)
        assert (rgb.cpu().int() - expected.int()).abs().max() <= 1


def test_without_a_wait_for_the_gpu():
    maps = [torch.randn(shape, device=GPU) for shape in SHAPES]
    torch.cuda.set_sync_debug_mode("error")
    try:
        component_colours(maps)
    finally:
        torch.cuda.set_sync_debug_mode("default")


@pytest.mark.parametrize("part", ["stage", "scores", "attention"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_gpu_notices_numbers_that_are_not_finite(part, value):
    with pytest.raises(ValueError, match="gives NaN or infinity"):
        payload(explore(broken(part, value), CvtImageProcessor(size=64), photo()), device=GPU)
