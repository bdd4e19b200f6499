"""Interventions: against the same model with weights zeroed by hand or its formula written out, and never beyond their caller."""

import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from cvt.model import to_tokens
from cvt.processor import CvtImageProcessor
from cvt.runtime.runner import Runner
from tests.helpers import pixels, tiny_config, tiny_model
from tests.visualize.test_capture import hooks
from tests.visualize.test_explore import picture
from visualize import capture, explore
from visualize.change.interventions import Intervention, InterventionError, intervened, validate
from visualize.change.means import example_means
from visualize.change.parts import PARTS, convs, ways
from visualize.hooks import _active

X = pixels(2, 3, 48, 64)
PLACE = {"stage": 2, "block": 1}  # of three stages with 1, 2 and 3 blocks; 1, 2 and 3 heads; a cls token in the last


def off(part, how="zero", **place):
    return Intervention(part=part, how=how, **{**PLACE, "head": 1 if part == "head" else None, **place})


def everything(config):
    """Every part in every way, in every block."""
    for stage in config.stages:
        for block in range(stage.depth):
            for part in PARTS:
                if not part.endswith("_conv") or part in convs(stage.qkv_projection_method):
                    for how in ways(part):
                        for head in range(stage.num_heads) if part == "head" else (None,):
                            yield Intervention(stage=stage.index, block=block, part=part, head=head, how=how)


def run(model, x=X, samples=None, means=None):
    with torch.inference_mode():
        if samples is None:
            return model(x).logits
        with intervened(model, samples, means):
            return model(x).logits


def close(ours, expected):
    torch.testing.assert_close(ours, expected, rtol=1e-5, atol=1e-5)


def zeroed(model, part, head=1):
    """The same model with the weights of a part zeroed by hand; a head by its values' linear layer."""
    layer = model.cvt.encoder.stages[2].layers[1]
    attention, width = layer.attention.attention, model.config.stages[2].head_dim
    rows = {
        "head": [(attention.projection_value, slice(head * width, (head + 1) * width))],
        "uniform": [(attention.projection_query, slice(head * width, (head + 1) * width))],
        "attention": [(layer.attention.output.dense, slice(None))],
        "mlp": [(layer.output.dense, slice(None))],
        "block": [(layer.attention.output.dense, slice(None)), (layer.output.dense, slice(None))],
        **{
            f"{each}_conv": [(getattr(attention, f"convolution_projection_{each}").convolution_projection.normalization, slice(None))]
            for each in ("query", "key", "value")
        },
    }[part]
    with torch.no_grad():
        for module, rows_of_it in rows:
            module.weight[rows_of_it] = 0
            module.bias[rows_of_it] = 0
    return model


@pytest.mark.parametrize(
    ("intervention", "part"),
    [*((off(part), part) for part in PARTS if "residual" not in part), (off("head", "uniform"), "uniform")],
    ids=str,
)
def test_zero_equals_the_model_with_those_weights_zeroed_by_hand(intervention, part):
    model = tiny_model()
    before, changed = run(model), run(model, samples=[[intervention]])
    close(changed, run(zeroed(tiny_model(), part)))
    assert (changed - before).abs().max() > 1e-3


def by_hand(model, change):
    """The logits of a plain loop over blocks; ``change(name, value)`` may replace what block 1 of the last stage computes."""
    x = X
    with torch.inference_mode():
        for number, stage in enumerate(model.cvt.encoder.stages):
            tokens, grid = stage.embedding(x)
            if stage.cls_token is not None:
                tokens = torch.cat((stage.cls_token.expand(len(x), -1, -1), tokens), dim=1)
            for index, layer in enumerate(stage.layers):
                here = change if (number, index) == (2, 1) else (lambda name, value: value)
                added = attention_by_hand(layer, tokens, grid, here)
                tokens = here("attention_residual", tokens) + here("attention", added)
                hidden = F.gelu(layer.intermediate.dense(layer.layernorm_after(tokens)))
                tokens = here("mlp_residual", tokens) + here("mlp", layer.output.dense(hidden))
            first = int(stage.cls_token is not None)
            x = tokens[:, first:].transpose(1, 2).unflatten(2, grid)
        return model.classifier(model.layernorm(tokens[:, 0]))


