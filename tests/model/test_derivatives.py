"""Derivatives: through returned attention, twice, for each picture; by the fused kernel and by plain attention."""

import pytest
import torch
import torch.nn.functional as F

from tests.helpers import pixels, tiny_config, tiny_model

IMPLEMENTATIONS = ["sdpa", "eager"]


@pytest.mark.parametrize("changes", [{}, {"cls_token": False}, {"qkv_projection_method": "avg"}], ids=str)
@pytest.mark.parametrize("training", [False, True])
def test_plain_and_fused_attention_compute_the_same(changes, training):
    model, x = tiny_model(drop_path_rate=0.0, **changes).double().train(training), pixels().double()
    results = []
    for name in IMPLEMENTATIONS:
        model.set_attn_implementation(name)
        logits = model(x).logits
        results.append([logits, *torch.autograd.grad(logits[:, 0].sum(), list(model.parameters()))])
    for fused, plain in zip(*results, strict=True):
        assert torch.allclose(fused, plain, rtol=0, atol=1e-10 * max(1.0, float(plain.detach().abs().max())))


def test_unknown_attention_is_refused():
    for model in (tiny_model(), tiny_model().cvt):
        with pytest.raises(ValueError, match="must be 'sdpa' or 'eager', not 'flash_attention_2'"):
            model.set_attn_implementation("flash_attention_2")


def test_dropout_of_plain_attention_keeps_the_expectation():
    attend = tiny_model(attention_drop_rate=0.5).cvt.encoder.stages[0].layers[0].attention.attention.attend.train()
    attend.attn_implementation = "eager"
    torch.manual_seed(0)
    sums = attend(pixels(1, 1, 50, 8), torch.zeros(1, 1, 1000, 8), torch.ones(1, 1, 1000, 1))
    assert float(sums.mean()) == pytest.approx(1, abs=0.03)
    assert float(sums.std()) == pytest.approx(1000**-0.5, rel=0.3)


@pytest.mark.parametrize("name", IMPLEMENTATIONS)
@pytest.mark.parametrize("checkpointing", [False, True])
def test_returned_attention_is_part_of_the_graph(name, checkpointing):
    model, x = tiny_model(drop_path_rate=0.0).double().train(), pixels().double()
    model.set_attn_implementation(name)
    if checkpointing:
        model.gradient_checkpointing_enable()
    output = model(x, output_attentions=True)
    gradients = torch.autograd.grad(output.logits[:, 0].sum(), output.attentions)
    assert all(gradient.abs().max() > 0 for gradient in gradients)
    assert torch.allclose(output.logits, model(x).logits, atol=1e-12)


def test_the_gradient_of_attention_is_what_a_change_of_it_brings():
    """By a difference quotient: the last block's weights are moved a little where they mix the values."""
    model, x = tiny_model().double(), pixels(1, 3, 32, 32).double()
    output = model(x, output_attentions=True)
    gradient = torch.autograd.grad(output.logits[0, 0], output.attentions[-1])[0]
    moved, step = torch.randn(gradient.shape, generator=torch.Generator().manual_seed(3), dtype=torch.double), 1e-6
    attend = model.cvt.encoder.stages[2].layers[2].attention.attention.attend

    def more(module, inputs, mixed):
        return mixed + step * moved @ inputs[2]

    with torch.no_grad(), attend.register_forward_hook(more):
        change = (model(x).logits - output.logits)[0, 0] / step
    assert float(change) == pytest.approx(float((gradient * moved).sum()), rel=1e-5)


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("cls_token", [(False, False, True), (False, False, False), (True, True, True)])
def test_gradients_are_difference_quotients(count, cls_token):
    """Of pixels and all weights, along one direction; a batch of one has memory layouts of its own."""
    model, x = tiny_model(cls_token=cls_token).double(), pixels(count, 3, 32, 48).double().requires_grad_()
    values, generator, step = [x, *model.parameters()], torch.Generator().manual_seed(4), 1e-6
    along = [torch.randn(value.shape, generator=generator, dtype=torch.double) for value in values]

    def moved(by):
        with torch.no_grad():
            torch._foreach_add_(values, along, alpha=by)
            result = model(x).logits.square().sum().item()
            torch._foreach_add_(values, along, alpha=-by)
        return result

    quotient = (moved(step) - moved(-step)) / (2 * step)
    gradients = torch.autograd.grad(model(x).logits.square().sum(), values)
    slope = sum(float((gradient * direction).sum()) for gradient, direction in zip(gradients, along, strict=True))
    assert slope == pytest.approx(quotient, rel=1e-6)


def test_second_derivatives_are_those_of_transformers():
    oracle = pytest.importorskip("tests.parity.oracle")
    # two pictures: of a batch of one, PyTorch's gradients of transformers' memory layout are wrong on the CPU
    ours, x, along = tiny_model().double(), pixels(2, 3, 32, 32).double(), pixels(2, 3, 32, 32, seed=5).double()
    theirs, products = oracle.twin(ours), []
    ours.set_attn_implementation("eager")
    for model in (ours, theirs):
        products.append(torch.autograd.functional.hvp(lambda values, model=model: model(values).logits[0, 0], x, along)[1])
    assert oracle.difference(*products) < 1e-9
    assert products[0].abs().max() > 0


def test_a_whole_hessian():
    """By torch.func, over one weight; the oracle is the difference quotient of gradients."""
    model, x = tiny_model().double(), pixels(1, 3, 32, 32).double()
    model.set_attn_implementation("eager")
    name = "cvt.encoder.stages.1.layers.0.layernorm_before.bias"
    start = model.get_parameter(name).detach()

    def loss(value):
        return torch.func.functional_call(model, {name: value}, (x,)).logits.square().sum()

    hessian, slope, step = torch.func.hessian(loss)(start), torch.func.grad(loss), 1e-5
    assert hessian.shape == (16, 16)
    for row in (0, 7):
        offset = torch.zeros_like(start)
        offset[row] = step
        quotient = (slope(start + offset) - slope(start - offset)) / (2 * step)
        assert torch.allclose(hessian[row], quotient, atol=1e-5 * float(hessian.detach().abs().max()))


@pytest.mark.parametrize("name", IMPLEMENTATIONS)
def test_gradients_of_each_picture_by_vmap(name):
    model, x, labels = tiny_model(), pixels(), torch.tensor([0, 1])
    model.set_attn_implementation(name)
    weights = {name: value.detach() for name, value in model.named_parameters()}

    def loss(weights, picture, label):
        return F.cross_entropy(torch.func.functional_call(model, weights, (picture[None],)).logits, label[None])

    each = torch.func.vmap(torch.func.grad(loss), in_dims=(None, 0, 0))(weights, x, labels)
    for number in range(2):
        alone = torch.autograd.grad(F.cross_entropy(model(x[number, None]).logits, labels[number, None]), list(model.parameters()))
        for (key, value), expected in zip(each.items(), alone, strict=True):
            assert torch.allclose(value[number], expected, atol=1e-4 * max(1.0, float(expected.abs().max()))), key


def test_the_config_chooses_the_attention():
    config = tiny_config()
    object.__setattr__(config, "_attn_implementation", "eager")
    for model in (tiny_model(config), tiny_model(config).cvt):
        assert {module.attn_implementation for module in model.modules() if hasattr(module, "attn_implementation")} == {"eager"}
