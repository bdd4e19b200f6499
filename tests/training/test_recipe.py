"""The recipe: its plan and schedule, which optimizer takes which weights, Muon against PyTorch's, precisions."""

import math
from dataclasses import asdict, replace

import pytest
import torch
import torch.nn.functional as F

from cvt.training.muon import Muon, orthogonalized
from cvt.training.precision import Bfloat16Linear, choose_precision, prepare
from cvt.training.recipe import FINE_TUNING, Recipe
from tests.helpers import tiny_model


def test_phases_become_steps_and_sides_take_turns():
    recipe = Recipe(phases=(((32,), 2.0), ((48, 64), 1.5), ((96,), 0.001)))
    assert recipe.plan(100, 25) == [32] * 8 + [48, 64, 48, 64, 48, 64] + [96]
    assert recipe.last_side == 96
    assert Recipe(phases=(((48, 64), 1.0),)).last_side == 64
    assert recipe.sides == {32, 48, 64, 96}


def test_few_pictures_are_seen_more_often():
    recipe = Recipe(phases=(((32,), 2.0), ((48,), 1.0)), batch_size=32)
    longer = recipe.lasting(90, 96)  # 9 steps otherwise
    assert longer.plan(96, 32) == [32] * 60 + [48] * 30
    assert recipe.lasting(9, 96) == recipe
    assert recipe.lasting(90, 10_000) == recipe
    assert all(len(FINE_TUNING.lasting(90, count).plan(count, min(32, count))) >= 90 for count in range(4, 500))


def test_the_rate_grows_then_falls_along_a_cosine():
    recipe = Recipe(warmup=0.1)
    shares = [recipe.share_of_rate(step, 200) for step in range(200)]
    assert shares[:20] == pytest.approx([(step + 1) / 20 for step in range(20)])
    assert shares[20:] == pytest.approx([(1 + math.cos(math.pi * step / 180)) / 2 for step in range(180)])
    assert Recipe(warmup=0).share_of_rate(0, 1) == 1


def test_the_end_may_go_without_mixing():
    recipe = Recipe(mix=0.7, plain=0.25)
    assert [recipe.share_mixed(step, 8) for step in range(8)] == [0.7] * 6 + [0.0] * 2
    assert Recipe(mix=0.7).share_mixed(7, 8) == 0.7


def test_the_average_forgets_the_start():
    recipe = Recipe(ema_decay=0.9)
    assert [recipe.memory(step) for step in (0, 10, 1000)] == pytest.approx([0.1, 11 / 20, 0.9])


@pytest.mark.parametrize("wrong", [
    {"batch_size": 0}, {"mix": 1.5}, {"learning_rate": -1.0}, {"randaugment": 11.0}, {"area": (0.0, 1.0)}, {"area": (0.9, 0.5)},
    {"phases": (((32,), 0.0),)}, {"label_smoothing": float("nan")},
])  # fmt: skip
def test_impossible_numbers_are_refused(wrong):
    with pytest.raises(ValueError, match=r"choose|needs"):
        Recipe(**wrong)


def test_a_recipe_of_an_earlier_version_is_read():
    old = asdict(Recipe(seed=3)) | {"photo": 0.3}  # as in its training.json
    assert Recipe(**old) == replace(Recipe(**old)) == Recipe(seed=3)
    assert "photo" not in asdict(Recipe(**old))


def test_every_weight_has_one_optimizer():
    model = tiny_model()
    adamw, muon = FINE_TUNING.optimizers(model)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    groups = [[names[id(parameter)] for parameter in group["params"]] for group in (*adamw.param_groups, *muon.param_groups)]
    assert sorted(name for group in groups for name in group) == sorted(names.values())
    decayed, free, matrices = groups
    assert all("layers" in name and name.endswith("weight") for name in matrices)
    assert {"classifier.weight", "cvt.encoder.stages.0.embedding.convolution_embeddings.projection.weight"} <= set(decayed)
    assert all(name.endswith(("bias", "cls_token")) or "norm" in name for name in free)
    assert [group["weight_decay"] for group in adamw.param_groups] == [FINE_TUNING.weight_decay, 0.0]
    assert adamw.param_groups[0]["rate"] == FINE_TUNING.learning_rate
    assert muon.param_groups[0]["rate"] == FINE_TUNING.muon_learning_rate


@pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="this PyTorch has no Muon")
def test_muon_equals_pytorchs():
    generator = torch.Generator().manual_seed(0)
    shapes = [(8, 8), (8, 8), (32, 8), (8, 32), (32, 8)]
    ours, theirs = ([torch.randn(shape, generator=torch.Generator().manual_seed(1)).requires_grad_() for shape in shapes] for _ in "ab")
    settings = {"lr": 0.02, "weight_decay": 0.1}
    optimizers = Muon(ours, **settings), torch.optim.Muon(theirs, **settings)
    for step in range(4):
        for own, other in zip(ours, theirs, strict=True):
            own.grad = torch.randn(own.shape, generator=generator) if step or own.shape[0] > 8 else None  # one without a gradient
            other.grad = None if own.grad is None else own.grad.clone()
        for optimizer in optimizers:
            optimizer.step()
    for own, other in zip(ours, theirs, strict=True):
        assert torch.allclose(own, other, atol=1e-3)
        assert (own - torch.randn(own.shape, generator=torch.Generator().manual_seed(1))).abs().max() > 0.01


@pytest.mark.parametrize("shape", [(24, 24), (48, 12), (12, 48)])
def test_muon_makes_singular_values_about_one(shape):
    u, _, v = torch.linalg.svd(torch.randn(3, *shape, generator=torch.Generator().manual_seed(0)), full_matrices=False)
    matrices = u @ torch.linspace(0.2, 3, min(shape)).diag() @ v
    result = orthogonalized(matrices)
    for before, after in zip(matrices, result.float(), strict=True):
        u, _, v = torch.linalg.svd(before, full_matrices=False)
        inside = u.T @ after @ v.T  # what is left of it between the same singular vectors
        assert (inside.diagonal() > 0.4).all()
        assert (inside.diagonal() < 1.3).all()
        assert (inside - inside.diagonal().diag()).abs().max() < 0.15


def test_muon_multiplies_in_float32_on_the_cpu_and_in_bfloat16_elsewhere():
    """Shown by how near the result is to the same polynomial in float64: bfloat16 has three digits."""
    matrices = torch.randn(2, 12, 20, generator=torch.Generator().manual_seed(0))
    x = matrices.double() / matrices.double().norm(dim=(1, 2), keepdim=True)
    for _ in range(5):
        gram = x @ x.mT
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    result = orthogonalized(matrices)
    assert (result - x).abs().max() < 1e-5 < (x.bfloat16() - x).abs().max()
    assert orthogonalized(matrices.to("meta")).dtype == torch.bfloat16


def test_linear_layers_multiply_in_bfloat16_and_learn_in_float32():
    model = torch.nn.Sequential(torch.nn.Linear(16, 8), torch.nn.LayerNorm(8))
    x = torch.randn(4, 16, generator=torch.Generator().manual_seed(0))
    exact = model[0](x)
    with prepare(model, "bfloat16", torch.device("cpu")):
        rounded = model[0](x)
    assert type(model[0]) is Bfloat16Linear
    assert rounded.dtype == torch.float32
    assert 0 < (rounded - exact).abs().max() < 0.05
    rounded.sum().backward()
    assert model[0].weight.grad.dtype == torch.float32
    assert torch.allclose(model[0].weight.grad, x.sum(0).expand(8, 16), atol=0.05)
    plain = torch.nn.Linear(2, 2)
    prepare(plain, "float32", torch.device("cpu"))
    assert type(plain) is torch.nn.Linear
    assert torch.equal(plain(x[:, :2]), F.linear(x[:, :2], plain.weight, plain.bias))


def test_precision_fits_the_device(monkeypatch):
    cpu, gpu = torch.device("cpu"), torch.device("cuda")
    assert choose_precision("float32", gpu) == "float32"
    with pytest.raises(ValueError, match="float16 needs a CUDA GPU"):
        choose_precision("float16", cpu)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (9, 0))
    assert choose_precision("auto", gpu) == "bfloat16"
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (7, 5))
    assert choose_precision("auto", gpu) == "float16"
    for name, there in (("bfloat16", True), ("float32", False)):
        monkeypatch.setattr("cvt.training.precision._multiplies_bfloat16", lambda there=there: there)
        assert choose_precision("auto", cpu) == name
