"""What each part is worth: against one pass per part, and the plain difference of the model's own outputs."""

import pytest
import torch

from tests.helpers import pixels, tiny_model
from visualize.change.importance import BATCH, importance, parts_to_try
from visualize.change.interventions import Intervention, intervened
from visualize.change.means import example_means

X = pixels(1, 3, 48, 64)


def scores(model, label, *interventions, means=None):
    with torch.inference_mode(), intervened(model, [interventions], means):
        logits = model(X).logits[0]
    return logits[label].item(), logits.softmax(dim=-1)[label].item()


@pytest.mark.parametrize("how", ["zero", "mean", "examples", "uniform"])
def test_every_loss_is_the_difference_that_the_part_alone_makes(how):
    model = tiny_model()
    means = example_means(model, [pixels(1, 3, 32, 32)])
    before, found = scores(model, 3), importance(model, X, 3, how, means)
    assert (found.logit, found.probability) == pytest.approx(before, abs=1e-6)
    branches = 3 if how != "uniform" else 1
    assert len(found.losses) == sum(depth * (branches + heads) for depth, heads in ((1, 1), (2, 2), (3, 3)))
    for each in found.losses:
        after = scores(model, 3, each.intervention, means=means)
        assert (before[0] - each.logit, before[1] - each.probability) == pytest.approx(after, abs=1e-5)


def test_parts_come_by_stage_and_block_and_none_twice():
    tried = parts_to_try(tiny_model().config)
    assert len(set(tried)) == len(tried)
    assert [(each.stage, each.block) for each in tried] == sorted((each.stage, each.block) for each in tried)
    assert tried[0] == Intervention(stage=0, block=0, part="block")


def test_progress_comes_before_every_pass_and_can_end_it():
    model, shares, passes = tiny_model(), [], []
    model.cvt.encoder.stages[2].register_forward_hook(lambda *_: passes.append(len(shares)))
    importance(model, X, 0, progress=shares.append)
    assert shares[:2] == [0, 0]
    assert shares == sorted(shares)
    assert shares[-1] < 1
    assert passes == list(range(1, len(shares) + 1))  # the first of the unchanged model
    assert len(shares) - 1 == sum(-(-len([each for each in parts_to_try(model.config) if each.stage == s]) // BATCH) for s in range(3))

    def cancel(share):
        if share > 0.5:
            raise KeyboardInterrupt

    passes.clear()
    with pytest.raises(KeyboardInterrupt):
        importance(model, X, 0, progress=cancel)
    assert len(passes) < len(shares)


def test_what_cannot_be_asked_is_refused():
    with pytest.raises(ValueError, match="no class 5: this model's classes are 0 to 4"):
        importance(tiny_model(), X, 5)
    with pytest.raises(ValueError, match="needs the means"):
        importance(tiny_model(), X, 0, "examples")
    assert parts_to_try(tiny_model().config, "nothing") == []
