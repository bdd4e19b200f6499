"""Rollout: against the textbook's formula, against a linear model's own Jacobian, and its shares against plain loops."""

import numpy as np
import pytest
import torch
from torch import nn

from tests.helpers import pixels, tiny_model
from visualize.maps.explain import Case
from visualize.maps.explain.attention import cls_attention, rolled_out, rollout, start
from visualize.maps.explain.flow import spread

ONE_STAGE = {"embed_dim": (8,), "num_heads": (2,), "depth": (3,), "cls_token": (True,), "mlp_ratio": (2.0,), "drop_path_rate": (0.0,)}
ONE_STAGE |= dict.fromkeys(("attention_drop_rate", "drop_rate"), (0.0,)) | {"qkv_bias": (True,), "padding_q": (0,), "stride_q": (1,)}
ONE_STAGE |= {"patch_sizes": (4,), "patch_stride": (4,), "patch_padding": (0,), "kernel_qkv": (1,), "padding_kv": (0,), "stride_kv": (1,)}
ONE_STAGE |= {"qkv_projection_method": ("dw_bn",)}


def case(model, *shape, target=1):
    return Case(model.double(), pixels(1, 3, *shape).double(), target)


def spread_in_loops(shares, onto, kernel, stride, padding):
    found = np.zeros(onto)
    for row, column in np.ndindex(shares.shape):
        window = {}
        for i, j in np.ndindex(kernel.shape):
            at = row * stride[0] - padding[0] + i, column * stride[1] - padding[1] + j
            if 0 <= at[0] < onto[0] and 0 <= at[1] < onto[1]:
                window[at] = kernel[i, j]
        for at, weight in window.items():
            found[at] += shares[row, column] * weight / sum(window.values())
    return found


@pytest.mark.parametrize(
    ("shape", "onto", "stride", "padding"),
    [
        ((3, 4), (7, 9), (2, 2), (1, 1)),
        ((4, 2), (7, 9), (2, 4), (0, 1)),
        ((4, 5), (7, 9), (2, 2), (1, 1)),
        ((2, 3), (8, 11), (3, 3), (0, 0)),
    ],
    ids=["padded", "oblong", "beyond the end", "short of the end"],
)
def test_a_cell_is_spread_over_what_is_there_of_its_window(shape, onto, stride, padding):
    draw = np.random.default_rng(0)
    shares, kernel = draw.random((2, *shape)), draw.random((3, 3))
    found = spread(torch.from_numpy(shares), onto, torch.from_numpy(kernel), stride, padding).numpy()
    np.testing.assert_allclose(found, [spread_in_loops(each, onto, kernel, stride, padding) for each in shares])


@pytest.mark.parametrize(
    "changes",
    [{}, {"cls_token": False}, {"cls_token": True}, {"qkv_projection_method": "avg"}, {"qkv_projection_method": "linear"}],
    ids=str,
)
def test_rows_sum_to_one(changes):
    subject = case(tiny_model(**changes), 33, 46)
    tokens = subject.seen.attention[-1][0].shape[2]
    shares, rest = rolled_out(subject, torch.eye(tokens).double())
    assert shares.shape == (tokens, 33 * 46)
    assert shares.min() >= 0
    np.testing.assert_allclose((shares.sum(dim=1) + rest).numpy(), 1)
    shown = rollout(subject)
    of_class = 0 if subject.cls(subject.last) else slice(None)  # the classifier's token, or the mean of all
    expected = np.atleast_2d(shares[of_class].numpy()).mean(axis=0)
    np.testing.assert_allclose(shown.values.ravel(), expected, rtol=1e-5)
    assert shown.rest == pytest.approx(float(np.mean(np.atleast_1d(rest[of_class].numpy()))))


