"""Augmentation against Pillow, brute force, and ramps from which a crop can be read back."""

import math

import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance, ImageOps

from cvt.training.augmentation import augment, randaugment
from cvt.training.augmentation.augment import Draws
from cvt.training.augmentation.randaugment import OPERATIONS, Operation
from tests.helpers import ROOT

EXAMPLES = ROOT / "examples"


# What the sources name in the modules are written here once more, so that a wrong constant there is noticed here.
TONES = ("autocontrast", "equalize", "solarize", "posterize", "brightness", "contrast")  # arXiv 1805.09501, table 6, and so on
TURN, SHEAR, SHIFT, FACTOR = math.radians(30), 0.3, 0.45, 0.9


def photos(side=64, count=6):
    """uint8 (count, 3, side, side) of real photographs."""
    files = sorted(EXAMPLES.glob("*.jpg"))[:count]
    squares = [np.asarray(ImageOps.fit(Image.open(file).convert("RGB"), (side, side))) for file in files]
    return torch.from_numpy(np.stack(squares)).permute(0, 3, 1, 2).contiguous()


def pil(picture):
    return Image.fromarray(picture.permute(1, 2, 0).numpy())


def tensor(image):
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)


def ramps(count, side=64):
    """Pictures whose red is the column and whose green is the row of each pixel."""
    line = torch.arange(side, dtype=torch.uint8)
    red, green = line.expand(side, side), line[:, None].expand(side, side)
    return torch.stack((red, green, red * 0)).expand(count, 3, side, side)


def test_draws_follow_from_the_seed_and_parts_are_the_whole():
    whole = Draws(5, 12)
    numbers = [whole.each(), whole.each(2, 3)]
    assert all(0 <= value < 1 for value in numbers[0])
    assert all(2 <= value < 3 for value in numbers[1])
    assert not torch.equal(numbers[0], Draws(6, 12).each())
    own = torch.tensor([1, 2, 9, 10])
    part = Draws(5, 12, own=own)
    assert torch.equal(part.each(), numbers[0][own])
    assert torch.equal(part.each(2, 3), numbers[1][own])
    assert [Draws(5, 12).one() for _ in range(2)] == [Draws(5, 12, own=own).one()] * 2
    assert Draws(5, 12).one() not in numbers[0].tolist()


def test_beta_has_its_mean_and_variance():
    draws = Draws(0, 1)
    values = torch.tensor([draws.beta(0.8) for _ in range(3000)])
    assert values.mean().item() == pytest.approx(0.5, abs=0.02)
    assert values.var().item() == pytest.approx(1 / (4 * (2 * 0.8 + 1)), abs=0.01)


