"""Capturing by hooks: exact, for the caller alone, gone afterwards."""

import asyncio
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import nn

from cvt.model import CvtForImageClassification, CvtModel
from tests.helpers import pixels, tiny_model
from visualize import capture
from visualize.capture import TAPS
from visualize.hooks import _active


def hooks(model: nn.Module) -> int:
    """How many hooks of any kind are in the model's modules."""
    return sum(
        len(value) for module in model.modules() for name, value in vars(module).items() if "hook" in name and hasattr(value, "__len__")
    )


def everything(model, seen):
    """All feature maps, cls tokens and attention weights of a capture, as one list."""
    maps = [seen.feature_map(stage) for stage in range(model.config.num_stages)]
    tokens = [token for stage in range(model.config.num_stages) if (token := seen.cls_token(stage)) is not None]
    weights = [seen.attention(stage, block) for stage, depth in enumerate(model.config.depth) for block in range(depth)]
    return maps + tokens + weights


def captured(model, x):
    with torch.inference_mode(), capture(model) as seen:
        model(x)
    return everything(model, seen)


def same(ours, expected):
    return len(ours) == len(expected) and all(torch.allclose(a, b, rtol=0, atol=1e-6) for a, b in zip(ours, expected, strict=True))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"kernel_qkv": 5, "padding_q": 2, "padding_kv": 2},
        {"stride_kv": (1, 2, 3)},
        {"depth": (1, 2), "embed_dim": (8, 16), "num_heads": (2, 4)},
    ],
    ids=str,
)
def test_equals_what_hooks_in_transformers_see(changes):
    oracle = pytest.importorskip("tests.parity.oracle")
    model, x = tiny_model(**changes).double(), pixels(2, 3, 48, 64).double()
    theirs = oracle.twin(model)
    expected = iter(oracle.attention_weights(theirs, x))
    with torch.no_grad(), capture(model) as seen:
        model(x)
        states = theirs(x, output_hidden_states=True).hidden_states
    for stage, depth in enumerate(model.config.depth):
        assert oracle.difference(seen.feature_map(stage), states[stage]) < oracle.EXACT
        for block in range(depth):
            weights = next(expected)
            ours = seen.attention(stage, block)
            assert ours.shape == weights.shape
            assert oracle.difference(ours, weights) < oracle.EXACT
            some = [weights.shape[2] - 1, 0, 5]
            for chosen in (some, torch.tensor(some)):
                assert oracle.difference(seen.attention(stage, block, chosen), weights[:, :, some]) < oracle.EXACT


@pytest.mark.parametrize(
    "changes",
    [
        {"cls_token": True},
        {"cls_token": False},
        {"qkv_projection_method": ("dw_bn", "avg", "linear")},
        {"depth": (2, 0, 1)},
        {"num_channels": 1},
    ],
    ids=str,
)
@pytest.mark.parametrize("cls", [CvtForImageClassification, CvtModel])
def test_equals_what_the_model_returns_itself(changes, cls):
    model = tiny_model(cls=cls, **changes)
    x = pixels(2, model.config.num_channels, 40, 56)
    with torch.no_grad(), capture(model) as seen:
        model(x)
        output = model(x, output_hidden_states=True, output_attentions=True)
    tokens = [seen.cls_token(stage) for stage in range(3)]
    assert [token is not None for token in tokens] == list(model.config.cls_token)
    ours = [each for each in everything(model, seen) if not any(each is token for token in tokens)]
    assert same(ours, [*output.hidden_states, *output.attentions])
    if model.config.cls_token[-1] and cls is CvtModel:
        assert torch.equal(tokens[-1], output.cls_token_value)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_weights_are_rows_that_sum_to_1_in_any_float_type(dtype):
    model = tiny_model().to(dtype)
    with torch.no_grad(), capture(model) as seen:
        model(pixels(1, 3, 32, 32).to(dtype))
    weights = seen.attention(2, 1)
    assert weights.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
    assert torch.allclose(weights.sum(-1), torch.ones((), dtype=weights.dtype), atol=1e-6)
    assert seen.feature_map(2).dtype == dtype


