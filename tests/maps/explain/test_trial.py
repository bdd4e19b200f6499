"""The measures of a trial: against plain loops, and on maps whose answer is known."""

import numpy as np
import pytest
import torch

from tests.helpers import pixels, tiny_model
from tests.maps.explain.test_rollout import case
from visualize.maps.explain import METHODS, RANDOM, Case, Explanation, random_map, randomised
from visualize.maps.explain.squares import square_of_pixels, squares
from visualize.maps.trial.checks import agreement, knocked_out, rank_correlation, survives_randomisation
from visualize.maps.trial.curves import Curves, curves
from visualize.maps.trial.trial import MEASURES, Judged, beats_random, judged, mapped, passes_of, summary


@pytest.fixture(scope="module")
def subject():
    return case(tiny_model(), 30, 36)


def on_squares(values, method="occlusion"):
    return Explanation(method, np.asarray(values, np.float32).reshape(6, 6), squares((30, 36)), True, target=1)


def probability(subject, missing):
    """The class's probability without some squares."""
    gone = torch.from_numpy(np.isin(square_of_pixels(subject.size), missing))
    with torch.no_grad():
        logits = subject.model(torch.where(gone, subject.absent, subject.pixel_values)).logits
    return float(torch.softmax(logits, dim=-1)[0, subject.target])


def test_curves_take_and_give_squares_in_the_maps_order(subject):
    values = np.random.default_rng(4).permutation(36)
    (found,) = curves(subject, [on_squares(values)], steps=4)
    order = np.argsort(-values)
    assert found.shares == (0, 0.25, 0.5, 0.75, 1)
    np.testing.assert_allclose(found.deletion, [probability(subject, order[:count]) for count in (0, 9, 18, 27, 36)])
    np.testing.assert_allclose(found.insertion, [probability(subject, order[count:]) for count in (0, 9, 18, 27, 36)])
    inner = sum(found.deletion[1:-1]) + (found.deletion[0] + found.deletion[-1]) / 2
    assert found.deletion_area == pytest.approx(inner / 4)
    assert found.gap == pytest.approx(found.insertion_area - found.deletion_area)


def test_a_map_and_its_reverse_are_each_others_curves_backwards(subject):
    values = np.random.default_rng(5).permutation(36)
    one, other = curves(subject, [on_squares(values), on_squares(-values)], steps=4)
    np.testing.assert_allclose(one.insertion, other.deletion[::-1])
    assert one.gap == pytest.approx(-other.gap)


def test_squares_that_are_alike_go_in_no_order_of_theirs(subject):
    """Else a flat map would be read from the top left, where a picture's sky is."""
    (found,) = curves(subject, [on_squares(np.zeros(36))], steps=4)
    assert found.deletion[1] != pytest.approx(probability(subject, np.arange(9)), rel=1e-6)


def test_rank_correlation_counts_pairs_and_shares_ranks():
    draw = np.random.default_rng(0)
    one, two = draw.integers(0, 6, 40), draw.integers(0, 6, 40) + draw.integers(0, 3, 40)

    def places(values):  # by counting, in a loop
        return np.array([(values < value).sum() + (values == value).sum() / 2 for value in values])

    assert rank_correlation(one, two) == pytest.approx(np.corrcoef(places(one), places(two))[0, 1])
    assert rank_correlation(np.arange(5), np.exp(np.arange(5.0))) == pytest.approx(1)
    assert rank_correlation(np.arange(5), np.ones(5)) is None


def test_knock_outs_are_the_losses_without_thirds_of_the_picture(subject):
    knocked = knocked_out(subject, splits=3)
    assert knocked.parts.shape == (9, 36)
    assert (knocked.parts.sum(axis=0) == 3).all()
    assert (knocked.parts.sum(axis=1) == 12).all()
    with torch.no_grad():
        whole = subject.model(subject.pixel_values).logits[0, 1]
        for part, loss in zip(knocked.parts, knocked.losses, strict=True):
            gone = torch.from_numpy(np.isin(square_of_pixels(subject.size), np.flatnonzero(part)))
            logits = subject.model(torch.where(gone, subject.absent, subject.pixel_values)).logits
            assert float(whole - logits[0, 1]) == pytest.approx(float(loss), abs=1e-6)


