"""Pictures resized in whole numbers are Pillow's, bit for bit; on a GPU too where there is one."""

import numpy as np
import pytest
import torch
from PIL import Image

from cvt.runtime import resizing
from cvt.runtime.resizing import FILTERS, PictureOnGpu, resized

GPU = torch.device("cuda" if torch.cuda.is_available() else "cpu")
SIZES = [
    ((64, 48), (128, 96)),
    ((640, 480), (128, 96)),
    ((101, 333), (96, 316)),
    ((1, 9), (5, 3)),
    ((300, 7), (2, 7)),
    ((500, 90), (40, 90)),
]


def noise(width, height, mode="RGB", extreme=False):
    rng = np.random.default_rng(width)
    shape = (height, width, 3) if mode == "RGB" else (height, width)
    values = rng.choice([0, 255], shape) if extreme else rng.integers(0, 256, shape)  # black beside white overshoots
    return Image.fromarray(values.astype(np.uint8))


@pytest.mark.parametrize(("before", "after"), SIZES)
@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("resample", FILTERS)
@pytest.mark.parametrize("extreme", [False, True])
def test_it_is_pillows_result(before, after, mode, resample, extreme):
    picture = noise(*before, mode, extreme)
    width, height = before
    for box in (None, (0.13 * width, 0.2 * height, 0.77 * width, 0.94 * height)):
        found = resized(torch.from_numpy(np.array(picture)).to(GPU), after, resample, box or (0, 0, width, height))
        assert np.array_equal(found.cpu().numpy(), np.asarray(picture.resize(after, resample, box)))


def test_a_large_picture_piece_by_piece(monkeypatch):
    picture = noise(640, 480)
    monkeypatch.setattr(resizing, "AT_ONCE", 100_000)
    found = resized(torch.from_numpy(np.array(picture)), (96, 72), Image.Resampling.BICUBIC, (0, 0, 640, 480))
    assert np.array_equal(found.numpy(), np.asarray(picture.resize((96, 72), Image.Resampling.BICUBIC)))


@pytest.mark.parametrize(
    ("picture", "size", "resample"),
    [
        (noise(3, 400), (9, 40), Image.Resampling.BICUBIC),  # so narrow that Pillow begins with the columns
        (noise(3, 400), (9, 800), Image.Resampling.BICUBIC),
        (noise(40, 30).convert("RGBA"), (9, 40), Image.Resampling.BICUBIC),
        (noise(40, 30), (9, 40), Image.Resampling.LANCZOS),
        (noise(40, 30), (9, 40), Image.Resampling.NEAREST),
        (noise(40, 30), (40, 30), Image.Resampling.BICUBIC),
        (noise(40, 30), (20, 15), Image.Resampling.BICUBIC),
    ],
)
def test_what_pillow_does_otherwise_is_left_to_pillow(picture, size, resample):
    assert np.array_equal(np.asarray(PictureOnGpu(picture, GPU).resize(size, resample)), np.asarray(picture.resize(size, resample)))
    box = (1, 2, 3, 20)
    assert np.array_equal(
        np.asarray(PictureOnGpu(picture, GPU).resize(size, resample, box)), np.asarray(picture.resize(size, resample, box))
    )


@pytest.mark.parametrize("box", [(-1, 0, 20, 20), (0, 0, 41, 20), (20, 0, 10, 20)])
def test_a_box_that_is_not_within_the_picture_is_refused_by_pillow(box):
    with pytest.raises(ValueError, match=r"[Bb]ox"):
        PictureOnGpu(noise(40, 30), GPU).resize((9, 9), Image.Resampling.BICUBIC, box)
