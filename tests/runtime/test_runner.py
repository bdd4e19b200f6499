"""The runner gives what the model gives, sees what hooks see, and never answers with weights that are no longer the model's."""

import copy
import threading

import pytest
import torch
from torch import nn

from cvt.model import CvtForImageClassification
from cvt.runtime import runner as runner_module
from cvt.runtime.layers import Product
from cvt.runtime.packing import why_not
from cvt.runtime.runner import Runner
from tests.helpers import pixels, tiny_model
from visualize.capture import Capture, capture

ARCHITECTURES = [
    {},
    {"cls_token": True},
    {"cls_token": False},
    {"depth": (2, 0, 1)},
    {"depth": (1, 1), "embed_dim": (12, 20), "num_heads": (3, 2)},
    {"kernel_qkv": 5, "padding_q": 2, "padding_kv": 2},
    {"padding_kv": 2},
    {"stride_kv": (1, 2, 3)},
    {"qkv_bias": False},
    {"hidden_act": "quick_gelu"},
    {"num_labels": 0},
    {"num_channels": 1, "mlp_ratio": (1.5, 2.0, 3.0)},
]
SHAPES = [(2, 48, 48), (1, 40, 56), (3, 47, 83)]  # pictures, height, width
needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


def equal(ours, expected, tolerance):
    """Whether two tensors are equal but for rounding, as a share of the whole."""
    ours, expected = ours.double().cpu(), expected.double().cpu()
    return ours.shape == expected.shape and (ours - expected).norm() <= tolerance * expected.norm() + 1e-12


def check(model, exact, x, tolerance):
    """The runner of ``model``, with captures and without, against ``exact``, the same model in float64."""
    runner = Runner(model)
    with torch.inference_mode():
        with capture(exact) as seen:
            expected = exact(x.double()).logits
        plain, answer, again = runner(x.to(model.device)), runner(x.to(model.device), captures=True), runner(x.to(model.device))
    for each in (plain, answer, again):
        assert equal(each.logits, expected, tolerance)
    assert plain.taps is None
    found = Capture.of(answer.taps)
    for stage, depth in enumerate(model.config.depth):
        assert equal(found.feature_map(stage), seen.feature_map(stage), tolerance)
        assert (found.cls_token(stage) is None) == (seen.cls_token(stage) is None)
        if seen.cls_token(stage) is not None:
            assert equal(found.cls_token(stage), seen.cls_token(stage), tolerance)
        for block in range(depth):
            assert found.query_key(stage, block)[2] == seen.query_key(stage, block)[2]
            for ours, theirs in zip(found.tap("qkv", stage, block)[:3], seen.tap("qkv", stage, block)[:3], strict=True):
                assert equal(ours, theirs, tolerance)


@pytest.mark.parametrize("changes", ARCHITECTURES, ids=str)
def test_logits_and_taps_are_the_models(changes):
    model = tiny_model(**changes).double()
    for pictures, height, width in SHAPES:
        check(model, model, pixels(pictures, model.config.num_channels, height, width).double(), 1e-12)


@pytest.mark.parametrize("changes", ARCHITECTURES, ids=str)
def test_prepared_products_compute_the_same(changes):
    """float32 on a CPU: 24 bits, so roundings of 6e-8 in each of about 50 steps."""
    model, exact = tiny_model(**changes), tiny_model(**changes).double()
    for pictures, height, width in SHAPES:
        check(model, exact, pixels(pictures, model.config.num_channels, height, width), 3e-6)


@needs_cuda
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float16, 5e-3), (torch.bfloat16, 4e-2)], ids=str)
@pytest.mark.parametrize("changes", [*ARCHITECTURES, {"embed_dim": (20, 100, 60), "num_heads": (1, 2, 3)}], ids=str)
def test_kernels_and_graphs_compute_the_same(changes, dtype, tolerance):
    """float16 has 11 bits and bfloat16 8: a few roundings of 5e-4 and 4e-3 in each of about 50 steps, which partly cancel."""
    exact = tiny_model(**changes).double()
    model = tiny_model(**changes).cuda().to(dtype)
    for pictures, height, width in SHAPES:
        check(model, exact, pixels(pictures, model.config.num_channels, height, width), tolerance)


