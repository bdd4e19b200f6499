"""The options for ablations: what each computes, by hand; that nothing changes without them; and that every map follows them."""

import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from cvt import CvtConfig, CvtForImageClassification, CvtImageProcessor, Runner, export_onnx
from cvt.architecture.build import build_variant, inherit
from cvt.architecture.cost import cost
from cvt.architecture.inheritance import EXACTLY, how
from cvt.architecture.transformers_support import what_transformers_lacks
from cvt.fields import ABLATIONS
from cvt.model import to_tokens
from tests.helpers import pixels, tiny_config, tiny_model
from visualize import capture, explore
from visualize.change.importance import importance
from visualize.change.interventions import intervened
from visualize.change.padding import padded
from visualize.maps.distance import receptive_field
from visualize.maps.explain.case import Case
from visualize.maps.explain.flow import carried, spread
from visualize.maps.explain.relevance import relevance
from visualize.maps.inside import inside_payload
from visualize.maps.lens import class_lens

OPTIONS = {
    "position_embedding": {"position_embedding": True},
    "padding_mode": {"padding_mode": "circular"},
    "carry_cls_token": {"cls_token": True, "carry_cls_token": True},
}
EACH = pytest.mark.parametrize("changes", OPTIONS.values(), ids=OPTIONS)
X = pixels(1, 3, 32, 32)


def test_files_and_texts_do_not_mention_options_that_are_not_used():
    config = tiny_config()
    for text in (config.to_json_string(), config.to_json_string(use_diff=False), json.dumps(config.to_dict())):
        assert not any(name in text for name in ABLATIONS)
    assert config == tiny_config(**ABLATIONS)
    assert not any("position" in name or "carried" in name for name in tiny_model().state_dict())


@EACH
def test_saved_and_loaded_it_is_the_same_and_what_lacks_it_says_so(changes, tmp_path):
    model = tiny_model(**changes)
    model.save_pretrained(tmp_path)
    name = next(name for name in changes if name in ABLATIONS)
    assert json.loads((tmp_path / "config.json").read_text())[name] == changes[name]
    loaded = CvtForImageClassification.from_pretrained(tmp_path)
    assert loaded.config == model.config.replace(extra=loaded.config.extra)
    with torch.inference_mode():
        assert torch.equal(loaded(X).logits, model(X).logits)
    assert any(words in what_transformers_lacks(model.config) for words in ("position embedding", "circular padding", "stage to stage"))
    with pytest.raises(ValueError, match=name):
        export_onnx(model, tmp_path / "cvt.onnx")
    assert not (tmp_path / "cvt.onnx").exists()


@EACH
def test_costs_are_the_models_and_variants_inherit_all(changes):
    model = tiny_model(**changes)
    counted, counter = cost(model.config, 48, 32), FlopCounterMode(display=False)
    with torch.inference_mode(), sdpa_kernel(SDPBackend.MATH), counter:
        model(pixels(1, 3, 48, 32))
    assert (counted.parameters, 2 * counted.macs) == (model.num_parameters(), counter.get_total_flops())
    same = inherit(model, model.config)
    assert (same.report.same, same.report.all.total) == (EXACTLY, counted.parameters)
    with torch.inference_mode():
        assert torch.equal(same.model(X).logits, model(X).logits)
    other = inherit(model, tiny_config())
    assert other.report.same is None
    deeper = inherit(model, model.config.replace(patch_stride=(2, 2, 2), patch_padding=(3, 1, 1)), seed=1)
    assert deeper.report.all.seeded == 0  # positions are resized to the finer grid
    with torch.inference_mode():
        assert deeper.model(X).logits.isfinite().all()


def test_positions_are_learnt_for_the_grid_of_the_images_size_and_resized_for_others():
    model, plain = tiny_model(position_embedding=True), tiny_model()
    learnt = model.cvt.encoder.stages[0].positions.position_embedding
    assert learnt.shape == (1, 64, 8)  # 32 pixels, stride 4
    plain.load_state_dict({name: value for name, value in model.state_dict().items() if "position" not in name})
    for side, grid in ((32, 8), (64, 16)):
        x = pixels(2, 3, side, side)
        there = learnt.view(1, 8, 8, 8).permute(0, 3, 1, 2)
        added = there if grid == 8 else F.interpolate(there, size=(grid, grid), mode="bicubic")
        hook = plain.cvt.encoder.stages[0].embedding.register_forward_hook(
            lambda module, inputs, output, added=added: (output[0] + to_tokens(added), output[1])
        )
        with torch.inference_mode():
            torch.testing.assert_close(model(x).logits, plain(x).logits)
        hook.remove()
    fresh = build_variant(tiny_config(position_embedding=True, embed_dim=(64, 64, 64), num_heads=1, initializer_range=0.5))
    assert fresh.cvt.encoder.stages[0].positions.position_embedding.std().item() == pytest.approx(0.02, rel=0.05)
    with pytest.raises(AttributeError, match="image_size is part of the architecture"):
        model.config.image_size = 48


def test_with_circular_padding_a_picture_moved_in_a_circle_has_the_same_class_scores():
    model = tiny_model(padding_mode="circular", cls_token=False, patch_sizes=(5, 3, 3), patch_stride=(2, 2, 2), patch_padding=(2, 1, 1))
    x = pixels(2, 3, 32, 32)  # 16 pixels are one key of the last stage
    with torch.inference_mode():
        torch.testing.assert_close(model(x.roll((16, 16), (2, 3))).logits, model(x).logits, atol=1e-5, rtol=1e-4)
        zeros = tiny_model(model.config.replace(padding_mode="zeros"))
        zeros.load_state_dict(model.state_dict())
        expected = zeros(x).logits
        assert not torch.allclose(expected, model(x).logits, atol=1e-3)
        with padded(model, "zeros"):
            torch.testing.assert_close(model(x).logits, expected)
        with padded(model, "circular"):
            assert torch.equal(model(x).logits, model(x).logits)
        with padded(zeros, "circular"):
            torch.testing.assert_close(zeros(x).logits, model(x).logits)