def attention_by_hand(layer, tokens, grid, here):
    attention = layer.attention.attention
    tokens = layer.layernorm_before(tokens)
    cls = tokens[:, : int(attention.has_cls)]
    picture = tokens[:, int(attention.has_cls) :].transpose(1, 2).unflatten(2, grid)
    q, k, v = [], [], []
    for name, found in (("query", q), ("key", k), ("value", v)):
        convolved = to_tokens(getattr(attention, f"convolution_projection_{name}").convolution_projection(picture))
        with_cls = torch.cat((cls, here(f"{name}_conv", convolved)), dim=1)
        found += getattr(attention, f"projection_{name}")(with_cls).chunk(attention.num_heads, dim=-1)
    heads = []
    for head, parts in enumerate(zip(q, k, v, strict=True)):
        weights = torch.softmax(parts[0] @ parts[1].transpose(1, 2) * tokens.shape[-1] ** -0.5, dim=-1)
        if head == 1:
            weights = here("weights", weights)
        mixed = weights @ parts[2]
        heads.append(here("head", mixed) if head == 1 else mixed)
    return layer.attention.output.dense(torch.cat(heads, dim=-1))


def test_the_loop_by_hand_is_the_model():
    close(by_hand(tiny_model(), lambda name, value: value), run(tiny_model()))


@pytest.mark.parametrize("part", [part for part in PARTS if part != "block"])
def test_means_over_tokens_and_cut_residuals_equal_a_loop_by_hand(part):
    def mean(name, value):
        return value.mean(dim=1, keepdim=True).expand_as(value) if name == part else value

    def zero(name, value):
        return value * 0 if name == part else value

    close(run(tiny_model(), samples=[[off(part, "mean")]]), by_hand(tiny_model(), mean))
    close(run(tiny_model(), samples=[[off(part)]]), by_hand(tiny_model(), zero))


def test_a_uniform_head_looks_at_all_keys_alike():
    def uniform(name, value):
        return torch.full_like(value, 1 / value.shape[-1]) if name == "weights" else value

    model = tiny_model()
    close(run(model, samples=[[off("head", "uniform")]]), by_hand(model, uniform))
    with torch.inference_mode(), capture(model) as seen, intervened(model, [[off("head", "uniform")]]):  # in this order too
        model(X)
    weights = seen.attention(2, 1)
    assert (weights[:, 1] == 1 / weights.shape[-1]).all()
    assert weights[:, 0].std() > 1e-3


@pytest.mark.parametrize("part", [part for part in PARTS if part != "block"])
def test_means_over_examples_are_those_of_each_part_over_pictures_and_tokens(part):
    model, seen = tiny_model(), []
    pictures = [pixels(1, 3, 48, 64, seed=5), pixels(1, 3, 32, 32, seed=6)]

    def note(name, value):
        if name == part:
            seen.append(value[0])
        return value

    for each in pictures:
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(globals(), "X", each)
            by_hand(model, note)
    first = int(not part.endswith("_conv"))  # the cls token has its own mean, but convolutions do not see it
    cls = sum(each[:first] for each in seen) / 2
    spatial = sum(each[first:].mean(dim=0, keepdim=True) for each in seen) / 2

    def replaced(name, value):
        return torch.cat((cls, spatial.expand(value.shape[1] - first, -1))).expand_as(value) if name == part else value

    changed = run(model, samples=[[off(part, "examples")]], means=example_means(model, pictures))
    close(changed, by_hand(model, replaced))


