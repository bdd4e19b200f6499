"""The browser's bytes made on a GPU are those made on a CPU, up to one step of their quantisation."""

import numpy as np
import pytest
import torch

from cvt.processor import CvtImageProcessor
from tests.draw.test_payload import model_of, photo
from visualize.container import unpack
from visualize.draw.payload import block_payload, payload
from visualize.explore import explore

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
GPU = torch.device("cuda")


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
    seen = explore(model_of(5), CvtImageProcessor(size=64), photo())
    alike(payload(seen, max_bytes=room, device=GPU), payload(seen, max_bytes=room))
    alike(block_payload(seen, 0, 0, max_bytes=room, device=GPU), block_payload(seen, 0, 0, max_bytes=room))
