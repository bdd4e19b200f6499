"""Costs in closed form against built models: parameter counts, PyTorch's FLOP counter, live tensors, gradients."""

import cProfile
import pstats

import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from torch import nn
from torch.multiprocessing.reductions import StorageWeakRef
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from cvt.architecture.cost import cost, total
from cvt.architecture.settings import SETTINGS
from cvt.config import PUBLISHED, CvtConfig
from cvt.model import CvtForImageClassification
from tests.strategies import configs

PUBLISHED_PARAMETERS = {"CvT-13": 19_997_480, "CvT-21": 31_622_696, "CvT-W24": 277_196_392}
# Billions of multiply-adds at a side, from the authors' model list at github.com/microsoft/CvT.
PUBLISHED_GMACS = {
    ("CvT-13", 224): 4.57,
    ("CvT-13", 384): 16.27,
    ("CvT-21", 224): 7.18,
    ("CvT-21", 384): 24.85,
    ("CvT-W24", 384): 194.2,
}


def cost_or_skip(config, height, width):
    try:
        return cost(config, height, width)
    except ValueError:
        assume(False)


def counted_macs(model, height, width, batch):
    """PyTorch's own count; attention as two products, which its counter knows in every version."""
    pixels = torch.zeros(batch, model.config.num_channels, height, width)
    counter = FlopCounterMode(display=False)
    with torch.inference_mode(), sdpa_kernel(SDPBackend.MATH), counter:
        model(pixels)
    flops = counter.get_total_flops()
    assert flops % (2 * batch) == 0
    return flops // (2 * batch)


FEW = settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@FEW
@given(config=configs(), height=st.integers(16, 70), width=st.integers(16, 70))
def test_parameters_and_macs_equal_the_built_model(config, height, width):
    result = cost_or_skip(config, height, width)
    model = CvtForImageClassification(config).eval()
    assert result.parameters == sum(parameter.numel() for parameter in model.parameters())
    persistent = sum(value.nbytes for value in model.state_dict().values())
    assert result.weight_bytes == persistent
    assert result.macs == counted_macs(model, height, width, batch=2)


@FEW
@given(config=configs(), height=st.integers(16, 70), width=st.integers(16, 70))
def test_grids_tokens_and_entries_equal_the_built_models_attention(config, height, width):
    result = cost_or_skip(config, height, width)
    model, pixels = CvtForImageClassification(config).eval(), torch.zeros(1, config.num_channels, height, width)
    with torch.inference_mode():
        output = model(pixels, output_hidden_states=True, output_attentions=True)
    assert [tuple(state.shape[2:]) for state in output.hidden_states] == [stage.query_grid for stage in result.stages]
    shapes = [(stage.num_heads, stage.queries, stage.keys) for stage in result.stages for _ in range(stage.depth)]
    assert [tuple(weights.shape[1:]) for weights in output.attentions] == shapes
    assert sum(weights.numel() for weights in output.attentions) == result.attention_entries


def test_parts_of_a_stage_are_those_of_its_modules():
    config = CvtConfig(embed_dim=(8, 12, 16), num_heads=(1, 3, 4), depth=(1, 2, 3), num_labels=7)
    model = CvtForImageClassification(config)
    for result, stage in zip(cost(config, 64, 64).stages, model.cvt.encoder.stages, strict=True):
        sums = dict.fromkeys(("embedding", "conv_projections", "linear_projections", "attention_output", "mlp", "norms"), 0)
        for name, parameter in stage.named_parameters():
            part = (
                "conv_projections" if "convolution_projection" in name
                else "attention_output" if "attention.output" in name
                else "linear_projections" if "attention." in name
                else "mlp" if "dense" in name
                else "norms" if "norm" in name
                else "embedding"
            )  # fmt: skip
            sums[part] += parameter.numel()
        assert {part: getattr(result.parts, part).parameters for part in sums} == sums
        assert result.parts.attention.parameters == 0
        assert total(result.parts).macs == result.macs