def test_gradients_reach_what_was_captured(tiny_model):
    with capture(tiny_model) as seen:
        logits = tiny_model(pixels()).logits
    query, key, _ = seen.query_key(2, 1)
    gradients = torch.autograd.grad(logits[:, 0].sum(), [seen.feature_map(1), query, key])
    assert all(float(gradient.abs().max()) > 0 for gradient in gradients)


def test_no_hook_is_left_after_success(tiny_model):
    assert hooks(tiny_model) == 0
    with capture(tiny_model):
        assert hooks(tiny_model) > 0
        with capture(tiny_model):
            tiny_model(pixels())
    assert hooks(tiny_model) == 0
    assert _active.get() == ()


def test_no_hook_is_left_after_an_exception(tiny_model):
    with pytest.raises(RuntimeError, match="mine"), capture(tiny_model):
        raise RuntimeError("mine")
    with pytest.raises(ValueError, match="too small"), capture(tiny_model):
        tiny_model(pixels(1, 3, 2, 2))
    with pytest.raises(KeyboardInterrupt), capture(tiny_model):
        raise KeyboardInterrupt
    assert hooks(tiny_model) == 0
    assert _active.get() == ()


def test_no_hook_is_left_where_not_all_could_be_placed(tiny_model, monkeypatch):
    def refuse(hook, prepend):
        raise RuntimeError("no room")

    monkeypatch.setattr(tiny_model.cvt.encoder.stages[2].layers[1].attention.attention.attend, "register_forward_hook", refuse)
    with pytest.raises(RuntimeError, match="no room"), capture(tiny_model):
        pass
    assert hooks(tiny_model) == 0
    assert _active.get() == ()


def test_what_was_captured_outlives_the_block_and_later_passes_do_not_change_it(tiny_model):
    with torch.inference_mode():
        with capture(tiny_model) as seen:
            tiny_model(pixels(seed=1))
        before = [each.clone() for each in everything(tiny_model, seen)]
        tiny_model(pixels(seed=2))
    assert all(torch.equal(a, b) for a, b in zip(everything(tiny_model, seen), before, strict=True))


def test_the_last_pass_counts(tiny_model):
    expected = captured(tiny_model, pixels(seed=2))
    with torch.inference_mode(), capture(tiny_model) as seen:
        tiny_model(pixels(seed=1))
        tiny_model(pixels(seed=2))
    assert same(everything(tiny_model, seen), expected)


def test_a_pass_that_fails_half_way_leaves_no_mixture_of_two(tiny_model):
    with torch.inference_mode(), capture(tiny_model) as seen:
        tiny_model(pixels())
        with tiny_model.cvt.encoder.stages[1].register_forward_pre_hook(_fail), pytest.raises(RuntimeError, match="half-way"):
            tiny_model(pixels(seed=2))
    assert seen.feature_map(0) is not None
    with pytest.raises(ValueError, match="Nothing was captured for 'stage' at stage 1"):
        seen.feature_map(1)
    with pytest.raises(ValueError, match="Nothing was captured for 'qkv' at stage 2, block 1"):
        seen.attention(2, 1)


def _fail(module, inputs):
    raise RuntimeError("half-way")


def test_captures_nest(tiny_model):
    first, second = captured(tiny_model, pixels(seed=1)), captured(tiny_model, pixels(seed=2))
    with torch.inference_mode(), capture(tiny_model) as outer:
        tiny_model(pixels(seed=1))
        with capture(tiny_model) as inner:
            with pytest.raises(ValueError, match="Nothing was captured"):
                inner.feature_map(0)
            tiny_model(pixels(seed=2))
            assert same(everything(tiny_model, outer), second)  # it is inside both blocks
        tiny_model(pixels(seed=1))
    assert same(everything(tiny_model, inner), second)
    assert same(everything(tiny_model, outer), first)