def test_a_carried_cls_token_starts_as_the_previous_ones_through_norm_and_linear_layer_plus_its_own():
    model = tiny_model(cls_token=True, carry_cls_token=True)
    with torch.inference_mode(), capture(model, taps=("stage", "input")) as seen:
        model(X)
    for index, stage in enumerate(model.cvt.encoder.stages):
        start, own = seen.tap("input", index, 0)[:, :1], stage.cls_token
        if index == 0:
            assert torch.equal(start, own)
            continue
        norm, linear = stage.carried_cls.normalization, stage.carried_cls.projection
        before = seen.cls_token(index - 1)
        centred = before - before.mean(-1, keepdim=True)
        normal = centred / (before.var(-1, correction=0, keepdim=True) + norm.eps).sqrt() * norm.weight + norm.bias
        torch.testing.assert_close(start, own + normal @ linear.weight.T + linear.bias)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"carry_cls_token": True}, "stage 1 has none: use cls_token in every stage"),
        ({"position_embedding": True, "image_size": None}, "needs an image_size"),
        ({"position_embedding": True, "image_size": 2}, "needs an image_size"),
        ({"padding_mode": "circular", "qkv_projection_method": "avg"}, "pools pad with zeros"),
        ({"padding_mode": "reflect"}, "choose one of zeros, circular"),
    ],
)
def test_what_cannot_be_built_is_refused(changes, words):
    with pytest.raises(ValueError, match=words):
        CvtConfig(**changes)


def test_a_circle_goes_around_at_most_once():
    config = tiny_config(padding_mode="circular", kernel_qkv=5, padding_q=2, padding_kv=2)
    with pytest.raises(ValueError, match="too small"):
        config.grids(16, 16)  # the last stage has one token
    tiny_model(config)(pixels(1, 3, 32, 32))


@EACH
def test_runner_and_every_map_follow(changes):
    model, processor = tiny_model(**changes), CvtImageProcessor(size=32)
    with torch.inference_mode():
        expected = model(X).logits
        assert torch.equal(Runner(model).logits(X), expected)
        # the class after the last block is the model's, and the losses are those of passes of their own
        lens = class_lens(model, X)
        assert lens.probabilities[-1] == pytest.approx(expected.softmax(-1)[0].numpy(), abs=1e-6)
        losses = importance(model, X, 2).losses
        for each in (losses[0], losses[8], losses[-1]):
            with intervened(model, [[each.intervention]]):
                assert expected[0, 2].item() - each.logit == pytest.approx(model(X).logits[0, 2].item(), abs=1e-5)
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8))
    seen = explore(model, processor, picture)
    inputs = processor(picture, return_tensors="pt").pixel_values
    with torch.inference_mode():
        logits = model(inputs).logits[0]
    for place, label in enumerate(seen.shown[:3]):  # evidence adds up to the score
        total = seen.evidence.places[place].sum() + seen.evidence.rest[place]
        assert total == pytest.approx(float(logits[label] - logits.mean()), abs=1e-4)
    found = receptive_field(model, inputs, 2, None if model.config.cls_token[-1] else (0, 0), None)
    assert found.shares.sum() == pytest.approx(1)
    assert np.isfinite(relevance(Case(model, inputs, 2)).values).all()
    if model.config.padding_mode == "zeros":
        assert inside_payload(model, processor, seen, 1, 0)
    else:
        with pytest.raises(ValueError, match="pads in a circle"):
            inside_payload(model, processor, seen, 1, 0)


def test_shares_are_spread_around_the_circle_as_by_the_gradient_of_a_circular_convolution():
    kernel, shares = torch.rand(3, 5), torch.rand(2, 4, 3)
    x = torch.zeros(1, 1, 8, 6, requires_grad=True)
    made = F.conv2d(F.pad(x, (2, 2, 1, 1), mode="circular"), kernel[None, None] / kernel.sum(), stride=2)
    for row, found in zip(shares, spread(shares, (8, 6), kernel, (2, 2), (1, 2), circular=True), strict=True):
        (expected,) = torch.autograd.grad(made, x, row[None, None], retain_graph=True)
        torch.testing.assert_close(found, expected[0, 0])


@pytest.mark.parametrize(("carry", "placed"), [(False, 0.0), (True, 1.0)])
def test_shares_of_a_carried_cls_token_go_on_to_where_the_one_before_looked(carry, placed):
    """Only the first stage's cls token looks at anything: at its first place."""
    case = Case(tiny_model(cls_token=True, carry_cls_token=carry), X, 0)

    def weights(stage, block):
        queries, keys = (1 + grid.shape[0] * grid.shape[1] for grid in case.grids[stage])
        found = torch.zeros(queries, keys)
        found[0, 1] = float(stage == 0)
        return found

    given = F.one_hot(torch.tensor([0]), 5).float()  # all on the last stage's cls token, beside its four places
    shares, rest = carried(case, given, weights)
    assert (shares.sum().item(), rest.item()) == pytest.approx((placed, 1.0))


def test_a_carried_cls_token_is_not_inherited_from_a_model_without():
    assert how("cvt.encoder.stages.1.carried_cls.projection.weight", tiny_config(), tiny_config(**OPTIONS["carry_cls_token"])) == "seeded"
