"""A step whose passes are replayed as a CUDA graph has the gradients of one that runs them; several processes agree on their mean."""

import pytest
import torch
import torch.nn.functional as F

from cvt.model import CvtForImageClassification
from cvt.training.batches import Batches
from cvt.training.cuda.ahead import Ahead
from cvt.training.cuda.captured import CapturedGradients
from cvt.training.data.reading import PictureSet
from cvt.training.distributed import World
from cvt.training.recipe import Recipe
from tests.helpers import tiny_config


def test_the_mean_of_all_processes_replaces_each_value(monkeypatch):
    generator = torch.Generator().manual_seed(0)
    ours, others = ([torch.randn(shape, generator=generator) for shape in ((4, 3, 2, 2), (), (5,))] for _ in range(2))
    ours[0] = ours[0].to(memory_format=torch.channels_last)
    expected = [(own + other) / 2 for own, other in zip(ours, others, strict=True)]
    messages = []

    def all_reduce(together):
        messages.append(len(together))
        together += torch.cat([value.flatten() for value in others])

    monkeypatch.setattr("torch.distributed.all_reduce", all_reduce)
    World(0, 2).average(ours)
    assert messages == [54]
    torch.testing.assert_close(ours, expected)


def test_every_process_gets_the_firsts_weights_and_buffers(monkeypatch):
    model, first = CvtForImageClassification(tiny_config()), CvtForImageClassification(tiny_config())
    sent = iter(first.state_dict().values())
    monkeypatch.setattr("torch.distributed.broadcast", lambda value, source: value.copy_(next(sent)))
    World(1, 2).same(model)
    for name, value in first.state_dict().items():
        torch.testing.assert_close(model.state_dict()[name], value)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
def test_replayed_gradients_are_those_of_running():
    model = CvtForImageClassification(tiny_config(drop_path_rate=(0.0, 0.0, 0.0))).cuda().train()
    other = CvtForImageClassification(model.config).cuda().train()
    other.load_state_dict(model.state_dict())

    def work(of):
        def gradients(x, targets):
            loss = F.cross_entropy(of(x).logits, targets)
            loss.backward()
            return loss.detach()

        return gradients

    captured, run = CapturedGradients(model, work(model)), work(other)
    generator = torch.Generator().manual_seed(0)
    for side in (32, 32, 48, 32):
        x = torch.rand((4, 3, side, side), generator=generator).cuda()
        targets = torch.rand((4, model.config.num_labels), generator=generator).cuda().softmax(1)
        other.zero_grad()
        torch.testing.assert_close(captured(x, targets), run(x, targets), rtol=1e-4, atol=1e-5)
        for parameter, expected in zip(model.parameters(), other.parameters(), strict=True):
            torch.testing.assert_close(parameter.grad, expected.grad, rtol=1e-3, atol=1e-5)  # sums in another order
            parameter.grad = None
        for buffer, expected in zip(model.buffers(), other.buffers(), strict=True):
            torch.testing.assert_close(buffer, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
def test_batches_made_ahead_are_the_same_in_any_order():
    pictures = torch.randint(0, 256, (40, 3, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    some = PictureSet(pictures, torch.arange(40) % 3, ("x",) * 40, ("a", "b", "c"))
    recipe = Recipe(phases=(((16, 24), 3.0),), batch_size=8)
    batches = Batches(some, recipe, [0.5] * 3, [0.25] * 3, torch.device("cuda"), parts=2)
    ahead = Ahead(batches)
    for step, part in ((0, 0), (1, 0), (2, 0), (1, 0), (2, 1), (len(batches.plan) - 1, 1)):  # resuming begins anywhere
        torch.testing.assert_close(ahead(step, part), batches(step, part), rtol=0, atol=0)