@pytest.mark.parametrize("changes", [{}, {"cls_token": False, "qkv_projection_method": ("avg", "linear", "dw_bn")}], ids=str)
def test_a_batch_of_all_different_ones_equals_one_by_one_and_nothing_stays(changes):
    model = tiny_model(**changes)
    means, before = example_means(model, [pixels(1, 3, 40, 40)]), run(model)
    singles = [[each] for each in everything(model.config)]
    samples = [*singles, [], singles[0] + singles[-1]]
    batch = run(model, X[:1].expand(len(samples), -1, -1, -1), samples, means)
    for index, each in list(enumerate(samples))[::-3]:  # a third of them, the last ones included
        close(batch[index : index + 1], run(model, X[:1], [each], means))
    close(batch[-2], before[0])
    assert torch.equal(run(model), before)  # to the bit
    assert torch.equal(run(model, samples=[[]]), before)
    assert hooks(model) == 0
    assert _active.get() == ()


def test_eight_threads_with_different_interventions_never_meet():
    model, together = tiny_model(), threading.Barrier(8)
    singles = [each for each in everything(model.config) if each.how in ("zero", "mean") and each.stage == 2][::5][:7]
    samples = [[], *([each] for each in singles)]
    expected = [run(model, samples=[each]) for each in samples]

    def again(each):
        together.wait()
        with torch.inference_mode():
            if not each:
                return [model(X).logits for _ in range(6)]
            found = []
            for _ in range(6):
                with intervened(model, [each]):
                    found.append(model(X).logits)
            return found

    with ThreadPoolExecutor(8) as pool:
        for found, wanted in zip(pool.map(again, samples), expected, strict=True):
            assert all(torch.equal(each, wanted) for each in found)
    assert hooks(model) == 0


def test_the_runner_leaves_it_to_the_model():
    model = tiny_model()
    runner = Runner(model)
    with torch.inference_mode(), intervened(model, [[off("mlp")]]):
        assert runner(X) is None
        assert torch.equal(runner.logits(X), run(model, samples=[[off("mlp")]]))
    with torch.inference_mode():
        assert runner(X) is not None


def test_gradients_pass_through_what_was_replaced():
    model = tiny_model().double()
    x, changes = X[:1].double().requires_grad_(), [off("head", "mean"), off("mlp_residual", "mean"), off("key_conv")]
    with intervened(model, [changes]):
        model(x).logits[0, 0].backward()
    step = torch.zeros_like(x)
    step[0, 1, 20, 30] = 1e-4
    high, low = (
        run(model, x.detach() + way * step, [[off("head", "mean"), off("mlp_residual", "mean"), off("key_conv")]]) for way in (1, -1)
    )
    assert float(x.grad[0, 1, 20, 30]) == pytest.approx(float((high - low)[0, 0]) / 2e-4, rel=1e-5)


PROCESSOR = CvtImageProcessor(size=48)
SEEN = torch.from_numpy(PROCESSOR.normalize(PROCESSOR.cut(picture())))[None]


def seen_by(model, *interventions, means=None):
    return explore(model, PROCESSOR, picture(), Runner(model), interventions=interventions, means=means)


def test_exploring_shows_what_was_changed():
    model = tiny_model()
    off_and_mean = off("head"), off("mlp", "mean", block=0)
    found = seen_by(model, *off_and_mean)
    np.testing.assert_array_equal(found.logits, run(model, SEEN, [off_and_mean])[0].numpy())
    np.testing.assert_allclose(found.stages[1].features, seen_by(model).stages[1].features, atol=1e-5)
    assert np.abs(found.stages[2].features - seen_by(model).stages[2].features).max() > 1e-3