def test_without_overlap_and_key_convolutions_it_is_the_textbooks_formula():
    """arXiv 2005.00928: the product of ½ A + ½ I, where A is the mean over heads."""
    subject = case(tiny_model(**ONE_STAGE), 16, 24)
    product = np.eye(25)
    for weights in subject.seen.attention[0]:
        product = (0.5 * weights[0].mean(dim=0).detach().numpy() + 0.5 * np.eye(25)) @ product
    found = rollout(subject)
    patches = found.values.reshape(4, 4, 6, 4).sum(axis=(1, 3))
    np.testing.assert_allclose(patches, product[0, 1:].reshape(4, 6), rtol=1e-5)
    assert found.rest == pytest.approx(product[0, 0])


class Fixed(nn.Module):
    """Attention by the same weights for every picture, so that the model is linear."""

    def __init__(self, weights):
        super().__init__()
        self.weights = weights.detach()

    def forward(self, query, key, value, weights=None):
        if weights is not None:
            weights.found.append(self.weights)
        return self.weights @ value


def linearised(model, subject):
    """The model without norms and MLPs, alike in all channels, with windows of positive weights that sum to 1."""
    for stage, attention in zip(model.cvt.encoder.stages, subject.seen.attention, strict=True):
        stage.embedding.convolution_embeddings.normalization = nn.Identity()
        averages(stage.embedding.convolution_embeddings.projection)
        for block, weights in zip(stage.layers, attention, strict=True):
            block.layernorm_before = block.layernorm_after = nn.Identity()
            block.mlp = torch.zeros_like
            own = block.attention.attention
            own.attend = Fixed(weights.mean(dim=1, keepdim=True).expand_as(weights))
            passes_on(own.convolution_projection_value.convolution_projection.normalization)
            averages(own.convolution_projection_value.convolution_projection.convolution)
            for linear in (own.projection_value, block.attention.output.dense):
                linear.weight.data = torch.eye(len(linear.weight)).to(linear.weight)
                linear.bias.data.zero_()
    return model


def averages(convolution):
    kernel = torch.rand(convolution.weight.shape[2:], generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    convolution.weight.data = (kernel / kernel.sum() / convolution.weight.shape[1]).expand_as(convolution.weight).clone()
    if convolution.bias is not None:
        convolution.bias.data.zero_()


def passes_on(norm):
    """Makes a BatchNorm the identity."""
    norm.running_mean.zero_(), norm.running_var.fill_(1 - norm.eps)
    nn.init.ones_(norm.weight), nn.init.zeros_(norm.bias)


def test_of_a_linear_model_it_is_the_true_map_from_pixels_to_tokens():
    """Its blocks add what attention brings to the token, so each doubles what rollout halves."""
    unpadded = {"patch_padding": (0, 0, 0), "padding_kv": (0, 0, 0), "num_heads": (1, 2, 3), "patch_sizes": (5, 3, 3)}
    model = tiny_model(**unpadded, patch_stride=(2, 1, 1)).double()
    subject = case(model, 21, 23)
    linear = linearised(model, subject)
    picture = pixels(1, 3, 21, 23).double().requires_grad_()
    feature = linear.cvt(picture).cls_token_value
    (jacobian,) = torch.autograd.grad(feature[0, 0, 5], picture)
    whole = Case(linear, picture, 0)
    found = rolled_out(whole, start(whole))[0].reshape(21, 23)
    torch.testing.assert_close(found, jacobian[0].sum(dim=0) / 2 ** sum(model.config.depth))
    assert found.sum() > 0.5


def test_cls_attention_is_the_mean_row_of_the_cls_token():
    subject = case(tiny_model(), 32, 48)
    rows = torch.stack(subject.seen.attention[2])[:, 0, :, 0].mean(dim=(0, 1)).detach()
    found = cls_attention(subject)
    np.testing.assert_allclose(found.values.ravel(), rows[1:].numpy(), rtol=1e-5)
    assert (found.rest, found.values.shape, found.grid) == (pytest.approx(float(rows[0])), (1, 2), subject.grids[2][1])
