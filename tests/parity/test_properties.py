"""Any valid configuration, any input size: equal to transformers where it can run, to the formula everywhere."""

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import HealthCheck, Phase, assume, given, settings

from cvt.config import PROJECTION_METHODS, CvtConfig
from tests.helpers import pixels, tiny_model
from tests.parity import restatement
from tests.parity.oracle import EXACT, attention_weights, difference, twin


@st.composite
def stages(draw, plain: bool):
    """The fields of one stage; ``plain`` ones are those that transformers can run."""
    heads = draw(st.integers(1, 3))
    kernel = draw(st.sampled_from([1, 3, 5]))
    method = "dw_bn" if plain else draw(st.sampled_from(PROJECTION_METHODS))
    patch = draw(st.integers(1, 5))
    return {
        "patch_sizes": patch if plain or draw(st.booleans()) else (patch, draw(st.integers(1, 4))),
        "patch_stride": draw(st.integers(1, 4)),
        "patch_padding": draw(st.integers(0, patch // 2)),
        "embed_dim": heads * draw(st.integers(4, 7)),
        "num_heads": heads,
        "depth": draw(st.integers(1, 3)),
        "mlp_ratio": draw(st.sampled_from([1.0, 2.0, 3.5])),
        "qkv_bias": draw(st.booleans()),
        "cls_token": draw(st.booleans()),
        "qkv_projection_method": method,
        "kernel_qkv": kernel,
        "padding_q": kernel // 2,
        "padding_kv": draw(st.integers(0, kernel // 2)),
        "stride_kv": draw(st.integers(1, 3)),
    }


@st.composite
def models(draw, plain: bool | None = None):
    """A config of one to four stages and an input size with room for it."""
    plain = draw(st.booleans()) if plain is None else plain
    drawn = draw(st.lists(stages(plain), min_size=1, max_size=4 if plain else 3))
    if plain:
        for index, stage in enumerate(drawn):
            stage["cls_token"] = index == len(drawn) - 1
            stage["depth"] = max(stage["depth"], index + 1)
    config = CvtConfig(
        num_channels=draw(st.integers(1, 4)),
        num_labels=draw(st.integers(0, 4)),
        drop_path_rate=0.0,
        hidden_act=draw(st.sampled_from(["gelu", "quick_gelu"])),
        layer_norm_eps=1e-5 if plain else draw(st.sampled_from([1e-5, 1e-3])),
        **{name: [stage[name] for stage in drawn] for name in drawn[0]},
    )
    height, width = draw(st.integers(4, 40)), draw(st.integers(4, 40))
    try:
        grids = config.grids(height, width)
    except ValueError:
        assume(False)
    assume(all(query[0] * query[1] <= 120 for query, _ in grids))  # the formula is slow
    return config, (height, width)


EXAMPLES = settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.generate,),  # making a failing example smaller would take minutes
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@EXAMPLES
@given(models(), st.integers(0, 1000))
def test_logits_and_feature_maps(drawn, seed):
    config, (height, width) = drawn
    model = tiny_model(config, seed).double()
    x = pixels(2, config.num_channels, height, width, seed=seed).double()
    with torch.no_grad():
        output = model(x, output_hidden_states=True)
    logits, maps = restatement.run(config, {name: value.numpy() for name, value in model.state_dict().items()}, x.numpy())
    for ours, expected in zip([output.logits, *output.hidden_states], [logits, *maps], strict=True):
        assert difference(ours, torch.from_numpy(expected)) < EXACT


@EXAMPLES
@given(models(plain=True), st.integers(0, 1000))
def test_all_that_transformers_computes(drawn, seed):
    config, (height, width) = drawn
    ours, x = tiny_model(config, seed).double(), pixels(2, config.num_channels, height, width, seed=seed).double()
    theirs = twin(ours)
    with torch.no_grad():
        got, expected = ours(x, output_hidden_states=True, output_attentions=True), theirs(x, output_hidden_states=True)
        pairs = [(got.logits, expected.logits), *zip(got.hidden_states, expected.hidden_states, strict=True)]
        pairs += zip(got.attentions, attention_weights(theirs, x), strict=True)
        if all(rows * columns > 1 for _, (rows, columns) in config.grids(height, width)):
            pairs.append((ours.train()(x).logits, theirs.train()(x).logits))  # by the batch's own statistics, which may vary little
            pairs += zip(ours.buffers(), theirs.buffers(), strict=True)
    for values, expected_values in pairs:
        assert difference(values.double(), expected_values.double()) < 100 * EXACT


@settings(EXAMPLES, max_examples=8)
@given(models(plain=True), st.integers(0, 1000), st.booleans())
def test_gradients(drawn, seed, training):
    """In float64: a few channels multiply float32's rounding so much that it cannot be told from mistakes."""
    config, (height, width) = drawn
    if training:  # BatchNorm over two values has no gradient but rounding
        assume(all(rows * columns > 1 for _, (rows, columns) in config.grids(height, width)))
    model = tiny_model(config, seed).double().train(training)
    compare_gradients(model, pixels(2, config.num_channels, height, width, seed=seed).double(), 1e-7)


@pytest.mark.parametrize("training", [False, True])
def test_gradients_in_float32(training):
    compare_gradients(tiny_model(drop_path_rate=0.0).train(training), pixels(4, 3, 64, 48), 1e-4)


def compare_gradients(model, x, tolerance):
    theirs, gradients = twin(model), []
    for each in (model, theirs):
        values = x.clone().requires_grad_()
        logits = each(values).logits
        (logits * torch.linspace(0.5, 1.5, logits.numel(), dtype=x.dtype).reshape(logits.shape)).sum().backward()
        gradients.append({"pixel_values": values.grad} | {name: value.grad for name, value in each.named_parameters()})
    largest = max(float(value.abs().max()) for value in gradients[1].values())
    for name, ours in gradients[0].items():
        expected = gradients[1][name]
        # those of key biases are zero but for rounding, hence a floor
        assert (ours - expected).abs().max() < tolerance * max(float(expected.abs().max()), 1e-2 * largest), name
