"""transformers' CvT with the weights of one of ours."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from cvt.config import CvtConfig
from cvt.model import quick_gelu
from cvt.pretrained import CvtPreTrainedModel

transformers = pytest.importorskip("transformers")
transformers.logging.disable_progress_bar()


class QuickGelu(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return quick_gelu(x)


def runs_there(config: CvtConfig) -> bool:
    """Whether transformers can build this architecture and run it."""
    return (
        set(config.qkv_projection_method) == {"dw_bn"}
        and config.cls_token == (False,) * (config.num_stages - 1) + (True,)
        and all(depth > stage for stage, depth in enumerate(config.depth))  # its stochastic depth is indexed by stage
        and config.layer_norm_eps == 1e-5
        and all(isinstance(size, int) for size in config.patch_sizes)
    )


def build_there(config: CvtConfig, cls: type[CvtPreTrainedModel]) -> nn.Module:
    """transformers' model of this architecture, new."""
    values = config.to_dict()
    values.pop("hidden_act")
    values["mlp_ratio"] = [float(each) for each in values["mlp_ratio"]]
    return getattr(transformers, cls.__name__)(transformers.CvtConfig(**values))


def twin(model: CvtPreTrainedModel) -> nn.Module:
    """The same model in transformers; the authors' activation is put in its place where the config asks for it."""
    theirs = build_there(model.config, type(model))
    theirs.load_state_dict(model.state_dict())
    if model.config.hidden_act == "quick_gelu":
        for module in theirs.modules():
            if type(module).__name__ == "CvtIntermediate":
                module.activation = QuickGelu()
    return theirs.to(model.dtype).train(model.training)


def attention_weights(theirs: nn.Module, pixel_values: Tensor) -> list[Tensor]:
    """What the dropout behind every softmax is given: (B, heads, queries, keys), block after block."""
    seen = []
    hooks = [
        module.dropout.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0]))
        for module in theirs.modules()
        if type(module).__name__ == "CvtSelfAttention"
    ]
    with torch.no_grad():
        theirs(pixel_values)
    for hook in hooks:
        hook.remove()
    return seen


# For float64: the longest sums have a few thousand terms, each rounded by at most 1.1e-16 of it, and errors of that size pass some
# ten layers. A mistake in any of the formula's terms is larger by many orders of magnitude.
EXACT = 1e-11


def assert_as_exact(ours: Tensor, theirs: Tensor, exact: Tensor) -> None:
    """Ours are as near to the values in float64 as theirs are, within a factor.

    How far float32 is off depends on the processor, which chooses the order of sums; so the bound is what transformers is off
    here and now, times four, and never less than a few roundings of the largest value.
    """
    largest, step = float(exact.abs().max()), torch.finfo(ours.dtype).eps
    ours_off, theirs_off = (float((each.double() - exact).abs().max()) for each in (ours, theirs))
    assert ours_off <= 4 * theirs_off + 16 * step * largest, (ours_off, theirs_off, largest)


def difference(ours: Tensor, expected: Tensor) -> float:
    """Largest absolute difference, in units of the largest expected value."""
    assert ours.shape == expected.shape, (ours.shape, expected.shape)
    return float((ours - expected).abs().max() / expected.abs().max().clamp(min=1e-30))