def test_captures_of_two_models_do_not_mix():
    one, other = tiny_model(seed=1), tiny_model(seed=2)
    with torch.inference_mode(), capture(one) as of_one, capture(other) as of_other:
        other(pixels())
        one(pixels())
    assert same(everything(one, of_one), captured(one, pixels()))
    assert same(everything(other, of_other), captured(other, pixels()))


def test_another_threads_pass_is_not_captured(tiny_model):
    with capture(tiny_model) as seen:
        thread = threading.Thread(target=tiny_model, args=(pixels(),))
        thread.start()
        thread.join()
    with pytest.raises(ValueError, match="in the same thread"):
        seen.feature_map(0)


def test_threads_that_capture_at_once_each_get_their_own(tiny_model):
    rounds = 40
    sizes = [(32, 32), (32, 32), (48, 40)]
    inputs = {name: pixels(1, 3, *size, seed=seed) for seed, (name, size) in enumerate(zip("abc", sizes, strict=True))}
    expected = {name: captured(tiny_model, x) for name, x in inputs.items()}
    with torch.inference_mode():
        logits = tiny_model(inputs["c"]).logits
    wrong, start = [], threading.Barrier(4)

    def capturing(name):
        start.wait()
        for number in range(rounds):
            if not same(captured(tiny_model, inputs[name]), expected[name]):
                wrong.append((name, number))

    def nesting(name):
        start.wait()
        for number in range(rounds):
            with torch.inference_mode(), capture(tiny_model) as outer:
                inner = captured(tiny_model, inputs[name])
            if not same(inner, expected[name]) or not same(everything(tiny_model, outer), expected[name]):
                wrong.append((name, number))

    def plain(name):
        start.wait()
        for number in range(rounds):
            with torch.inference_mode():
                if not torch.allclose(tiny_model(inputs[name]).logits, logits, atol=1e-5):
                    wrong.append((name, number))

    _run_together((capturing, "a"), (capturing, "b"), (nesting, "b"), (plain, "c"), wrong=wrong)
    assert wrong == []
    assert hooks(tiny_model) == 0


def _run_together(*jobs, wrong):
    """Threads that Python switches between as often as it can; an exception in one is noted in ``wrong``."""

    def guarded(function, name):
        try:
            function(name)
        except Exception as error:
            wrong.append((name, repr(error)))

    threads = [threading.Thread(target=guarded, args=job) for job in jobs]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)


def test_passes_that_are_inside_the_model_at_the_same_time_are_told_apart(tiny_model):
    """Both threads wait for each other in the middle of the model, so that every hook fires while the other is inside."""
    inputs = {name: pixels(1, 3, 32, 32, seed=seed) for seed, name in enumerate("ab")}
    expected = {name: captured(tiny_model, x) for name, x in inputs.items()}
    meet, wrong = threading.Barrier(2), []

    def capturing(name):
        for number in range(20):
            if not same(captured(tiny_model, inputs[name]), expected[name]):
                wrong.append((name, number))

    def wait(module, *_):
        meet.wait(30)

    places = [
        module
        for stage in tiny_model.cvt.encoder.stages
        for module in (stage, *(layer.attention.attention.attend for layer in stage.layers))
    ]
    handles = [place.register_forward_pre_hook(wait) for place in places]
    _run_together((capturing, "a"), (capturing, "b"), wrong=wrong)
    for handle in handles:
        handle.remove()
    assert wrong == []