@pytest.mark.parametrize("size", [32, 64, 96])
def test_a_crop_is_a_part_of_the_picture_as_large_as_asked(size):
    area, side, count = (0.35, 0.8), 64, 200
    x = augment.random_resized_crop(ramps(count), size, area, Draws(1, count)) * 255
    assert x.shape == (count, 3, size, size)
    inner = slice(size // 4, -size // 4)  # away from reflections at the edge
    across = (x[:, 0, :, 1:] - x[:, 0, :, :-1])[:, inner, inner].mean((1, 2)) * size
    down = (x[:, 1, 1:] - x[:, 1, :-1])[:, inner, inner].mean((1, 2)) * size
    share, aspect = across.abs() * down / side**2, across.abs() / down
    assert 0.34 < share.min() < 0.42
    assert 0.7 < share.max() < 0.81
    assert 0.74 < aspect.min() < 0.8
    assert 1.25 < aspect.max() < 1.35
    assert 0.35 < (across < 0).float().mean() < 0.65  # mirrored
    centre = x[:, :2, inner, inner].mean((2, 3)) + 0.5
    for axis, length in ((0, across.abs()), (1, down)):
        assert ((centre[:, axis] - length / 2) > -1).all()
        assert ((centre[:, axis] + length / 2) < side + 1).all()
        assert centre[:, axis].std() > 3  # not always the middle


def test_a_warp_turns_what_the_crop_shows():
    operations = [Operation(torch.tensor([OPERATIONS.index("rotate")]), torch.tensor([1.0]))]
    plain, turned = (
        augment.random_resized_crop(ramps(1), 64, (0.3, 0.3), Draws(4, 1), warp) * 255 for warp in (None, randaugment.warp(operations))
    )

    def slope(x, channel):
        inner = x[0, channel, 16:48, 16:48]
        return torch.stack(((inner[:, 1:] - inner[:, :-1]).mean(), (inner[1:] - inner[:-1]).mean()))

    cos, sin = math.cos(TURN), math.sin(TURN)
    for channel in (0, 1):
        a, b = slope(plain, channel)
        expected = torch.stack((cos * a + sin * b, -sin * a + cos * b))
        assert torch.allclose(slope(turned, channel), expected, atol=0.01)


@pytest.mark.parametrize(("name", "row", "column", "amount"), [
    ("shear x", 0, 1, SHEAR), ("shear y", 1, 0, SHEAR),
    ("shift x", 0, 2, 2 * SHIFT), ("shift y", 1, 2, 2 * SHIFT),
])  # fmt: skip
def test_shears_and_shifts_are_one_number_of_the_map(name, row, column, amount):
    kind = torch.tensor([OPERATIONS.index(name), OPERATIONS.index("nothing")])
    maps = randaugment.warp([Operation(kind, torch.tensor([-0.5, 0.5]))])
    expected = torch.eye(3)[:2].repeat(2, 1, 1)
    expected[0, row, column] = -0.5 * amount
    assert torch.allclose(maps, expected)


def test_two_warps_are_their_product():
    kinds = [torch.tensor([OPERATIONS.index(name)]) for name in ("rotate", "shift x")]
    one, two = (Operation(kind, torch.tensor([0.7])) for kind in kinds)
    whole = [torch.cat((randaugment.warp([each])[0], torch.tensor([[0.0, 0, 1]]))) for each in (one, two)]
    assert torch.allclose(randaugment.warp([one, two])[0], (whole[0] @ whole[1])[:2], atol=1e-6)


def pillow(name, image, strength):
    factor = 1 + FACTOR * strength
    return {
        "autocontrast": lambda: ImageOps.autocontrast(image),
        "equalize": lambda: ImageOps.equalize(image),
        "solarize": lambda: ImageOps.solarize(image, 256 * (1 - abs(strength))),
        "posterize": lambda: ImageOps.posterize(image, 8 - round(4 * abs(strength))),
        "brightness": lambda: ImageEnhance.Brightness(image).enhance(factor),
        "contrast": lambda: ImageEnhance.Contrast(image).enhance(factor),
        "colour": lambda: ImageEnhance.Color(image).enhance(factor),
        "nothing": lambda: image,
    }[name]()


@pytest.mark.parametrize("strength", [-0.8, 0.3, 1.0])
@pytest.mark.parametrize("name", [*TONES, "colour", "nothing"])
def test_operations_equal_pillows(name, strength):
    pictures = photos()
    pictures[1] = pictures[1] // 2 + 30  # something left to stretch
    count = len(pictures)
    operation = Operation(torch.full((count,), OPERATIONS.index(name)), torch.full((count,), strength))
    got = (randaugment.retouch(pictures / 255, [operation]) * 255).round()
    for each, picture in zip(got, pictures, strict=True):
        difference = (each - tensor(pillow(name, pil(picture), strength)).float()).abs()
        assert difference.max() <= (2 if name == "colour" else 1)  # Pillow cuts off what is rounded here
        assert name in ("nothing", "equalize", "solarize", "posterize") or difference.mean() < 0.8
        if name in ("nothing", "equalize", "solarize", "posterize"):
            assert difference.max() == 0


def test_sharpness_moves_away_from_the_blurred_picture():
    x = photos(32, 2) / 255
    operation = Operation(torch.full((2,), OPERATIONS.index("sharpness")), torch.tensor([-1.0, 1.0]))
    got = randaugment.retouch(x, [operation])
    expected = [((1 - FACTOR) * x + FACTOR * blurred(x))[0], ((1 + FACTOR) * x - FACTOR * blurred(x))[1]]
    assert torch.allclose(got[:, :, 1:-1, 1:-1], torch.stack(expected).clamp(0, 1)[:, :, 1:-1, 1:-1], atol=1e-5)


def blurred(x):
    """1-2-1 in both directions by shifting; right away from the edge."""
    total = torch.zeros_like(x)
    for row, down in ((-1, 1), (0, 2), (1, 1)):
        for column, across in ((-1, 1), (0, 2), (1, 1)):
            total += down * across * x.roll((row, column), (2, 3))
    return total / 16


def test_each_picture_gets_operations_of_its_own():
    operations = randaugment.choose(5, Draws(0, 2800))
    assert len(operations) == 2
    counts = torch.bincount(operations[0].kind)
    assert len(counts) == len(OPERATIONS) == 5 + len(TONES) + 3
    assert counts.min() > 140
    assert counts.max() < 260
    assert not torch.equal(operations[0].kind, operations[1].kind)
    assert 0.49 < operations[0].strength.max() < 0.5
    assert -0.5 < operations[0].strength.min() < -0.49


def test_colour_stays_within_its_strength():
    x = photos(32) / 255 * 0.6 + 0.2
    assert torch.allclose(augment.color_jitter(x, 0.0, Draws(0, len(x))), x, atol=1e-6)
    grey = torch.rand(50, 1, 8, 8, generator=torch.Generator().manual_seed(0)).expand(50, 3, 8, 8) * 0.4 + 0.1
    result = augment.color_jitter(grey, 0.3, Draws(0, 50))
    assert (result.amax(1) - result.amin(1)).max() < 1e-4  # saturation does nothing to grey
    brightness = result.mean((1, 2, 3)) / grey.mean((1, 2, 3))
    assert 0.69 < brightness.min() < 0.75
    assert 1.25 < brightness.max() < 1.31


def test_blur_or_sharpen_is_a_move_along_the_blur():
    x = photos(32, 1) / 255 * 0.5 + 0.25
    draws = Draws(3, 1)
    amount = draws.each(-1, 1)
    result = augment.blur_or_sharpen(x, 1.0, Draws(3, 1))
    expected = x + amount * (blurred(x) - x)
    assert torch.allclose(result[:, :, 1:-1, 1:-1], expected[:, :, 1:-1, 1:-1], atol=1e-5)
    assert torch.equal(augment.blur_or_sharpen(x, 0.0, Draws(3, 1)), x)


def test_pictures_and_targets_are_mixed_alike():
    x = torch.zeros(4, 3, 16, 16)
    x[:2] = 1
    targets = torch.tensor([[1.0, 0], [1, 0], [0, 1], [0, 1]])
    kinds = set()
    for seed in range(60):
        mixed, labels = augment.mix(x, targets, 0.8, Draws(seed, 4))
        assert torch.allclose(labels.sum(1), torch.ones(4))
        assert torch.allclose(mixed.mean((1, 2, 3)), labels[:, 0], atol=1e-5)  # the share of ones is the share of the first class
        values = set(mixed[0].unique().tolist())
        kinds.add("same" if torch.equal(mixed, x) else "cut" if values <= {0.0, 1.0} else "blend")
    assert kinds == {"same", "cut", "blend"}
    assert torch.equal(augment.mix(x, targets, 0.0, Draws(0, 4))[0], x)
