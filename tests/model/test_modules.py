"""What people do to a model's modules has the effect that it has on any PyTorch model: the same as in transformers, in float64."""

import copy

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrize, prune
from torch.utils import _pytree as pytree

from cvt import CvtConfig, CvtForImageClassification
from tests.helpers import pixels, tiny_model

X = pixels(4, 3, 32, 48).double()


def of_type(model, *types):
    return {name: module for name, module in model.named_modules() if type(module) in types}


def replaced(model, make):
    """Puts what ``make`` gives in the place of every BatchNorm."""
    for name, module in of_type(model, nn.BatchNorm2d).items():
        parent, _, child = name.rpartition(".")
        setattr(model.get_submodule(parent), child, make(module))


def prune_and_step(model):
    convolutions = of_type(model, nn.Conv2d, nn.Linear).values()
    for module in convolutions:
        prune.l1_unstructured(module, "weight", amount=0.4)
    model(X).logits.square().sum().backward()
    torch.optim.SGD(model.parameters(), 1e-3).step()
    before = model(X).logits
    for module in convolutions:
        prune.remove(module, "weight")
    assert torch.equal(model(X).logits, before)


def adapt_statistics(model):
    """AdaBN, arXiv 1603.04779: statistics of new pictures in a model that is evaluated otherwise."""
    norms = of_type(model, nn.BatchNorm2d).values()
    before = [norm.running_mean.clone() for norm in norms]
    for norm in norms:
        norm.train()
    with torch.no_grad():
        model(X * 2 + 1)
    for norm in norms:
        norm.eval()
    assert all(not torch.equal(norm.running_mean, old) for norm, old in zip(norms, before, strict=True))


def minimise_entropy(model):
    """TENT, arXiv 2006.10726: the batch's own statistics, and BatchNorm's weights learn from the entropy."""
    model.requires_grad_(False)
    norms = of_type(model, nn.BatchNorm2d).values()
    for norm in norms:
        norm.requires_grad_(True)
        norm.track_running_stats, norm.running_mean, norm.running_var = False, None, None
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], 0.01)
    for _ in range(2):
        logits = model(X).logits
        optimizer.zero_grad()
        (-(logits.softmax(1) * logits.log_softmax(1)).sum(1).mean()).backward()
        optimizer.step()
    assert sum(bool(norm.weight.grad.any()) for norm in norms) == len(norms) - 1  # of the last block only the cls token's query is read


def group_norm(norm):
    new = nn.GroupNorm(2, norm.num_features, dtype=torch.double)
    new.load_state_dict({name: value.detach() for name, value in norm.named_parameters()})
    return new


class Doubled(nn.Module):
    def forward(self, weight):
        return 2 * weight


def parametrise(model):
    for module in of_type(model, nn.Conv2d, nn.Linear).values():
        parametrize.register_parametrization(module, "weight", Doubled())


def change_what_hooks_see(model):
    for module in of_type(model, nn.Conv2d, nn.BatchNorm2d, nn.Linear).values():
        module.register_forward_hook(lambda module, inputs, output: 1.1 * output)


CHANGES = {
    "pruning, and a step": prune_and_step,
    "AdaBN": adapt_statistics,
    "TENT": minimise_entropy,
    "Identity for BatchNorm": lambda model: replaced(model, lambda norm: nn.Identity()),
    "GroupNorm for BatchNorm": lambda model: replaced(model, group_norm),
    "BatchNorm without weights": lambda model: replaced(
        model, lambda norm: nn.BatchNorm2d(norm.num_features, affine=False).double().eval()
    ),
    "parametrised weights": parametrise,
    "hooks that change outputs": change_what_hooks_see,
}


@pytest.mark.parametrize("name", CHANGES)
def test_changes_have_the_effect_that_they_have_in_transformers(name):
    oracle = pytest.importorskip("tests.parity.oracle")
    ours = tiny_model().double()
    theirs, before = oracle.twin(ours), ours(X).logits
    for model in (ours, theirs):
        CHANGES[name](model)
    with torch.no_grad():
        assert oracle.difference(ours(X).logits, theirs(X).logits) < 1e-9
        assert oracle.difference(ours(X).logits, before) > 1e-6  # it did something


def test_every_module_that_is_shown_is_called_in_evaluation():
    model = CvtForImageClassification(CvtConfig(embed_dim=(8, 12, 16), num_heads=(1, 3, 4))).eval()
    shown = [module for module in model.modules() if not isinstance(module, nn.ModuleList)]
    assert len(of_type(model, nn.BatchNorm2d)) == 39
    called = []
    for module in shown:
        module.register_forward_hook(lambda module, inputs, output: called.append(module))
    with torch.inference_mode():
        model(pixels(1, 3, 64, 64))
    assert {id(module) for module in called} == {id(module) for module in shown}
    assert len([module for module in called if isinstance(module, nn.BatchNorm2d)]) == 39


def test_tools_that_look_for_linear_layers_find_them():
    model = tiny_model()
    assert {type(module) for module in model.modules() if isinstance(module, nn.Linear)} == {nn.Linear}
    quantised = torch.ao.quantization.quantize_dynamic(copy.deepcopy(model), {nn.Linear}, dtype=torch.qint8)
    assert len(of_type(quantised, torch.ao.nn.quantized.dynamic.Linear)) == 6 * 6 + 1
    with torch.no_grad():
        assert (quantised(X.float()).logits - model(X.float()).logits).abs().max() < 0.3


def test_tokens_are_views_of_pictures():
    """Going to and fro between tokens and pictures copies nothing: convolution and BatchNorm keep channels last."""
    model, seen = tiny_model(cls_token=False), []
    for module in of_type(model, nn.Conv2d, nn.BatchNorm2d).values():
        module.register_forward_hook(lambda module, inputs, output: seen.append((*inputs, output)))
    with torch.inference_mode():
        model(pixels(2, 3, 64, 64).contiguous(memory_format=torch.channels_last))
    assert all(each.is_contiguous(memory_format=torch.channels_last) for pair in seen for each in pair)


def test_wrappers_that_copy_what_they_hand_on_lose_no_attention():
    """As FSDP and accelerate do with arguments, module by module."""
    model = tiny_model()

    def copied(module, args, kwargs):
        return pytree.tree_map(lambda leaf: leaf, (args, kwargs))

    for module in model.modules():
        module.register_forward_pre_hook(copied, with_kwargs=True)
    assert [each.shape[1] for each in model(pixels(), output_attentions=True).attentions] == [1, 2, 2, 3, 3, 3]


def test_any_number_of_channels():
    for channels in (1, 4, 7):
        model = tiny_model(num_channels=channels)
        assert model(pixels(2, channels, 32, 32), labels=torch.tensor([0, 1]), output_attentions=True).loss.isfinite()


def test_offloaded_weights_come_when_they_are_needed():
    accelerate = pytest.importorskip("accelerate")
    model, x = tiny_model(drop_path_rate=0.3), pixels()
    with torch.no_grad():
        expected = model(x, output_attentions=True)
        accelerate.cpu_offload(model, execution_device=torch.device("cpu"), offload_buffers=True)
        assert {parameter.device.type for parameter in model.parameters()} == {"meta"}
        got = model(x, output_attentions=True)
    assert torch.equal(got.logits, expected.logits)
    assert len(got.attentions) == len(expected.attentions)