CHANGES = {
    "a bias in place": lambda model: model.classifier.bias.add_(1),
    "statistics": lambda model: projection(model, "value").normalization.running_var.mul_(4),
    "another parameter": lambda model: setattr(model.layernorm, "weight", nn.Parameter(torch.full_like(model.layernorm.weight, 2.0))),
    "a loaded state dict": lambda model: model.load_state_dict(partly_biased(9).state_dict()),
    "another classifier": lambda model: setattr(model, "classifier", nn.Linear(24, 7)),
    "a bias where there was none": lambda model: add_bias(model),
    "a block more": lambda model: append_block(model),
    "an optimizer's step": lambda model: step(model),
    "a fused optimizer's step": lambda model: step(model, fused=True),
    "a pass in training": lambda model: (model.train(), model(5 * pixels()), model.eval()),  # new running statistics
}


def projection(model, name="key"):
    attention = model.cvt.encoder.stages[1].layers[0].attention.attention
    return getattr(attention, f"convolution_projection_{name}").convolution_projection


def partly_biased(seed=0):
    return tiny_model(seed=seed, qkv_bias=(True, False, True))


def add_bias(model):
    value = model.cvt.encoder.stages[1].layers[0].attention.attention.projection_value
    value.bias = nn.Parameter(torch.ones(value.out_features))


def append_block(model):
    layers = model.cvt.encoder.stages[2].layers
    layers.append(copy.deepcopy(layers[0]))


def step(model, fused=False):
    with torch.enable_grad():
        optimizer = torch.optim.SGD(model.parameters(), 0.5, fused=fused)
        model(pixels()).logits.sum().backward()
        optimizer.step()


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=needs_cuda)])
def test_most_weights_are_the_models_own_and_not_copied(device):
    """Or the largest model takes twice its memory on a GPU. In float64 no library has a layout of its own."""
    model = tiny_model(embed_dim=(32, 64, 128), num_heads=2).double().to(device)
    known = {each.data_ptr() for each in model.parameters()}
    copied = {each.data_ptr(): each.nbytes for each in tensors_in(Runner(model)._weights.packed) if each.data_ptr() not in known}
    assert copied
    assert sum(copied.values()) < 0.35 * sum(each.nbytes for each in model.parameters())  # keys and values together, and what is small


def tensors_in(value):
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, (tuple, list)):
        for each in value:
            yield from tensors_in(each)
    elif type(value).__module__.startswith("cvt.runtime"):
        yield from tensors_in(list(vars(value).values()))


@pytest.mark.parametrize("name", CHANGES)
def test_changed_weights_are_noticed(name):
    model = partly_biased()
    runner, x = Runner(model), pixels()
    with torch.inference_mode():
        before = runner(x).logits
    with torch.no_grad():
        CHANGES[name](model)
    with torch.inference_mode():
        after = runner(x).logits
        torch.testing.assert_close(after, model(x).logits)
    assert after.shape != before.shape or not torch.allclose(after, before, atol=1e-3)


def test_changes_that_pytorch_does_not_count_are_taken_over_when_asked():
    model = tiny_model()
    runner, x = Runner(model), pixels()
    model.classifier.bias.data.add_(1)  # goes past the count of changes
    runner.refresh()
    with torch.inference_mode():
        torch.testing.assert_close(runner(x).logits, model(x).logits)


def test_what_is_the_models_own_affair_is_left_to_it():
    model, x = tiny_model(), pixels()
    runner = Runner(model)
    assert runner(x) is None, "gradients may be wanted"
    assert runner.logits(x).requires_grad
    with torch.inference_mode():
        assert runner(x[:0]) is None, "no picture"
        assert runner.logits(x[:0]).shape == (0, 5)
        assert torch.equal(runner.logits(x), runner(x).logits)
        assert runner(x) is not None
        with torch.autocast("cpu", torch.bfloat16):
            assert runner(x) is None
        model.train()
        assert runner(x) is None
        model.eval()
        with projection(model).register_forward_hook(lambda *_: None):
            assert runner(x) is None, "somebody looks at what modules compute"
        assert runner(x) is not None
        norm = projection(model).normalization
        projection(model).normalization = nn.Identity()
        assert runner(x) is None, "a module was exchanged"
        projection(model).normalization = norm
        assert runner(x) is not None, "and put back"
    with pytest.raises(ValueError, match="pixel_values must be floats"):
        runner(torch.zeros(1, 5, 32, 32))


def test_what_cannot_be_packed_says_why():
    assert why_not(tiny_model()) is None
    assert "without convolution" in why_not(tiny_model(qkv_projection_method=("dw_bn", "avg", "linear")))
    assert "not a CvtForImageClassification" in why_not(tiny_model().cvt)
    model = tiny_model()
    model.classifier = nn.Sequential(nn.Dropout(), model.classifier)
    assert "classifier is a Sequential" in why_not(model)
    with torch.inference_mode():
        assert Runner(model)(pixels()) is None


