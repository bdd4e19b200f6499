"""The methods with gradients and without: against finite differences, captum, published formulas and plain loops."""

import copy
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from captum.attr import LayerGradCam
from torch import nn

from cvt import CvtForImageClassification, CvtImageProcessor
from cvt.model import attention_weights, to_picture, to_tokens
from tests.helpers import pixels, tiny_model
from tests.maps.explain.test_rollout import ONE_STAGE, case
from visualize.maps.explain import METHODS, STAGED, Case, in_float32, randomised
from visualize.maps.explain.case import blurred
from visualize.maps.explain.explanation import Explanation
from visualize.maps.explain.gradients import grad_cam, integrated_gradients
from visualize.maps.explain.occlusion import occlusion
from visualize.maps.explain.relevance import legrad, relevance
from visualize.maps.explain.squares import per_square, square_of_pixels, squares

SMALL = {"embed_dim": (6, 8, 8), "num_heads": (1, 2, 2), "depth": (1, 1, 2)}


class Nudged(nn.Module):
    """Attention with something added to its weights."""

    def __init__(self, scale, added):
        super().__init__()
        self.scale, self.added = scale, added

    def forward(self, query, key, value, weights=None):
        return (attention_weights(query, key, self.scale) + self.added) @ value


def slopes(model, pixel_values, stage, block, shape, last=None, step=1e-5):
    """Central differences of the class's score by each attention weight of a block; ``last``: the last stage ends with this block."""
    nudged = copy.deepcopy(model)
    layers = nudged.cvt.encoder.stages
    if last is not None:
        layers[-1].layers = layers[-1].layers[: last + 1]
    places = shape[1] * shape[2] * shape[3]
    added = step * torch.eye(places, dtype=torch.float64).unflatten(1, shape[1:])
    layers[stage].layers[block].attention.attention.attend = Nudged(model.config.embed_dim[stage] ** -0.5, torch.cat((added, -added)))
    with torch.no_grad():
        scores = nudged(pixel_values.expand(2 * places, -1, -1, -1)).logits[:, 1]
    return ((scores[:places] - scores[places:]) / (2 * step)).reshape(shape)


@pytest.mark.parametrize(("stage", "changes"), [(0, {}), (2, {}), (2, {"cls_token": False})], ids=str)
def test_legrad_against_finite_differences(stage, changes):
    subject = case(tiny_model(**SMALL, **changes), 16, 24)
    keys = []
    for block, weights in enumerate(subject.seen.attention[stage]):
        last = block if stage == 2 else None  # the classifier reads the tokens after the block
        slope = slopes(subject.model, subject.pixel_values, stage, block, weights.shape, last)
        keys.append(slope.clamp_min(0).mean(dim=(0, 1, 2)))
    keys = torch.stack(keys).mean(dim=0).numpy()
    found, cls = legrad(subject, stage), subject.cls(stage)
    np.testing.assert_allclose(found.values.ravel(), keys[cls:], rtol=1e-4, atol=1e-9)
    assert found.rest == pytest.approx(keys[:cls].sum(), rel=1e-4)
    assert found.values.max() > 0


def test_relevance_of_a_vit_is_the_published_formula():
    """arXiv 2103.15679: R = I, and block by block R + mean over heads of (gradient · A)⁺ times R; the cls token's row."""
    subject = case(tiny_model(**ONE_STAGE), 12, 16)
    gathered = np.eye(13)
    for block, weights in enumerate(subject.seen.attention[0]):
        gradient = slopes(subject.model, subject.pixel_values, 0, block, weights.shape).numpy()
        gathered = gathered + np.maximum(gradient * weights.detach().numpy(), 0)[0].mean(axis=0) @ gathered
    found = relevance(subject)
    np.testing.assert_allclose(found.values.ravel(), gathered[0, 1:], rtol=1e-4)
    assert found.grid == subject.grids[0][0]


class Split(nn.Module):
    """A classifier with a module to hook at the tokens that Grad-CAM is of, as a picture."""

    def __init__(self, model, stage):
        super().__init__()
        self.model, self.stage, self.here = model, stage, nn.Identity()

    def forward(self, x):
        stages = self.model.cvt.encoder.stages
        cls = None
        for index, stage in enumerate(stages):
            if index == self.stage == 2 and stage.cls_token is not None:
                tokens, grid = stage.embedding(x)
                tokens = torch.cat((stage.cls_token.expand(len(x), -1, -1), tokens), dim=1)
                for block in stage.layers[:-1]:
                    tokens = block(tokens, grid)
                tokens = torch.cat((tokens[:, :1], to_tokens(self.here(to_picture(tokens[:, 1:], grid)))), dim=1)
                cls = stage.layers[-1](tokens, grid)[:, :1]
            else:
                x, cls = stage(x)
                x = self.here(x) if index == self.stage else x
        pooled = self.model.layernorm(to_tokens(x)).mean(dim=1) if cls is None else self.model.layernorm(cls)[:, 0]
        return self.model.classifier(pooled)


