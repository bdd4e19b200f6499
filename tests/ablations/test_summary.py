"""The comparison of members: Welch's interval against tables and a numerical integral, and the table made of records."""

import numpy as np
import pytest

from cvt.ablations.summary import in_words, table
from cvt.ablations.welch import below, difference, quantile

# Student's distribution, two-sided 95 %: NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.2
TABLE = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 8: 2.306, 10: 2.228, 20: 2.086, 30: 2.042, 100: 1.984}


@pytest.mark.parametrize(("freedom", "value"), TABLE.items())
def test_quantiles_are_those_of_the_table(freedom, value):
    assert quantile(0.975, freedom) == pytest.approx(value, abs=6e-4)


@pytest.mark.parametrize("freedom", [2.0, 2.71, 3.5])
def test_shares_below_equal_the_integral_of_the_density(freedom):
    t = np.linspace(0, 3, 200_001)
    density = (1 + t**2 / freedom) ** (-(freedom + 1) / 2)
    far = np.tan(np.linspace(0, np.pi / 2, 400_001)[:-1])  # the whole half, by t = tan(u)
    whole = np.trapezoid((1 + far**2 / freedom) ** (-(freedom + 1) / 2) * (1 + far**2), np.arctan(far))
    assert below(3.0, freedom) == pytest.approx(0.5 + np.trapezoid(density, t) / (2 * whole), abs=1e-4)


def test_an_interval_by_hand():
    """n = 3 and 3, variances 1 and 4: s² = 5/3, ν = (5/3)² / ((1/3)²/2 + (4/3)²/2) = 50/17."""
    found = difference([1.0, 2.0, 3.0], [8.0, 10.0, 12.0])
    assert found.freedom == pytest.approx(50 / 17)
    reach = quantile(0.975, 50 / 17) * (5 / 3) ** 0.5
    assert (found.difference, found.low, found.high) == pytest.approx((-8.0, -8.0 - reach, -8.0 + reach))
    assert found.significant
    assert not difference([1.0, 2.0, 3.0], [1.0, 2.5, 3.0]).significant
    assert difference([1.0], [1.0, 2.0]) is None


def record(member, seed, value, **changes):
    measures = dict.fromkeys(("top1_64", "top1_96", "top1_128", "shifted", "stays"), value)
    common = {"parameters": 10, "macs": 20, "epochs": 1.0, "steps": 3, "seconds": 60.0, "pictures_per_second": 5, "precision": "float32"}
    more = {"hardware": "cpu", "torch": "2", "recipe": {"seed": seed, "mix": 0.25}}
    return {"member": member, "seed": seed, "accuracies": measures, **common, **more, **changes}


def test_members_are_compared_with_the_baseline():
    runs = [record("baseline", seed, 0.50 + seed / 1000) for seed in range(3)]
    runs += [record("linear", seed, 0.40 + seed / 1000) for seed in range(3)] + [
        record("mean", seed, 0.50 + seed / 500) for seed in range(3)
    ]
    made = table(runs)
    baseline, linear, mean = (row["measures"]["top1_64"] for row in made["members"])
    assert (baseline["mean"], baseline["sd"]) == pytest.approx((0.501, 0.001))
    assert "difference" not in baseline
    assert linear["difference"] == pytest.approx(-0.1)
    assert linear["significant"]
    assert linear["interval"][1] < 0
    assert not mean["significant"]
    assert mean["interval"][0] < 0 < mean["interval"][1]
    assert [row["apart"] for row in made["members"]] == [["linear"], ["baseline", "mean"], ["linear"]]
    assert made["minutes"] == 9.0
    assert "40.10 ± 0.10 (-10.00*)" in in_words(made)


def test_runs_of_different_trainings_are_not_compared():
    runs = [record("baseline", 0, 0.5), record("mean", 0, 0.5, epochs=2.0)]
    with pytest.raises(ValueError, match="not trained in the same way"):
        table(runs)
    with pytest.raises(ValueError, match="no finished run of the baseline"):
        table(runs[1:])
