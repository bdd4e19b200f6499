"""Prepared depth-wise convolutions: the same numbers as PyTorch's, whatever the picture, and PyTorch's own where oneDNN fails."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from cvt.runtime import layers
from cvt.runtime.layers import DepthwiseConvolution, onednn_works
from cvt.runtime.packing import pack
from cvt.runtime.runner import Runner
from tests.helpers import pixels, tiny_model

CPU = torch.device("cpu")
needs_onednn = pytest.mark.skipif(not onednn_works(CPU, torch.float32), reason="this PyTorch has no oneDNN that can be asked directly")
PREPARED = [pytest.param(True, marks=needs_onednn), False]


def numbers(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("prepared", PREPARED)
@pytest.mark.parametrize("grid", [(9, 9), (1, 5), (7, 4)], ids=str)
@pytest.mark.parametrize("pictures", [1, 3])
@pytest.mark.parametrize("settings", [{"padding": 1}, {"padding": 1, "stride": 2}, {"padding": 2, "dilation": 2}], ids=str)
@pytest.mark.parametrize("channels", [5, 32])
def test_the_same_numbers_for_a_view_of_tokens(monkeypatch, prepared, grid, pictures, settings, channels):
    monkeypatch.setattr(layers, "onednn_works", lambda device, dtype: prepared)
    layer = nn.Conv2d(channels, channels, 3, groups=channels, bias=False, **settings)
    kernel, bias = numbers(9, channels), numbers(channels, seed=1)
    tokens = numbers(pictures, 1 + grid[0] * grid[1], channels, seed=2)
    x = tokens[:, 1:].transpose(1, 2).unflatten(2, grid)
    expected = F.conv2d(
        x.double(), kernel.double().T.reshape(channels, 1, 3, 3), bias.double(), layer.stride, layer.padding, layer.dilation, channels
    )
    convolution = DepthwiseConvolution(layer, kernel, bias)
    assert torch.allclose(convolution(x).double(), expected, atol=1e-5)
    assert torch.allclose(convolution(x.contiguous()).double(), expected, atol=1e-5)
    assert convolution.prepared is prepared


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16], ids=str)
def test_other_dtypes_stay_pytorchs(dtype):
    layer = nn.Conv2d(4, 4, 3, padding=1, groups=4, bias=False).to(dtype)
    kernel, bias, x = numbers(9, 4), numbers(4, seed=1), numbers(2, 4, 5, 5, seed=2).to(dtype)
    convolution = DepthwiseConvolution(layer, kernel, bias)
    assert not convolution.prepared
    assert torch.equal(convolution(x), F.conv2d(x, kernel.T.reshape(4, 1, 3, 3).to(dtype), bias.to(dtype), 1, 1, 1, 4))


@pytest.mark.parametrize("wrong", ["raises", "miscounts"])
def test_an_operator_that_is_not_as_expected_is_not_used(monkeypatch, wrong):
    def broken(pictures, packed, bias, padding, stride, dilation):
        if wrong == "raises":
            raise RuntimeError("no such operator")
        return torch.zeros(())

    monkeypatch.setattr(layers, "_convolved", broken)
    onednn_works.cache_clear()
    try:
        assert not onednn_works(CPU, torch.float32)
        model = tiny_model()
        assert not any(each.prepared for stage in pack(model).stages for block in stage.blocks for each in block.convolutions)
        with torch.inference_mode():
            torch.testing.assert_close(Runner(model)(pixels()).logits, model(pixels()).logits)
    finally:
        onednn_works.cache_clear()
