"""Whether two means differ: Welch's interval for the difference of means of samples whose variances may differ.

The difference d = mean(a) - mean(b) has the standard error s = √(var(a)/n + var(b)/m), with variances over n - 1, and

    ν = s⁴ / ((var(a)/n)² / (n - 1) + (var(b)/m)² / (m - 1))

degrees of freedom; the interval is d ± t(ν) · s, with t(ν) the 0.975 quantile of Student's distribution.

Source: B. L. Welch, The generalization of "Student's" problem when several different population variances are involved, Biometrika 34,
1947. Student's distribution is an incomplete beta function (dlmf.nist.gov, 8.17), here by its continued fraction (8.17.22).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean, variance

LEVEL = 0.95


@dataclass(frozen=True)
class Difference:
    """A difference of means and its 95 % interval; ``significant`` if that does not contain 0."""

    difference: float
    low: float
    high: float
    freedom: float

    @property
    def significant(self) -> bool:
        return self.low > 0 or self.high < 0


def difference(a: Sequence[float], b: Sequence[float]) -> Difference | None:
    """mean(a) - mean(b); None with fewer than two values on a side, or without any spread, when there is no interval."""
    if min(len(a), len(b)) < 2:
        return None
    parts = [variance(each) / len(each) for each in (a, b)]
    error = math.sqrt(sum(parts))
    if error == 0:
        return None
    freedom = sum(parts) ** 2 / sum(part**2 / (len(each) - 1) for part, each in zip(parts, (a, b), strict=True))
    centre, reach = mean(a) - mean(b), quantile((1 + LEVEL) / 2, freedom) * error
    return Difference(centre, centre - reach, centre + reach, freedom)


def quantile(share: float, freedom: float) -> float:
    """The value below which a ``share`` (above 0.5) of Student's distribution with ``freedom`` degrees of freedom lies; by bisection."""
    low, high = 0.0, 1.0
    while below(high, freedom) < share:
        high *= 2
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if below(middle, freedom) < share else (low, middle)
    return (low + high) / 2


def below(t: float, freedom: float) -> float:
    """The share of Student's distribution below t ≥ 0."""
    return 1 - _beta(freedom / (freedom + t * t), freedom / 2, 0.5) / 2


def _beta(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function I_x(a, b)."""
    if x in (0.0, 1.0):
        return x
    if x > (a + 1) / (a + b + 2):  # where the fraction converges fast
        return 1 - _beta(1 - x, b, a)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)) / a
    value = 1.0  # from the innermost term outwards
    for term in range(200, 0, -1):
        half, odd = divmod(term, 2)
        if odd:
            factor = -(a + half) * (a + b + half) / ((a + term - 1) * (a + term)) * x
        else:
            factor = half * (b - half) / ((a + term - 1) * (a + term)) * x
        value = 1 + factor / value
    return front / value
