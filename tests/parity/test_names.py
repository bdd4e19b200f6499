"""Modules and tensors are called as in transformers, in the same order: what finds them by name finds them here."""

import pytest
import torch
from hypothesis import given, settings
from safetensors.torch import load_file
from torch import nn

from cvt import CvtForImageClassification, CvtModel
from cvt.config import PUBLISHED, CvtConfig
from tests.helpers import pixels, tiny_model
from tests.parity.oracle import build_there, runs_there, twin
from tests.parity.test_properties import EXAMPLES, models


def listed(model):
    """Name and shape of every tensor, in order: of the state dict, the parameters, the buffers."""
    kinds = model.state_dict().items(), model.named_parameters(), model.named_buffers()
    return [[(name, tuple(value.shape)) for name, value in kind if "drop_path" not in name] for kind in kinds]


@pytest.mark.parametrize("cls", [CvtForImageClassification, CvtModel])
@pytest.mark.parametrize("changes", [{}, {**PUBLISHED["CvT-21"], "embed_dim": (8, 24, 48)}, {"num_labels": 0, "qkv_bias": False}])
def test_names_shapes_and_order(cls, changes):
    config = CvtConfig(**changes)
    with torch.device("meta"):  # without the weights, which are many
        assert listed(cls(config)) == listed(build_there(config, cls))


@settings(EXAMPLES, max_examples=12)
@given(models(plain=True))
def test_names_of_any_architecture(drawn):
    config, _ = drawn
    assert runs_there(config)
    assert listed(CvtForImageClassification(config)) == listed(build_there(config, CvtForImageClassification))


def test_pytorchs_own_modules_have_the_same_names_and_exact_types():
    own = [
        {
            name: type(module)
            for name, module in model.named_modules()
            if type(module) in (nn.Conv2d, nn.BatchNorm2d, nn.Linear, nn.LayerNorm)
        }
        for model in (tiny_model(), twin(tiny_model()))
    ]
    assert own[0] == own[1]
    assert len(own[0]) == 3 + 3 * 6 * 2 + 6 * 6 + 3 + 2 * 6 + 2  # embeddings, projections, linear layers, norms, classifier


@pytest.mark.parametrize("cls", [CvtForImageClassification, CvtModel])
def test_load_state_dict_takes_what_was_saved_here_and_there(cls, tmp_path):
    saved, x = tiny_model(cls=cls), pixels()
    saved.save_pretrained(tmp_path / "ours")
    twin(saved).save_pretrained(tmp_path / "theirs")
    for state in (
        load_file(tmp_path / "ours/model.safetensors"),
        load_file(tmp_path / "theirs/model.safetensors"),
        twin(saved).state_dict(),
    ):
        model = tiny_model(cls=cls, seed=9)
        assert not torch.equal(model(x)[0], saved(x)[0])
        assert model.load_state_dict(state) == torch.nn.modules.module._IncompatibleKeys([], [])
        assert torch.equal(model(x)[0], saved(x)[0])


def test_freezing_by_name_freezes_the_same():
    frozen = []
    for model in (tiny_model().train(), twin(tiny_model()).train()):
        for name, parameter in model.named_parameters():
            parameter.requires_grad = not name.startswith("cvt.encoder.")
        model(pixels(), labels=torch.tensor([0, 1])).loss.backward()
        frozen.append([name for name, parameter in model.named_parameters() if parameter.grad is None])
    assert frozen[0] == frozen[1]
    assert len(frozen[0]) == 167 - 4
