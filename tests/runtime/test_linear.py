"""Linear layers that may multiply elsewhere: the same numbers, and never where PyTorch's own operator is wanted."""

import pytest
import torch
import torch.nn.functional as F
from torch.utils.flop_counter import FlopCounterMode

from cvt import CvtImageProcessor
from cvt.runtime import linear
from cvt.runtime.linear import ENOUGH, OneDnnLinear, use_onednn
from tests.helpers import tiny_model
from visualize.page.workbench import Workbench

pytestmark = pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="this PyTorch has no oneDNN")


@pytest.fixture
def elsewhere(monkeypatch):
    """A list that grows with every multiplication by oneDNN."""
    calls, to_mkldnn = [], torch.Tensor.to_mkldnn
    monkeypatch.setattr(torch.Tensor, "to_mkldnn", lambda self: calls.append(self.shape) or to_mkldnn(self))
    return calls


def layer(inputs=300, outputs=200, bias=True, seed=0):
    generator, made = torch.Generator().manual_seed(seed), OneDnnLinear(inputs, outputs, bias=bias)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.normal_(generator=generator)
    return made.eval()


def tokens(*shape, seed=1):
    return torch.randn(shape or (2, 50, 300), generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(
    "x",
    [
        tokens(),
        tokens(100, 300),
        tokens(2, 5, 20, 300),
        tokens(2, 300, 50).transpose(1, 2),
        tokens(2, 51, 300)[:, 1:],
        tokens(1, 100, 300).expand(3, -1, -1),
    ],
    ids=lambda x: f"{tuple(x.shape)} strides {x.stride()}",
)
@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_the_same_numbers(elsewhere, x, bias, mode):
    made = layer(bias=bias)
    with mode():
        ours, expected = made(x), F.linear(x.double(), made.weight.double(), made.bias.double() if bias else None)
    assert elsewhere
    assert ours.layout == torch.strided
    assert ours.dtype == torch.float32
    assert ours.is_contiguous()
    assert float((ours - expected).abs().max()) < 1e-4  # of sums of 300 products of unit variance


def test_new_weights_count_at_once(elsewhere):
    made, x = layer(), tokens()
    with torch.no_grad():
        before = made(x)
        made.weight.data.mul_(2)
        made.bias.data.mul_(2)
        assert torch.allclose(made(x), 2 * before, atol=1e-4)
    assert len(elsewhere) == 2


def test_small_products_stay(elsewhere):
    rows = ENOUGH // (300 * 200)
    with torch.no_grad():
        layer()(tokens(rows, 300))
        assert not elsewhere
        layer()(tokens(rows + 1, 300))
        assert elsewhere


def test_gradients_are_pytorchs_own(elsewhere):
    made, x = layer(), tokens()
    x.requires_grad_()
    made(x).sum().backward()
    assert not elsewhere
    assert torch.allclose(x.grad, made.weight.sum(0).expand_as(x), atol=1e-4)


def test_it_stays_where_pytorchs_operator_is_wanted(elsewhere):
    made, x = layer(), tokens()
    with torch.no_grad():
        assert made.to(torch.bfloat16)(x.bfloat16()).dtype == torch.bfloat16
        made.float()
        with torch.autocast("cpu", torch.bfloat16):
            assert made(x).dtype == torch.bfloat16
        with FlopCounterMode(display=False) as counter:
            made(x)
        assert counter.get_total_flops() == 2 * x.numel() * 200
        assert made.to("meta")(x.to("meta")).shape == (2, 50, 200)
    assert not elsewhere


def test_a_graph_has_pytorchs_operator_for_any_size(elsewhere):
    made, x = layer(), tokens()
    rows = torch.export.Dim("rows", min=2, max=100_000)
    with torch.no_grad():
        program = torch.export.export(made, (x,), dynamic_shapes=({1: rows},))
        assert program.module()(tokens(2, 7, 300)).shape == (2, 7, 200)
    assert any("linear" in str(node.target) for node in program.graph.nodes)
    assert "mkldnn" not in str(program.graph)
    assert not elsewhere


def test_pictures_under_vmap_stay(elsewhere):
    made, x = layer(), tokens(3, 100, 300)
    with torch.no_grad():
        assert torch.allclose(torch.vmap(made)(x), F.linear(x, made.weight, made.bias), atol=1e-4)
    assert not elsewhere


def test_a_trace_has_pytorchs_operator(elsewhere):
    with torch.no_grad():
        traced = torch.jit.trace(layer(), tokens(), check_trace=False)
    assert "mkldnn" not in str(traced.graph)
    assert not elsewhere


def test_a_model_comes_with_pytorchs_layers_until_it_is_asked(elsewhere):
    model, x = tiny_model(embed_dim=(32, 64, 96)), torch.randn(8, 3, 96, 96, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = model(x).logits
        assert not elsewhere
        assert use_onednn(model) is model
        assert (model(x).logits - expected).abs().max() < 1e-5 * expected.abs().max()
    assert elsewhere
    assert list(model.state_dict()) == list(tiny_model(embed_dim=(32, 64, 96)).state_dict())


def test_other_kinds_of_linear_layers_stay_theirs():
    other = torch.nn.modules.linear.NonDynamicallyQuantizableLinear(3, 3)
    use_onednn(torch.nn.Sequential(other))
    assert type(other) is torch.nn.modules.linear.NonDynamicallyQuantizableLinear


@pytest.mark.parametrize("faster", [True, False])
def test_the_page_asks_where_it_is_faster(monkeypatch, tmp_path, faster):
    tiny_model().save_pretrained(tmp_path)
    CvtImageProcessor(size=32).save_pretrained(tmp_path)
    monkeypatch.setattr("visualize.page.models.loader.onednn_is_faster", lambda: faster)
    workbench = Workbench(str(tmp_path), "cpu")
    base = workbench.loaded().model
    for model in (base, workbench.variants.get(base.config, 1), workbench.variants.get(base.config, 1, base)):
        kinds = {type(module) for module in model.modules() if isinstance(module, torch.nn.Linear)}
        assert kinds == {OneDnnLinear if faster else torch.nn.Linear}


@pytest.mark.parametrize(
    ("processor", "capability", "faster"),
    [
        ("vendor_id\t: AuthenticAMD", "AVX512", True),
        ("AMD64 Family 26 Model 2 Stepping 1, AuthenticAMD", "AVX512", True),
        ("vendor_id\t: AuthenticAMD", "AVX2", False),
        ("vendor_id\t: GenuineIntel", "AVX512", False),
        ("", "DEFAULT", False),
    ],
)
def test_the_processors_it_is_for(monkeypatch, processor, capability, faster):
    monkeypatch.setattr(linear, "_processor", lambda: processor)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    monkeypatch.setattr(torch.backends.mkl, "is_available", lambda: True)
    linear.onednn_is_faster.cache_clear()
    assert linear.onednn_is_faster() is faster
    linear.onednn_is_faster.cache_clear()
