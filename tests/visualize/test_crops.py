"""What is cut from a picture is the same whether Pillow resizes it or a GPU."""

import numpy as np
import pytest
import torch
from PIL import Image

from cvt.processor import CvtImageProcessor
from tests.helpers import tiny_model
from visualize import crops
from visualize.crops import cut_and_shown, model_input, pixel_values_of

GPU = torch.device("cuda" if torch.cuda.is_available() else "cpu")


@pytest.fixture(params=[(64, 48), (90, 70), (50, 300), (48, 48)], ids=str)
def picture(request):
    width, height = request.param
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8))


@pytest.mark.parametrize("size", [48, 384])  # from 384 on, the whole picture becomes a square
@pytest.mark.parametrize("large", [1 << 20, 1000])
def test_a_gpu_gives_the_same(picture, size, large, monkeypatch):
    monkeypatch.setattr(crops, "LARGE", large)
    model, processor = tiny_model(), CvtImageProcessor(size=size)
    values, shown = cut_and_shown(model, processor, picture)
    on_gpu, shown_there = crops._on_gpu(processor, picture, GPU)
    assert on_gpu.device.type == GPU.type
    assert torch.equal(values, on_gpu.cpu())
    (pixels, crop, whole), (pixels_there, crop_there, whole_there) = shown(), shown_there()
    assert np.array_equal(pixels, pixels_there)
    assert not pixels.flags.writeable
    assert not pixels_there.flags.writeable
    assert pixels_there.flags.c_contiguous
    assert np.array_equal(np.asarray(crop), np.asarray(crop_there))
    assert (whole is None) == (whole_there is None)
    if whole is not None:  # Pillow makes it in two steps
        assert whole.size == whole_there.size


def test_pixel_values_are_those_of_the_pixels(picture):
    model, processor = tiny_model().to(GPU).double(), CvtImageProcessor(size=48)
    values, shown = cut_and_shown(model, processor, picture)
    assert (values.dtype, values.device.type) == (torch.float64, GPU.type)
    assert torch.equal(values, pixel_values_of(model, processor, shown()[0]))
    assert torch.equal(values, model_input(model, processor, picture))
