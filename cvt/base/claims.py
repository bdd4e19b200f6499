"""What a config says about the weights that are saved with it: measured results, in ``extra``."""

from __future__ import annotations

import math
from typing import Any

CLAIMS = ("evaluation", "calibration")  # keys in ``extra``
_SHARES = ("top1", "top5", "calibration_error")


def makes_sense(claim: Any) -> bool:
    """Whether a claim about a model is valid: finite numbers by name, with shares from 0 to 1."""
    if not isinstance(claim, dict):
        return False
    numbers = {name: value for name, value in claim.items() if isinstance(value, (int, float))}
    return all(math.isfinite(value) for value in numbers.values()) and all(0 <= numbers.get(name, 0) <= 1 for name in _SHARES)