def test_tasks_of_one_event_loop_each_get_their_own(tiny_model):
    inputs = [pixels(1, 3, 32, 32, seed=seed) for seed in range(3)]
    expected = [captured(tiny_model, x) for x in inputs]

    async def one(x):
        with capture(tiny_model) as seen:
            await asyncio.sleep(0)
            tiny_model(x)
            await asyncio.sleep(0)
        return everything(tiny_model, seen)

    async def all_at_once():
        return await asyncio.gather(*map(one, inputs))

    with ThreadPoolExecutor(1) as thread:  # this one may be a browser's, whose loop runs all the time
        results = thread.submit(asyncio.run, all_at_once()).result()
    assert all(same(ours, alone) for ours, alone in zip(results, expected, strict=True))


def test_a_tap_that_never_fired_raises(tiny_model):
    with capture(tiny_model) as seen:
        pass
    for look in (lambda: seen.feature_map(0), lambda: seen.cls_token(2), lambda: seen.attention(1, 1), lambda: seen.query_key(0, 0)):
        with pytest.raises(ValueError, match=r"Nothing was captured for .*: run the model inside"):
            look()


def test_what_does_not_exist_raises(tiny_model):
    with torch.inference_mode(), capture(tiny_model) as seen:
        tiny_model(pixels())
    for stage in (-1, 3):
        with pytest.raises(ValueError, match=f"no stage {stage}: this model's stages are 0 to 2"):
            seen.feature_map(stage)
        with pytest.raises(ValueError, match=f"no stage {stage}"):
            seen.attention(stage, 0)
    for block in (-1, 2):
        with pytest.raises(ValueError, match=f"no block {block} in stage 1: its blocks are 0 to 1"):
            seen.attention(1, block)
    count = seen.attention(2, 0).shape[2]  # 2 × 2 tokens and the cls token
    assert count == 5
    for queries in ([count], [-1], [0, 99], [[0]], 0, torch.tensor(3)):
        with pytest.raises(ValueError, match="from 0 to 4"):
            seen.attention(2, 0, queries)
    assert seen.attention(2, 0, []).shape[2] == 0


@pytest.mark.parametrize(
    "changes", [{}, {"cls_token": True}, {"qkv_projection_method": ("dw_bn", "avg", "linear")}, {"depth": (2, 0, 1)}], ids=str
)
def test_the_taps_of_a_block_add_up_to_the_model(changes):
    """What a block reads, plus what attention and MLP add, is what the next one reads, and after the last what the stage passes on."""
    model = tiny_model(**changes)
    with torch.no_grad(), capture(model, taps=TAPS) as seen:
        model(pixels())
    for stage, depth in enumerate(model.config.depth):
        layers = model.cvt.encoder.stages[stage].layers
        tokens = [seen.tap("input", stage, block) for block in range(depth)]
        for block in range(depth):
            torch.testing.assert_close(seen.tap("normalised", stage, block), layers[block].layernorm_before(tokens[block]))
            after = tokens[block] + seen.tap("attention", stage, block) + seen.tap("mlp", stage, block)
            if block + 1 < depth:
                torch.testing.assert_close(after, tokens[block + 1])
            else:
                patches = seen.feature_map(stage).flatten(2).transpose(1, 2)
                cls = [] if seen.cls_token(stage) is None else [seen.cls_token(stage)]
                torch.testing.assert_close(after, torch.cat([*cls, patches], dim=1))


def test_only_the_taps_that_were_asked_for_are_hooked(tiny_model):
    with torch.no_grad(), capture(tiny_model, taps=["mlp"]) as seen:
        tiny_model(pixels())
    assert seen.tap("mlp", 2, 2).shape == (2, 5, 24)
    for name, place in (("stage", (0,)), ("qkv", (0, 0)), ("input", (0, 0))):
        with pytest.raises(ValueError, match=f"Nothing was captured for '{name}' at stage 0"):
            seen.tap(name, *place)
    with pytest.raises(ValueError, match="'mlp' is in every block"):
        seen.tap("mlp", 0)
    with pytest.raises(ValueError, match="no tap 'logits': choose one of stage, qkv, "):
        seen.tap("logits", 0)