@pytest.mark.parametrize(("stage", "changes"), [(0, {}), (1, {}), (2, {}), (2, {"cls_token": False})], ids=str)
def test_grad_cam_against_captum(stage, changes):
    subject = case(tiny_model(**changes), 48, 64)
    split = Split(subject.model, stage)
    expected = LayerGradCam(split, split.here).attribute(subject.pixel_values, target=1, relu_attributions=True)
    found = grad_cam(subject, stage)
    np.testing.assert_allclose(found.values, expected[0, 0].detach().numpy(), rtol=1e-4, atol=1e-9)
    assert found.grid == subject.grids[stage][0]
    assert not found.flat


def test_after_the_last_block_the_tokens_have_no_gradient():
    """Why Grad-CAM of a last stage with a cls token is of the tokens before its last block."""
    subject = case(tiny_model(), 32, 32)
    (gradient,) = subject.seen.gradients(subject.seen.logit, [subject.seen.captured.feature_map(2)])
    assert not gradient.any()


def test_integrated_gradients_are_the_integral_of_finite_differences():
    """The same nodes; at each, the slope along one pixel's change. What all pixels add is what the whole way adds."""
    subject = case(tiny_model(**SMALL), 16, 16)
    start, end = subject.absent, subject.pixel_values
    found = integrated_gradients(subject, ((0.4, 6), (1.0, 3)))
    parts = [(begin, end, *np.polynomial.legendre.leggauss(points)) for begin, end, points in ((0, 0.4, 6), (0.4, 1, 3))]
    nodes = np.concatenate([begin + (end - begin) * (node + 1) / 2 for begin, end, node, _ in parts])
    weights = np.concatenate([(end - begin) * weight / 2 for begin, end, _, weight in parts])
    for place in ((0, 0), (5, 11), (15, 8)):
        change = torch.zeros_like(end)
        change[0, :, place[0], place[1]] = (end - start)[0, :, place[0], place[1]]
        with torch.no_grad():
            ways = [start + node * (end - start) for node in nodes]
            rises = [subject.model(way + sign * 1e-4 * change).logits[0, 1] for way in ways for sign in (1, -1)]
        expected = sum(weight * (up - down) / 2e-4 for weight, up, down in zip(weights, rises[::2], rises[1::2], strict=True))
        assert found.values[place] == pytest.approx(float(expected), rel=1e-3)


def test_integrated_gradients_of_the_embedded_model_are_complete_within_a_percent():
    model = CvtForImageClassification.from_pretrained()
    pixel_values = CvtImageProcessor.from_pretrained()("examples/red_panda.jpg", return_tensors="pt").pixel_values
    with torch.inference_mode():
        target = int(model(pixel_values).logits.argmax())
    subject = Case(model, pixel_values, target)
    logits = subject.logits(torch.cat((subject.pixel_values, subject.absent)))[:, target]
    assert float(integrated_gradients(subject).values.sum()) == pytest.approx(float(logits[0] - logits[1]), rel=0.01)


def test_occlusion_takes_each_window_away():
    subject = case(tiny_model(), 30, 40)
    found = occlusion(subject, (9, 12), (7, 8))
    assert found.values.shape == (4, 4)
    with torch.no_grad():
        whole = subject.model(subject.pixel_values).logits[0, 1]
        for row, column in np.ndindex(4, 4):
            picture = subject.pixel_values.clone()
            place = slice(None), slice(None), slice(7 * row, 7 * row + 9), slice(8 * column, 8 * column + 12)
            picture[place] = subject.absent[place]
            assert found.values[row, column] == pytest.approx(float(whole - subject.model(picture).logits[0, 1]), rel=1e-4)
    assert found.grid.receptive_field(1, 2) == (7, 16, 16, 28)
    with pytest.raises(ValueError, match="does not fit"):
        occlusion(subject, (31, 4), (1, 1))