def test_the_cls_token_alone_is_computed_last_and_only_where_nobody_looks(monkeypatch):
    """The last MLP works on one token per picture, or on all of them where they are captured."""
    rows = []
    original = Product.added
    monkeypatch.setattr(Product, "added", lambda self, total, *args: rows.append(len(total)) or original(self, total, *args))
    runner = Runner(tiny_model())
    with torch.inference_mode():
        runner(pixels(2, 3, 32, 32))
        assert rows[-1] == 2
        runner(pixels(2, 3, 32, 32), captures=True)
        assert rows[-1] == 2 * (1 + 2 * 2)


@needs_cuda
def test_graphs_are_bounded_and_answers_are_the_callers_own(monkeypatch):
    monkeypatch.setattr(runner_module, "MAX_GRAPHS", 2)
    model = tiny_model().cuda()
    runner = Runner(model)
    inputs = [pixels(count, 3, 32, 32, seed=count).cuda() for count in (1, 2, 3, 1, 2, 3)]
    with torch.inference_mode():
        answers = [runner(x, captures=True) for x in inputs]
        assert len(runner._graphs) == 2
        for x, answer in zip(inputs, answers, strict=True):  # though the graphs' buffers were written again since
            torch.testing.assert_close(answer.logits, model(x).logits, rtol=1e-4, atol=1e-4)


@needs_cuda
def test_nobody_waits_for_a_warm_up(monkeypatch):
    """Its kernels may take ten seconds to build; meanwhile the model itself answers, also while graphs are recorded."""
    runner, x = Runner(tiny_model().cuda()), pixels().cuda()
    begun, answered, original = threading.Event(), threading.Event(), runner._answer

    def slow(*arguments):
        begun.set()
        assert answered.wait(60)
        return original(*arguments)

    monkeypatch.setattr(runner, "_answer", slow)
    warming = threading.Thread(target=runner.warm_up, args=tuple(x.shape))
    warming.start()
    assert begun.wait(60)
    with torch.inference_mode():
        assert runner(x) is None
        torch.testing.assert_close(runner.logits(x), runner.model(x).logits)
        answered.set()
        while warming.is_alive():
            runner.logits(x)
        torch.testing.assert_close(runner(x).logits, runner.model(x).logits, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=needs_cuda)])
def test_threads_get_their_own_answers(device):
    model = tiny_model().to(device)
    runner = Runner(model)
    inputs = [pixels(2, 3, 32, 32, seed=seed).to(device) for seed in range(4)]
    with torch.inference_mode():
        expected = [model(x).logits for x in inputs]
    wrong = []

    def work(index: int) -> None:
        with torch.inference_mode():
            for number in range(20):
                logits = runner(inputs[index], captures=bool(number % 2)).logits
                if not torch.allclose(logits, expected[index], atol=1e-4):
                    wrong.append(index)

    threads = [threading.Thread(target=work, args=(index,)) for index in range(len(inputs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_the_kinds_that_can_be_packed_are_the_models():
    """A new kind of module in the model must be thought of here."""
    kinds = {type(module) for module in tiny_model().modules() if type(module).__module__ == CvtForImageClassification.__module__}
    assert {kind.__name__ for kind in kinds} == {
        *("CvtForImageClassification", "CvtModel", "Encoder", "Stage", "Embedding", "ConvEmbedding", "Block", "Attention"),
        *("SelfAttention", "Projection", "ConvProjection", "ScaledDotProductAttention", "Intermediate", "Output", "DropPath"),
    }


def summed(model, answer):
    """Of the logits, the last stage's tokens, and a weight that the runner has packed."""
    return answer.logits.sum(dim=1), answer.taps[-1].tokens.float().mean(), model.classifier.weight.float().sum()


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=needs_cuda)])
def test_a_summary_is_of_the_same_pass(device):
    model, other = (tiny_model(seed=seed).to(device) for seed in (1, 2))
    runner, pictures = Runner(model), [pixels(2, 3, 32, 32, seed=seed).to(device) for seed in range(3)]
    with torch.inference_mode():
        runner.warm_up(2, 3, 32, 32, summary=summed)
        answers = [runner(x, captures=True, summary=summed) for x in pictures]
        model.load_state_dict(other.state_dict())
        answers.append(runner(pictures[0], captures=True, summary=summed))
    for answer in answers:
        for found, expected in zip(answer.summary, summed(model, answer)[:2], strict=False):
            torch.testing.assert_close(found, expected)
    assert float(answers[0].summary[2]) != float(answers[3].summary[2]) == pytest.approx(other.classifier.weight.sum().item(), rel=1e-5)
    with torch.inference_mode():
        assert runner(pictures[0], captures=True).summary == runner(pictures[0]).summary == ()
