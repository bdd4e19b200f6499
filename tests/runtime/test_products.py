"""Products with a prepared matrix: the same numbers as a linear layer's, for any number of rows, and PyTorch's own where oneDNN fails."""

import pytest
import torch
import torch.nn.functional as F

from cvt.model import ACTIVATIONS
from cvt.runtime import layers
from cvt.runtime.layers import PairOfProducts, Product, onednn_works
from cvt.runtime.packing import pack
from cvt.runtime.runner import Runner
from tests.helpers import pixels, tiny_model

CPU = torch.device("cpu")
needs_onednn = pytest.mark.skipif(not onednn_works(CPU, torch.float32), reason="this PyTorch has no oneDNN that can be asked directly")
PREPARED = [pytest.param(True, marks=needs_onednn), False]


def matrix(inputs, outputs, dtype=torch.float32):
    generator = torch.Generator().manual_seed(0)
    return torch.randn(outputs, inputs, generator=generator).to(dtype), torch.randn(outputs, generator=generator)


def rows(count, width, seed=1):
    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("prepared", PREPARED)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("widths", [(64, 64), (13, 30), (40, 7)], ids=str)
@pytest.mark.parametrize("count", [1, 2, 7, 16, 131])
def test_the_same_numbers_for_any_number_of_rows(monkeypatch, prepared, bias, widths, count):
    monkeypatch.setattr(layers, "onednn_works", lambda device, dtype: prepared)
    weight, added = matrix(*widths)
    product, x, total = Product(weight, added if bias else None), rows(count, widths[0]), rows(count, widths[1], seed=2)
    expected = F.linear(x.double(), weight.double(), added.double() if bias else None)
    assert product(x).shape == expected.shape
    assert float((product(x) - expected).abs().max()) < 2e-5  # of at most 64 products of unit variance
    before = total.clone()
    assert float((product.added(total, x) - total - expected).abs().max()) < 2e-5
    assert torch.equal(total, before)
    assert product.prepared is prepared


@pytest.mark.parametrize("prepared", PREPARED)
@pytest.mark.parametrize("fuse", [True, False])
@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("count", [1, 40])
def test_the_activation_is_part_of_it(monkeypatch, prepared, fuse, name, count):
    monkeypatch.setattr(layers, "onednn_works", lambda device, dtype: prepared)
    monkeypatch.setattr(layers, "FUSE_ACTIVATIONS", fuse)
    weight, bias = matrix(32, 24)
    x = rows(count, 32)
    expected = ACTIVATIONS[name](F.linear(x.double(), weight.double(), bias.double()))
    product = Product(weight, bias, name)
    assert float((product(x) - expected).abs().max()) < 2e-5
    assert bool(product._fused) == (prepared and fuse and name in layers.FUSED)


@pytest.mark.parametrize("prepared", PREPARED)
@pytest.mark.parametrize("stacked", [True, False])
def test_two_products_at_once(monkeypatch, prepared, stacked):
    monkeypatch.setattr(layers, "onednn_works", lambda device, dtype: prepared)
    weights, inputs = [matrix(32, 24)[0], 2 * matrix(32, 24)[0]], rows(2 * 3 * 5, 32).view(2, 3, 5, 32)
    both = PairOfProducts(*weights)(inputs if stacked else list(inputs))
    for found, weight, x in zip(both, weights, inputs, strict=True):
        assert torch.allclose(found, x @ weight.T, atol=1e-5)


@needs_onednn
def test_rows_out_of_a_larger_tensor():
    weight, _ = matrix(32, 24)
    product, x = Product(weight, None), rows(3 * 40, 32).view(3, 40, 32)[:, 5:].reshape(-1, 32)
    for part in (x, x[10:40], rows(32, 60).T):
        assert torch.allclose(product(part), part @ weight.T, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16], ids=str)
def test_other_dtypes_stay_pytorchs(dtype):
    assert not onednn_works(CPU, dtype)
    weight, bias = matrix(32, 24, dtype)
    product, x = Product(weight, bias), rows(20, 32).to(dtype)
    assert torch.equal(product(x), F.linear(x, weight, bias.to(dtype)))
    assert torch.equal(product.transposed, weight.T)


@needs_onednn
def test_the_order_of_the_weights_is_made_once_and_fits_any_number_of_rows(monkeypatch):
    made, original = [], layers._packed_matrix
    monkeypatch.setattr(layers, "_packed_matrix", lambda weight: made.append(weight.shape) or original(weight))
    weight, _ = matrix(32, 24)
    product = Product(weight, None)
    for count in (40, 131, 1, 2):
        x, total = rows(count, 32), rows(count, 24, seed=2)
        assert torch.allclose(product(x), x @ weight.T, atol=1e-5)
        assert torch.allclose(product.added(total, x), total + x @ weight.T, atol=1e-5)
    assert made == [(24, 32)]


@pytest.mark.parametrize("wrong", ["raises", "miscounts"])
def test_operators_that_are_not_as_expected_are_not_used(monkeypatch, wrong):
    def broken(total, rows, packed, bias):
        if wrong == "raises":
            raise RuntimeError("no such operator")
        return total

    monkeypatch.setattr(layers, "_add_multiplied", broken)
    onednn_works.cache_clear()
    try:
        assert not onednn_works(CPU, torch.float32)
        model = tiny_model()
        assert not any(block.query.prepared for stage in pack(model).stages for block in stage.blocks)
        with torch.inference_mode():
            torch.testing.assert_close(Runner(model)(pixels()).logits, model(pixels()).logits)
    finally:
        onednn_works.cache_clear()