def test_a_cell_is_painted_where_it_is_and_nothing_is_interpolated():
    subject = case(tiny_model(), 48, 64)
    grid = subject.grids[1][1]
    values = np.arange(grid.shape[0] * grid.shape[1], dtype=np.float32).reshape(grid.shape)
    painted = Explanation("rollout", values, grid, False).painted(48, 64)
    for y, x in np.ndindex(48, 64):
        distance = [abs(grid.first[0] + row * grid.stride[0] - y - 0.5) for row in range(grid.shape[0])]
        across = [abs(grid.first[1] + column * grid.stride[1] - x - 0.5) for column in range(grid.shape[1])]
        row, column = np.argwhere(values == painted[y, x])[0]
        assert (distance[row], across[column]) == (min(distance), min(across))


def test_squares_cover_a_picture_and_average_its_pixels():
    index, grid = square_of_pixels((31, 40)), squares((31, 40))
    assert grid.shape == (6, 6)
    map_ = Explanation("rollout", np.random.default_rng(0).random((31, 40), np.float32), case(tiny_model(), 31, 40).grids[0][0], False)
    means = per_square(map_, (31, 40))
    painted = map_.painted(31, 40)
    assert means[7] == pytest.approx(painted[6:12, 7:14].mean())
    assert means[35] == pytest.approx(painted[30:, 35:].mean())
    assert sorted(set(index.ravel())) == list(range(36))


def test_blur_is_a_mean_with_gaussian_weights():
    picture = pixels(1, 3, 20, 24)
    found = blurred(picture, 2.0)[0, 1, 9, 12]
    y, x = np.mgrid[-6:7, -6:7]
    weights = np.exp(-(y**2 + x**2) / 8)
    assert float(found) == pytest.approx((picture[0, 1, 3:16, 6:19].numpy() * weights).sum() / weights.sum(), abs=1e-5)
    torch.testing.assert_close(blurred(torch.ones(1, 3, 8, 8), 3.0), torch.ones(1, 3, 8, 8))


def all_maps(model, pixel_values, target):
    subject = Case(model, pixel_values, target)
    todo = [(name, stage) for name in METHODS for stage in (range(3) if name in STAGED else [None])]
    return [METHODS[name](subject, stage).values for name, stage in todo]


def test_the_shared_model_stays_as_it_is_and_concurrent_calls_do_not_meet():
    model, pixel_values = tiny_model(), pixels(1, 3, 32, 32)
    for parameter in list(model.parameters())[::2]:
        parameter.requires_grad_(False)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    required = [parameter.requires_grad for parameter in model.parameters()]
    alone = [all_maps(model, pixel_values, target) for target in range(4)]
    with torch.inference_mode():
        logits = model(pixel_values).logits

    def work(number):
        if number % 2:
            with torch.inference_mode():
                return model(pixel_values).logits
        with torch.inference_mode(number % 4 == 0):  # also for a caller who wants no gradients
            return all_maps(model, pixel_values, number // 2)

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(work, range(8)))
    for target in range(4):
        for one, two in zip(found[2 * target], alone[target], strict=True):
            np.testing.assert_array_equal(one, two)
        assert torch.equal(found[2 * target + 1], logits)
    assert all(parameter.grad is None for parameter in model.parameters())
    assert [parameter.requires_grad for parameter in model.parameters()] == required
    assert {module.attn_implementation for module in model.modules() if hasattr(module, "attn_implementation")} == {"sdpa"}
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_randomised_draws_the_last_stage_and_the_classifier_and_shares_the_rest():
    model = tiny_model()
    other, again = randomised(model, 3), randomised(model, 3)
    last = ("cvt.encoder.stages.2", "layernorm", "classifier")
    for name, value in model.state_dict().items():
        drawn = other.state_dict()[name]
        assert (drawn.data_ptr() == value.data_ptr()) == (not name.startswith(last)), name
        assert torch.equal(drawn, again.state_dict()[name])
    assert not torch.equal(other.classifier.weight, model.classifier.weight)
    assert float(other.classifier.weight.detach().std()) == pytest.approx(0.02, rel=0.3)
    assert not other.training


def test_what_does_not_fit_is_refused_and_half_precision_is_copied():
    model = tiny_model()
    half = tiny_model().half()
    with pytest.raises(ValueError, match="float32"):
        Case(half, pixels(1, 3, 32, 32), 0)
    copied = in_float32(half)
    assert (copied.dtype, half.dtype, in_float32(model) is model) == (torch.float32, torch.float16, True)
    np.testing.assert_allclose(
        relevance(Case(copied, pixels(1, 3, 32, 32), 0)).values, relevance(Case(model, pixels(1, 3, 32, 32), 0)).values, rtol=0.1, atol=1e-3
    )
    with pytest.raises(ValueError, match="no class 5"):
        Case(model, pixels(1, 3, 32, 32), 5)
    with pytest.raises(ValueError, match="one picture"):
        Case(model, pixels(), 0)