def test_a_map_that_explains_the_losses_agrees(subject):
    knocked = knocked_out(subject)
    truth = np.linalg.lstsq(knocked.parts.astype(float), knocked.losses, rcond=None)[0]
    assert agreement(on_squares(truth), knocked, subject.size) > 0.9
    assert agreement(on_squares(-truth), knocked, subject.size) < -0.9
    assert agreement(on_squares(np.ones(36)), knocked, subject.size) is None


def test_randomisation_compares_with_the_same_method_on_the_other_model(subject):
    own = Case(subject.model.float(), subject.pixel_values, 1)
    other = own.through(randomised(own.model))
    for method, stage in (("relevance", None), ("grad_cam", 0)):
        one, two = METHODS[method](own, stage), METHODS[method](other, stage)
        assert survives_randomisation(one, other) == pytest.approx(rank_correlation(one.values, two.values))
        assert survives_randomisation(one, own) == pytest.approx(1)
    subject.model.double()


def test_a_trial_has_every_method_and_several_random_maps():
    own = Case(tiny_model(), pixels(1, 3, 32, 32), 2)
    trial = judged(own, mapped(own, ["rollout", "legrad", RANDOM], stage=1))
    assert [each.explanation.method for each in trial] == ["rollout", "legrad", RANDOM, RANDOM, RANDOM]
    assert trial[1].explanation.stage == 1
    assert [each.survives is None for each in trial] == [False, False, True, True, True]
    assert all(each.curves and each.agreement is not None for each in trial)
    for seed, each in enumerate(trial[2:]):
        np.testing.assert_array_equal(each.explanation.values, random_map((32, 32), seed).values)
    (only,) = judged(own, mapped(own, ["rollout"]), measures=())
    assert (only.curves, only.agreement, only.survives) == (None, None, None)
    (curve,) = curves(own, [trial[0].explanation])
    assert curve.deletion_area == pytest.approx(trial[0].curves.deletion_area)


def with_gap(gap, method="rollout", agrees=None):
    return Judged(on_squares(np.arange(36), method), Curves((0, 1), (0, 0), (gap, gap)), agrees)


def test_on_one_picture_a_method_beats_random_if_it_beats_every_random_map():
    trial = [with_gap(0.3), with_gap(0.1), with_gap(0.2, RANDOM), with_gap(-0.1, RANDOM)]
    assert beats_random(trial[0], trial)
    assert beats_random(trial[1], trial) is False
    assert beats_random(trial[0], trial[:2]) is None


def test_over_pictures_it_does_if_its_mean_lead_is_two_standard_errors_from_none():
    def row(*gaps):
        trials = [[with_gap(gap + 0.5, agrees=gap), with_gap(0.4, RANDOM), with_gap(0.6, RANDOM)] for gap in gaps]
        return summary(trials)

    method, chance = row(0.1, 0.2, 0.3)  # 0.2, and a standard error of 0.1 / √3 = 0.058
    assert (method.method, chance.method, chance.beats) == ("rollout", RANDOM, None)
    assert (method.lead.mean, method.lead.deviation, method.lead.count) == (pytest.approx(0.2), pytest.approx(0.1), 3)
    assert method.insertion.mean == pytest.approx(0.7)
    assert method.agreement.mean == pytest.approx(0.2)
    assert method.survives is None
    assert chance.insertion.mean == pytest.approx(0.5)
    assert method.beats
    assert row(0.05, 0.2, 0.65)[0].beats is False  # 0.3, and a standard error of 0.18
    assert row(0.1, 0.2)[0].beats is None


@pytest.mark.parametrize("stage", [None, 0])
def test_the_work_is_known_beforehand(stage):
    calls = []
    own = Case(tiny_model(), pixels(1, 3, 36, 36), 2, watch=lambda: calls.append(1))
    for methods, measures in (
        (list(METHODS), MEASURES),
        (["rollout", RANDOM], ("curves",)),
        ([RANDOM], ()),
        (["occlusion"], ["agreement"]),
    ):
        calls.clear()
        again = own.through(own.model)  # which has seen nothing yet
        judged(again, mapped(again, methods, stage), measures)
        expected = passes_of(own, methods, measures, stage)
        assert 0.8 * expected <= len(calls) <= expected