@pytest.mark.parametrize(("part", "how"), [(part, how) for part in PARTS for how in ways(part)])
def test_class_evidence_is_what_the_last_stages_keys_add_to_the_token_that_is_classified(part, how):
    """Head by head, without those that are replaced and the blocks that a replaced residual connection cuts off."""
    model = tiny_model()
    means = example_means(model, [pixels(1, 3, 48, 48)])
    found = seen_by(model, off(part, how), means=means)
    expected = np.zeros_like(found.evidence.places)
    with torch.inference_mode(), capture(model) as seen, intervened(model, [[off(part, how)]], means):
        logits = model(SEEN).logits[0]
    token, norm = seen.cls_token(2)[0, 0], model.layernorm
    for row, label in enumerate(found.shown):
        weight = (model.classifier.weight[label] - model.classifier.weight.mean(dim=0)) * norm.weight
        weight = (weight - weight.mean()) / torch.sqrt(((token - token.mean()) ** 2).mean() + norm.eps)
        for block in range({"attention_residual": 1, "mlp_residual": 2}.get(part, 0), 3):
            replaced = block == 1 and how != "uniform"
            gone = range(3) if replaced and part in ("attention", "block") else (1,) if replaced and part == "head" else ()
            columns = model.cvt.encoder.stages[2].layers[block].attention.output.dense.weight
            for head in set(range(3)) - set(gone):
                share = seen.attention(2, block, [0])[0, head, 0, 1:, None]
                added = share * seen.value(2, block)[0, head, 1:] @ columns[:, head * 8 : head * 8 + 8].T
                expected[row] += (added @ weight).detach().numpy()
    np.testing.assert_allclose(found.evidence.places, expected, atol=1e-5)
    np.testing.assert_allclose(
        found.evidence.places.sum(axis=1) + found.evidence.rest, (logits[list(found.shown)] - logits.mean()).numpy(), atol=1e-5
    )


def test_where_no_place_adds_directly_there_is_no_evidence():
    assert seen_by(tiny_model(), off("mlp_residual", block=2)).evidence is None
    assert seen_by(tiny_model(cls_token=False), off("mlp_residual", block=2)).evidence is not None


@pytest.mark.parametrize(
    ("intervention", "sentence"),
    [
        (off("mlp", stage=3), "There is no stage 3: this model's stages are 0 to 2."),
        (off("mlp", stage="2"), "There is no stage '2'"),
        (off("mlp", block=True), "There is no block True"),
        (off("mlp", block=-1), "There is no block -1 in stage 2: its blocks are 0 to 2."),
        (off("tail"), "There is no part 'tail': choose one of head, attention,"),
        (off("head", head=3), "There is no head 3 in stage 2: its heads are 0 to 2, for the part 'head' only."),
        (off("mlp", head=0), "There is no head 0"),
        (off("mlp", "uniform"), "'mlp' cannot be replaced by 'uniform': choose one of zero, mean, examples."),
        (off("query_conv", stage=0, block=0), "Stage 0 has no 'query_conv': its projections are linear."),
    ],
)
def test_what_a_model_does_not_have_is_refused_in_a_sentence(intervention, sentence):
    config = tiny_config(qkv_projection_method=("linear", "avg", "dw_bn"))
    with pytest.raises(InterventionError) as found:
        validate([intervention], config)
    assert str(found.value).startswith(sentence)
    assert str(pickle.loads(pickle.dumps(found.value))) == str(found.value)
    with pytest.raises(ValueError, match="twice"):
        validate([off("block"), off("mlp", "mean")], config)
    validate([each for each in everything(config) if each.how == "zero" and each.part != "block"], config)


def test_means_that_are_missing_and_batches_of_another_size_are_refused():
    model = tiny_model()
    with pytest.raises(ValueError, match="needs the means"):
        run(model, samples=[[off("mlp", "examples")]])
    with pytest.raises(ValueError, match="for 3 samples, but 2 in the batch"):
        run(model, samples=[[off("mlp")], [], []])
    with pytest.raises(ValueError, match="at least one picture"):
        example_means(model, [])
    assert hooks(model) == 0
    assert replace(off("mlp"), how="mean") > off("head")  # sorted, so that the same ones make the same request
