"""What is cut from a picture for the model: its place, its size, and the same pixels whichever way is fastest, also on a GPU."""

import numpy as np
import pytest
import torch
from PIL import Image

from cvt import CvtImageProcessor
from cvt.runtime.resizing import PictureOnGpu
from tests.processor.test_processor import photograph

GPU = torch.device("cuda" if torch.cuda.is_available() else "cpu")
FILTERS = list(Image.Resampling)


@pytest.mark.parametrize("side", [32, 224, 384])
@pytest.mark.parametrize(("width", "height"), [(640, 480), (300, 301), (100, 999), (384, 384)])
def test_the_crop_is_reported_in_the_pictures_own_pixels(side, width, height):
    """A picture whose pixels hold their own coordinates shows where the crop was."""
    processor = CvtImageProcessor(size=side)
    left, top, right, bottom = processor.crop_box(width, height)
    assert -0.5 <= left < right <= width + 0.5
    assert -0.5 <= top < bottom <= height + 0.5
    x, y = np.tile(np.arange(width), (height, 1)), np.tile(np.arange(height), (width, 1)).T
    assert processor.cut(photograph(width, height)).size == (side, side)
    for low, high, coordinates in ((left, right, x), (top, bottom, y)):
        cut = np.asarray(processor.cut(Image.fromarray(coordinates.astype(np.float32))))
        line = cut[side // 2] if coordinates is x else cut[:, side // 2]
        for position in (side // 4, side // 2, side * 3 // 4):  # away from the edges, where filters see less
            centre = low + (position + 0.5) * (high - low) / side  # of this pixel, in the original
            assert line[position] == pytest.approx(centre - 0.5, abs=0.05)


def test_without_resizing_the_crop_is_everything():
    assert CvtImageProcessor(do_resize=False).crop_box(30, 20) == (0, 0, 30, 20)


@pytest.mark.parametrize(
    "settings", [{"size": 40}, {"size": 40, "crop_pct": 0.9}, {"do_resize": False}, {"size": 40, "do_center_crop": True, "crop_size": 24}]
)
@pytest.mark.parametrize("size", [(61, 40), (40, 61), (333, 37), (24, 24)])
def test_the_size_of_a_cut_is_known_before_it_is_made(settings, size):
    processor = CvtImageProcessor(**settings)
    assert processor.cut_size(*size) == processor.cut(Image.new("RGB", size)).size


def noise(width, height):
    """With an alpha channel, under which Pillow drops colours when it resizes, but not when it copies."""
    return Image.fromarray(np.random.default_rng(width).integers(0, 256, (height, width, 4), np.uint8))


@pytest.mark.parametrize("resample", FILTERS)
@pytest.mark.parametrize("crop_pct", [1.0, 0.875, 0.75])
@pytest.mark.parametrize(
    "size", [(640, 480), (480, 640), (400, 300), (1000, 750), (641, 480), (500, 333), (12, 9), (32, 24), (7, 700), (7, 707)]
)
def test_a_cut_is_the_middle_of_the_resized_picture(size, crop_pct, resample):
    """Where only the middle is resized, it has the same pixels."""
    processor = CvtImageProcessor(size=24, crop_pct=crop_pct, resample=resample)
    edge = int(24 / crop_pct)
    resized = tuple(int(edge * side / min(size)) for side in size)
    left, top = (resized[0] - 24) // 2, (resized[1] - 24) // 2
    for picture in (photograph(*size), noise(*size)):
        expected = picture.resize(resized, resample).crop((left, top, left + 24, top + 24))
        assert np.array_equal(np.asarray(processor.cut(picture)), np.asarray(expected))


def test_of_a_photograph_of_4_to_3_only_the_middle_is_resized(monkeypatch):
    boxes, resize = [], Image.Image.resize
    monkeypatch.setattr(Image.Image, "resize", lambda self, size, *rest: boxes.append(rest[1:]) or resize(self, size, *rest))
    CvtImageProcessor(size=96, crop_pct=1).cut(photograph(640, 480))
    assert boxes == [((80, 0, 560, 480),)]


@pytest.mark.parametrize(
    "settings",
    [
        {"size": 40},
        {"size": 400},
        {"size": 40, "resample": Image.Resampling.LANCZOS},
        {"size": 40, "do_center_crop": True, "crop_size": 24},
        {"size": 40, "do_center_crop": True, "crop_size": 48},  # black around it
        {"do_resize": False, "do_center_crop": True, "crop_size": 30},
        {"do_resize": False},
        {"size": 40, "do_rescale": False},
        {"size": 4, "do_normalize": False},
    ],
)
@pytest.mark.parametrize("picture", [photograph(61, 40), photograph(80, 60, "L"), photograph(40, 40), photograph(3, 400)])
def test_a_gpu_makes_the_same_input(settings, picture):
    channels = len(picture.getbands())
    processor = CvtImageProcessor(**settings, image_mean=[0.4] * channels, image_std=[0.3] * channels)
    cut, values = processor.input_on_gpu(PictureOnGpu(picture, GPU))
    expected = processor.cut(picture)
    assert np.array_equal(cut.cpu().numpy(), np.asarray(expected))
    assert np.array_equal(values.cpu().numpy(), processor.normalize(expected))
    assert (cut.device.type, values.dtype) == (GPU.type, torch.float32)
