"""Changes of position: where things go, and that with circular padding the features of a shifted picture are the shifted features."""

import threading

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from cvt import CvtForImageClassification, CvtImageProcessor
from cvt.architecture.geometry import pixels as pixel_grid
from cvt.architecture.geometry import stage_grids
from tests.helpers import ROOT, pixels, tiny_model
from visualize.change.padding import PADDINGS, padded
from visualize.change.positions import Flip, Resize, Shift, Shuffle, Turn, agreement, aligned_steps, changed, moved, undo

SIDE = 64  # of the tiny model's pictures: two aligned steps


def features(model, x, padding):
    with torch.inference_mode(), padded(model, padding):
        return model.cvt(x, output_hidden_states=True)


def shifted(x, down, right):
    return torch.roll(x, (down, right), dims=(-2, -1))


def difference(before, after, shift, stride):
    """(H, W): the largest difference of any channel after shifting back by whole cells, relative to the largest feature."""
    back = shifted(after, *(-each // stride for each in shift))
    return (back - before).abs().amax(dim=1)[0] / before.abs().max()


@pytest.fixture(scope="module")
def embedded():
    return CvtForImageClassification.from_pretrained()


@pytest.mark.parametrize(("dtype", "rounding"), [(torch.float32, 2e-5), (torch.float64, 1e-13)])
@pytest.mark.parametrize("which", ["tiny", "embedded"])
def test_the_features_of_a_shifted_picture_are_the_shifted_features(which, dtype, rounding, request):
    if which == "tiny":
        model, x = tiny_model(), pixels(1, 3, SIDE, SIDE)
    else:
        model = request.getfixturevalue("embedded")
        x = CvtImageProcessor.from_pretrained()(ROOT / "examples/red_panda.jpg", return_tensors="pt").pixel_values
    model = model.to(dtype)
    x = x.to(dtype)
    down, right = aligned_steps(model.config, *x.shape[2:])[-1]
    shift = (-down, right)
    try:
        for padding in ("circular", "zeros"):
            before, after = features(model, x, padding), features(model, shifted(x, *shift), padding)
            strides = np.cumprod(model.config.patch_stride)
            found = [difference(*pair, shift, s) for *pair, s in zip(before.hidden_states, after.hidden_states, strides, strict=True)]
            cls = (before.cls_token_value - after.cls_token_value).abs().max() / before.cls_token_value.abs().max()
            if padding == "circular":
                assert max(float(each.max()) for each in found) < rounding
                assert cls < rounding
            else:
                assert min(float(each.max()) for each in found) > 1e-2
                assert cls > 1e-3
    finally:
        model.float()


def test_zero_padding_is_noticed_first_at_the_border():
    """In the conv embedding of the first stage only its cells at the border differ, at both the old and the new one."""
    model, x = tiny_model(), pixels(1, 3, SIDE, SIDE)
    embed = model.cvt.encoder.stages[0].embedding
    with torch.inference_mode():
        (before, grid), (after, _) = embed(x), embed(shifted(x, 0, 32))
    as_map = [each.transpose(1, 2).unflatten(2, grid) for each in (before, after)]
    found = difference(*as_map, (0, 32), 4) > 1e-5
    rows, columns = torch.nonzero(found, as_tuple=True)
    # kernel 7, padding 2, stride 4: cell 0 reads 2 columns before the border, and the last reads 1 beyond; 8 cells further on the seam
    assert set(columns[(rows > 0) & (rows < 15)].tolist()) == {0, 15, 8, 7}


@pytest.mark.parametrize("changes", [{}, {"qkv_projection_method": "linear"}, {"stride_kv": 1}, {"patch_stride": (2, 2, 2)}])
def test_a_smaller_shift_than_the_aligned_step_is_not_exact_and_the_step_is(changes):
    model = tiny_model(patch_sizes=(5, 3, 3), cls_token=False, **{"patch_stride": (4, 2, 2), **changes}).double()
    x = pixels(1, 3, SIDE, SIDE).double()
    steps = aligned_steps(model.config, SIDE, SIDE)
    assert steps == [
        (each, each)
        for each in {"linear": (4, 8, 16), "stride_kv": (4, 8, 16), "patch_stride": (4, 8, 16)}.get(
            changes.get("qkv_projection_method") or next(iter(changes), ""), (8, 16, 32)
        )
    ]
    before = features(model, x, "circular").hidden_states
    for stage, (step, stride) in enumerate(zip(steps, np.cumprod(model.config.patch_stride), strict=True)):
        for shift, exact in ((step[0], True), (step[0] // 2, False)):
            after = features(model, shifted(x, 0, shift), "circular").hidden_states[stage]
            if exact:
                assert difference(before[stage], after, (0, shift), stride).max() < 1e-12
            elif shift % stride == 0:
                assert difference(before[stage], after, (0, shift), stride).max() > 1e-4


def test_grids_that_do_not_close_have_no_aligned_step():
    config = tiny_model().config
    assert aligned_steps(config, 64, 64) == [(8, 8), (16, 16), (32, 32)]
    assert aligned_steps(config, 64, 48) == [(8, 8), (16, 16), None]  # 3 columns of tokens, 2 of keys
    assert aligned_steps(config, 66, 64) == [None, None, None]


def test_padding_is_pytorchs_own_and_is_only_the_callers():
    model, x = tiny_model(), pixels(1, 3, SIDE, SIDE)
    plain = model(x).logits
    convolution = model.cvt.encoder.stages[0].embedding.convolution_embeddings.projection
    for padding in PADDINGS:
        with padded(model, padding), torch.inference_mode():
            seen = []
            other = threading.Thread(target=lambda: seen.append(model(x).logits))  # noqa: B023 -- it ends here
            other.start()
            other.join()
            own = convolution(x)
        mode = "constant" if padding == "zeros" else padding
        wanted = F.conv2d(F.pad(x, (2, 2, 2, 2), mode=mode), convolution.weight, convolution.bias, stride=4)
        torch.testing.assert_close(own, wanted, rtol=1e-5, atol=1e-6)
        assert torch.equal(seen[0], plain)
    assert torch.equal(model(x).logits, plain)
    assert not any(module._forward_hooks for module in model.modules())


def test_each_axis_has_its_own_padding():
    """Against PyTorch's own circular convolution, where rows and columns are padded differently."""
    model = tiny_model(embed_dim=(8,), num_heads=(1,), depth=(1,), cls_token=(False,), patch_sizes=((3, 5),), patch_padding=((1, 2),))
    embedding = model.cvt.encoder.stages[0].embedding.convolution_embeddings.projection
    assert embedding.padding == (1, 2)
    other = torch.nn.Conv2d(3, 8, embedding.kernel_size, embedding.stride, embedding.padding, padding_mode="circular")
    other.load_state_dict(embedding.state_dict())
    x = pixels(1, 3, 32, 32)
    with torch.inference_mode(), padded(model, "circular"):
        torch.testing.assert_close(embedding(x), other(x))


def test_average_pools_are_padded_too():
    model, x = tiny_model(qkv_projection_method="avg"), pixels(1, 3, SIDE, SIDE)
    pool = model.cvt.encoder.stages[0].layers[0].attention.attention.convolution_projection_key.convolution_projection
    picture = pixels(1, 8, 16, 16)
    with padded(model, "circular"):
        found = pool(picture)
    wanted = F.avg_pool2d(torch.cat([picture[..., -1:, :], picture, picture[..., :1, :]], dim=2), (3, 1), (2, 1), ceil_mode=True)
    wanted = F.avg_pool2d(torch.cat([wanted[..., -1:], wanted, wanted[..., :1]], dim=3), (1, 3), (1, 2), ceil_mode=True)
    torch.testing.assert_close(found, wanted)
    assert found.shape == pool(picture).shape
    with padded(model, "reflect"):
        assert model(x).logits.isfinite().all()


def test_a_grid_too_small_to_be_reflected_gets_a_sentence():
    model, x = tiny_model(), pixels(1, 3, 16, 16)  # the last stage's grid is a single cell
    with padded(model, "reflect"), pytest.raises(ValueError, match=r"at least 2×2 .* stage 3 has only 1×1"):
        model(x)
    with padded(model, "circular"):
        assert model(x).logits.isfinite().all()
    with pytest.raises(ValueError, match="choose one of zeros, reflect, circular"), padded(model, "wrap"):
        pass


CHANGES = {
    "shift": [Shift(down=5, right=-7)],
    "horizontal": [Flip()],
    "vertical": [Flip(axis="vertical")],
    **{f"turn {angle}": [Turn(degrees=angle)] for angle in (90, 180, 270, -90)},
    "shuffle": [Shuffle(patch=8, seed=3)],
    "all": [Turn(degrees=90), Flip(), Shift(right=9), Shuffle(patch=4, seed=1)],
}


@pytest.mark.parametrize("changes", CHANGES.values(), ids=CHANGES)
def test_every_pixel_is_found_where_it_was_moved(changes):
    picture = np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    after = changed(picture, changes)
    centres = np.indices((24, 32)).reshape(2, -1).T + 0.5
    rows, columns = np.round(moved(centres, (24, 32), changes) - 0.5).astype(int).T
    assert np.array_equal(after[rows, columns], picture.reshape(-1, 3))
    grids = pixel_grid(24, 32), pixel_grid(*after.shape[:2])
    found, exact = undo(after.transpose(2, 0, 1).astype(float), grids, (24, 32), changes)
    assert exact
    assert np.array_equal(found, picture.transpose(2, 0, 1))
    if "turn" not in str(changes).lower():
        big = np.kron(picture, np.ones((3, 3, 1), np.uint8))
        assert np.array_equal(changed(big, [change.scaled(3) for change in changes])[1::3, 1::3], after)


def test_undoing_a_change_of_size_or_angle_interpolates_a_smooth_picture():
    y, x = np.indices((48, 48)) + 0.5
    smooth = np.stack([127 + 100 * np.sin(y / 9), 127 + 100 * np.cos(x / 11), 2 * (x + y)], axis=2).astype(np.uint8)
    for changes in ([Turn(degrees=30)], [Resize(height=96, width=72)], [Resize(height=30, width=48), Turn(degrees=-11)]):
        after = changed(smooth, changes)
        grids = pixel_grid(48, 48), pixel_grid(*after.shape[:2])
        found, exact = undo(after.transpose(2, 0, 1).astype(float), grids, (48, 48), changes)
        assert not exact
        assert np.isfinite(found).mean() > 0.75
        inside = np.isfinite(found[:, 4:-4, 4:-4])
        assert np.abs(found - smooth.transpose(2, 0, 1))[:, 4:-4, 4:-4][inside].max() < 8


def test_agreement_is_a_cosine_at_the_true_place():
    """A flip of the embedded geometry: cell i of stage 3 lands 1/8 of a cell beside cell 12 - i, as the centres say."""
    config = tiny_model(patch_sizes=(5, 3, 3), patch_stride=(2, 2, 2)).config
    grid = stage_grids(config, 96, 96)[2][0]
    random = np.random.default_rng(1)
    before, after = random.normal(size=(4, 12, 12)), random.normal(size=(4, 12, 12))
    found = agreement(before, after, (grid, grid), (96, 96), [Flip()])
    assert not found.exact
    column = 3
    place = (96 - (8 * column + 0.5) - 0.5) / 8
    between = after[:, 5, 8] * (9 - place) + after[:, 5, 9] * (place - 8)
    wanted = before[:, 5, column] @ between / np.linalg.norm(before[:, 5, column]) / np.linalg.norm(between)
    np.testing.assert_allclose(found.cosines[5, column], wanted)
    assert np.isnan(found.cosines[:, 0]).all()  # beyond the last cell's centre
    assert found.compared == 11 / 12
    same = agreement(before, before, (grid, grid), (96, 96), [])
    assert same.exact
    np.testing.assert_allclose(same.cosines, 1)


def test_invalid_changes_get_sentences():
    picture = np.zeros((10, 12, 3), np.uint8)
    with pytest.raises(ValueError, match="patches of 4"):
        changed(picture, [Shuffle(patch=4)])
    for wrong in (lambda: Flip(axis="diagonal"), lambda: Turn(degrees=float("nan")), lambda: Resize(height=0, width=5)):
        with pytest.raises(ValueError, match=r"choose|cannot"):
            wrong()
