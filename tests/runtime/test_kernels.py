"""The kernels for a GPU compute what PyTorch's operators do, in the form for a few pictures and in that for many."""

import pytest
import torch
import torch.nn.functional as F

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


def expected(x, grid, gain, shift, kernels, biases, stride, eps):
    pictures, tokens, width = x.shape
    cls = tokens - grid[0] * grid[1]
    normalised = F.layer_norm(x, (width,), gain, shift, eps)
    picture = normalised[:, cls:].mT.reshape(pictures, width, *grid)
    for kernel, bias, step in zip(kernels, biases, (1, stride, stride), strict=True):
        convolved = F.conv2d(picture, kernel.T.reshape(width, 1, 3, 3), bias, step, padding=1, groups=width)
        yield torch.cat((normalised[:, :cls], convolved.flatten(2).mT), dim=1)  # the cls token bypasses the convolution


@needs_cuda
@pytest.mark.parametrize("busy", [1, 512])
@pytest.mark.parametrize(
    ("pictures", "grid", "width", "cls", "stride"),
    [(1, (5, 7), 20, 1, 2), (2, (6, 4), 64, 0, 2), (1, (3, 19), 70, 1, 1), (1, (1, 1), 8, 1, 2), (2, (2, 18), 24, 0, 3)],
)
def test_normalised_projections(pictures, grid, width, cls, stride, busy, monkeypatch):
    from cvt.runtime import kernels as gpu  # needs Triton

    monkeypatch.setattr(gpu, "BUSY", busy)
    random = torch.Generator().manual_seed(0)
    x = torch.randn(pictures, grid[0] * grid[1] + cls, width, generator=random).cuda()
    gain, shift = torch.randn(2, width, generator=random).cuda()
    kernels, biases = torch.randn(3, 9, width, generator=random).cuda(), torch.randn(3, width, generator=random).cuda()
    keys = ((grid[0] - 1) // stride + 1) * ((grid[1] - 1) // stride + 1) + cls
    found = [x.new_full((pictures, count, width), torch.inf) for count in (x.shape[1], keys, keys)]
    gpu.normalised_projections(x, grid, gain, shift, kernels, biases, stride, 1e-5, *found)
    exact = expected(x.double(), grid, gain.double(), shift.double(), kernels.double(), biases.double(), stride, 1e-5)
    for each, wanted in zip(found, exact, strict=True):
        assert (each - wanted).abs().max() <= 2e-5
