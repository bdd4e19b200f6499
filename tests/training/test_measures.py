"""Measures against brute force, and calibrated probabilities."""

import numpy as np
import pytest
import torch

from cvt.training.measures import BINS, calibration_error, error_when_calibrated, evaluate, fit_temperature, fold_temperature
from tests.helpers import tiny_model

NAMES = ["ant", "bee", "cat", "dog", "eel", "fox", "gnu"]


def answers(count=400, seed=0, sharpness=1.0):
    """Logits and labels that are drawn from softmax(logits / sharpness), so that this is the temperature they need."""
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(count, len(NAMES), generator=generator) * 2
    labels = torch.multinomial(logits.softmax(1), 1, generator=generator)[:, 0]
    return logits * sharpness, labels


def test_accuracy_and_confusions_by_hand():
    logits, labels = answers()
    result = evaluate(logits, labels, NAMES)
    order = [sorted(range(len(NAMES)), key=lambda each, row=row: -row[each]) for row in logits.tolist()]
    named = [row[0] for row in order]
    assert result.pictures == 400
    assert result.top1 == pytest.approx(np.mean([row[0] == label for row, label in zip(order, labels.tolist(), strict=True)]))
    assert result.top5 == pytest.approx(np.mean([label in row[:5] for row, label in zip(order, labels.tolist(), strict=True)]))
    assert result.confidence == pytest.approx(logits.softmax(1).amax(1).mean().item(), abs=1e-6)
    assert result.loss == pytest.approx(-logits.log_softmax(1)[torch.arange(400), labels].mean().item(), abs=1e-5)
    for number, each in enumerate(result.classes):
        own = [name for name, label in zip(named, labels.tolist(), strict=True) if label == number]
        assert (each.name, each.pictures, each.right, each.named) == (NAMES[number], len(own), own.count(number), named.count(number))
    pairs = {}
    for name, label in zip(named, labels.tolist(), strict=True):
        if name != label:
            pairs[NAMES[label], NAMES[name]] = pairs.get((NAMES[label], NAMES[name]), 0) + 1
    assert {(name, other): times for name, other, times in result.confused} == pairs
    assert [times for *_, times in result.confused] == sorted(pairs.values(), reverse=True)


def test_calibration_error_by_hand():
    generator = torch.Generator().manual_seed(0)
    confidence = torch.rand(500, generator=generator, dtype=torch.double).clamp(0.01)
    confidence[:2] = torch.tensor([1.0, 0.2])  # 0.2 · 15 is just a bin's upper edge
    right = torch.rand(500, generator=generator) < 0.5 + 0.5 * (confidence * 30).sin()  # now too high, now too low
    expected = 0.0
    for bin in range(BINS):
        inside = [(c, r) for c, r in zip(confidence.tolist(), right.tolist(), strict=True) if bin / BINS < c <= (bin + 1) / BINS]
        if inside:
            expected += len(inside) / 500 * abs(np.mean([r for _, r in inside]) - np.mean([c for c, _ in inside]))
    assert calibration_error(confidence, right) == pytest.approx(expected, abs=1e-9)
    two_bins = calibration_error(torch.tensor([0.05, 0.1]), torch.tensor([True, False]))
    assert two_bins == pytest.approx((0.95 + 0.1) / 2, abs=1e-6)
    assert calibration_error(torch.ones(4), torch.tensor([True, True, True, False])) == pytest.approx(0.25)
    assert calibration_error(torch.full((4,), 0.75), torch.tensor([True, True, True, False])) == pytest.approx(0.0)


@pytest.mark.parametrize("sharpness", [0.4, 1.0, 3.0])
def test_the_temperature_is_found_and_makes_the_loss_least(sharpness):
    logits, labels = answers(20_000, sharpness=sharpness)
    temperature = fit_temperature(logits, labels)
    assert temperature == pytest.approx(sharpness, rel=0.03)
    losses = [evaluate(logits / each, labels, NAMES).loss for each in (temperature * 0.98, temperature, temperature * 1.02)]
    assert losses[1] == min(losses)
    if sharpness != 1.0:
        assert evaluate(logits, labels, NAMES).calibration_error > 0.1
    assert error_when_calibrated(logits, labels) < 0.02


def test_a_temperature_needs_pictures_that_are_right_and_wrong():
    logits, labels = answers()
    with pytest.raises(ValueError, match="99 pictures are too few"):
        fit_temperature(logits[:99], labels[:99])
    with pytest.raises(ValueError, match="classifies all of these correctly"):
        fit_temperature(logits, logits.argmax(1))
    with pytest.raises(ValueError, match="no better than guessing"):
        fit_temperature(logits, logits.argmin(1))
    some = torch.where(torch.arange(400) % 4 == 0, logits.argmax(1), logits.argmin(1))  # a quarter is right, most are worse than chance
    assert evaluate(logits, some, NAMES).top1 == 0.25
    with pytest.raises(ValueError, match="no better than guessing"):
        fit_temperature(logits, some)


def test_a_half_that_no_temperature_fits_is_not_taken_for_the_whole():
    logits, _ = answers()
    labels = logits.argmax(1)
    labels[0] = logits[0].argmin()  # in one of the halves all are right
    assert fit_temperature(logits, labels) > 0
    with pytest.raises(ValueError, match=r"Too few pictures to calibrate with: no temperature can be fitted to half of them\. Add more"):
        error_when_calibrated(logits, labels)


@pytest.mark.parametrize(("sharpness", "words"), [(0.01, "would have to be below 0.05"), (100.0, "would have to be above 20")])
def test_a_temperature_out_of_range_is_not_taken_for_predictions_without_worth(sharpness, words):
    logits, labels = answers(sharpness=sharpness)
    assert 0.4 < evaluate(logits, labels, NAMES).top1 < 0.9
    with pytest.raises(ValueError, match=words):
        fit_temperature(logits, labels)


def test_a_folded_temperature_divides_the_logits():
    model, x = tiny_model(), torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        before = model(x).logits
        fold_temperature(model, 1.7)
        assert torch.allclose(model(x).logits, before / 1.7, atol=1e-6)
    with pytest.raises(ValueError, match="above 0"):
        fold_temperature(model, 0.0)