def test_macs_of_each_part_equal_the_counters_own_breakdown():
    config = CvtConfig(embed_dim=(8, 12, 16), num_heads=(1, 3, 4), depth=(1, 2, 3), num_labels=7)
    with torch.device("meta"):
        model, pixels = CvtForImageClassification(config).eval(), torch.zeros(1, 3, 64, 48)
    counter = FlopCounterMode(display=False)
    with torch.inference_mode(), sdpa_kernel(SDPBackend.MATH), counter:
        model(pixels)
    counts = {name: sum(by_operator.values()) // 2 for name, by_operator in counter.get_flop_counts().items()}
    for result, stage in zip(cost(config, 64, 48).stages, config.stages, strict=True):
        prefix = f"CvtForImageClassification.cvt.encoder.stages.{stage.index}"
        blocks = [f"{prefix}.layers.{layer}" for layer in range(stage.depth)]

        def in_blocks(*names, blocks=blocks):
            return sum(counts.get(f"{block}.{name}", 0) for block in blocks for name in names)

        convolved = in_blocks(*(f"attention.attention.convolution_projection_{name}" for name in ("query", "key", "value")))
        assert result.parts.embedding.macs == counts[f"{prefix}.embedding"]
        assert result.parts.conv_projections.macs == convolved
        assert result.parts.linear_projections.macs == in_blocks(
            *(f"attention.attention.projection_{name}" for name in ("query", "key", "value"))
        )
        assert result.parts.attention.macs == in_blocks("attention.attention.attend")
        assert result.parts.attention_output.macs == in_blocks("attention.output")
        assert result.parts.mlp.macs == in_blocks("intermediate", "output")


@pytest.mark.parametrize(("name", "side"), PUBLISHED_GMACS)
def test_published_models_have_their_published_costs(name, side):
    result = cost(CvtConfig(**PUBLISHED[name]), side, side)
    assert result.parameters == PUBLISHED_PARAMETERS[name]
    published = PUBLISHED_GMACS[name, side]
    digits = 1 if name == "CvT-W24" else 2
    assert round(result.macs / 1e9, digits) == published


class LiveMemory(TorchDispatchMode):
    """The most bytes of tensors made inside the block that are alive at one time."""

    def __init__(self):
        super().__init__()
        self.alive, self.peak = {}, 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        output = function(*args, **(kwargs or {}))
        for tensor in tree_leaves((args, kwargs, output)):
            if isinstance(tensor, torch.Tensor) and not isinstance(tensor, nn.Parameter):
                storage = tensor.untyped_storage()
                self.alive[storage._cdata] = (StorageWeakRef(storage), storage.nbytes())
        self.alive = {key: each for key, each in self.alive.items() if not each[0].expired()}
        self.peak = max(self.peak, sum(size for _, size in self.alive.values()))
        return output


def peak_bytes(model, batch, height, width):
    memory = LiveMemory()
    with torch.inference_mode(), memory:
        model(torch.zeros(batch, model.config.num_channels, height, width))
    return memory.peak


@settings(max_examples=10, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(config=configs(width=4), height=st.integers(16, 40), width=st.integers(16, 40))
def test_activation_memory_is_that_of_the_tensors_alive_in_a_forward_pass(config, height, width):
    result = cost_or_skip(config, height, width)
    model = CvtForImageClassification(config).eval()
    # What one more picture adds, in a batch.
    measured = peak_bytes(model, 13, height, width) - peak_bytes(model, 12, height, width)
    assert result.activation_bytes == pytest.approx(measured, rel=0.1)


def test_activation_memory_of_the_usual_shape_is_exact():
    config = CvtConfig(embed_dim=(8, 12, 16), num_heads=(1, 3, 4), depth=(1, 2, 3), num_labels=7)
    for act in ("gelu", "quick_gelu"):
        config = config.replace(hidden_act=act)
        model = CvtForImageClassification(config).eval()
        measured = peak_bytes(model, 9, 64, 80) - peak_bytes(model, 8, 64, 80)
        assert cost(config, 64, 80).activation_bytes == measured


class OwnQuery(nn.Module):
    """Attention in which each token's answer is its own query: gradients then pass through the query convolution alone."""

    def forward(self, query, key, value, weights=None):
        return query


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"kernel_qkv": 5, "padding_q": 2, "padding_kv": 2},
        {"qkv_projection_method": ["dw_bn", "avg"], "patch_sizes": [(3, 5), 2], "patch_padding": [(1, 2), 0]},
        {"qkv_projection_method": "linear"},
    ],
)
def test_receptive_fields_are_what_gradients_reach(changes):
    torch.manual_seed(0)
    settings = {"patch_sizes": [3, 3], "patch_stride": [2, 2], "patch_padding": [1, 1], "embed_dim": [4, 6], "num_heads": [1, 2]}
    config = CvtConfig(**{**settings, "depth": [1, 2], "cls_token": False, **changes})
    side = 120  # larger than twice any field here, so that the middle token's is whole
    model = CvtForImageClassification(config).double().eval()
    for module in model.modules():
        if hasattr(module, "attend"):
            module.attend = OwnQuery()
        if isinstance(module, nn.Conv2d):
            nn.init.uniform_(module.weight, 0.1, 1.0)
    result = cost(config, side, side)
    for index, stage in enumerate(result.stages):
        pixels = torch.rand(1, 3, side, side, dtype=torch.double, requires_grad=True)
        state = model(pixels, output_hidden_states=True).hidden_states[index]
        weights = torch.rand(state.shape[1], dtype=torch.double)  # a plain sum after LayerNorm would have no gradient
        (state[0, :, state.shape[2] // 2, state.shape[3] // 2] @ weights).backward()
        rows, columns = pixels.grad.abs().sum((0, 1)).nonzero().T
        assert (int(rows.max() - rows.min()) + 1, int(columns.max() - columns.min()) + 1) == stage.field


def test_captured_bytes_are_those_that_an_exploration_holds():
    from visualize.capture import capture

    config = CvtConfig(embed_dim=(8, 12, 16), num_heads=(1, 3, 4), depth=(1, 2, 3), cls_token=(False, True, True), num_labels=7)
    model = CvtForImageClassification(config).eval()
    with torch.inference_mode(), capture(model) as seen:
        model(torch.zeros(1, 3, 64, 80))
    held = 0
    for stage in config.stages:
        held += seen.feature_map(stage.index).nbytes
        for layer in range(stage.depth):
            query, key, _ = seen.query_key(stage.index, layer)
            held += query.nbytes + key.nbytes
    assert cost(config, 64, 80).captured_bytes == held


def test_an_input_too_small_is_refused_with_the_reason():
    with pytest.raises(ValueError, match="too small"):
        cost(CvtConfig(patch_padding=0), 8, 8)


def test_it_counts_blocks_and_never_walks_over_them():
    most = {name: [setting.values[-1]] * 4 for name, setting in SETTINGS.items() if name not in ("patch_stride", "qkv_projection_method")}
    laboratory = CvtConfig(**most, patch_stride=[2] * 4, padding_q=3, padding_kv=3)
    for config in (
        CvtConfig(**PUBLISHED["CvT-W24"]),
        CvtConfig(depth=[10**6] * 4, embed_dim=[10**5] * 4, num_heads=[1] * 4),
        laboratory,
        laboratory.replace(qkv_projection_method="avg"),
    ):
        shallow = config.replace(depth=(1,) * config.num_stages)
        assert _calls(config) == _calls(shallow) < 1000


def _calls(config):
    """How many functions are called to find the cost of ``config``."""
    profile = cProfile.Profile()
    profile.runcall(cost, config, 384, 384)
    return pstats.Stats(profile).total_calls
