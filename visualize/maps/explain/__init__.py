"""Explanations of a prediction: maps of what in a picture a class's score depends on, by methods that answer different questions.

``METHODS["relevance"](Case(model, pixel_values, target), None)`` gives a map on its true grid.
"""

from __future__ import annotations

from collections.abc import Callable

from .attention import cls_attention, rollout
from .case import Case
from .copies import in_float32, randomised
from .explanation import Explanation
from .gradients import grad_cam, integrated_gradients
from .occlusion import occlusion
from .relevance import legrad, relevance
from .squares import RANDOM, random_map

__all__ = ["METHODS", "RANDOM", "STAGED", "Case", "Explanation", "in_float32", "random_map", "randomised"]

# Each takes a case and a stage, from 0; None for the last one. Those in STAGED explain one stage, the others all of the model.
METHODS: dict[str, Callable[[Case, int | None], Explanation]] = {
    "cls_attention": lambda case, stage: cls_attention(case),
    "rollout": lambda case, stage: rollout(case),
    "relevance": lambda case, stage: relevance(case),
    "legrad": lambda case, stage: legrad(case, case.last if stage is None else stage),
    "grad_cam": lambda case, stage: grad_cam(case, case.last if stage is None else stage),
    "integrated_gradients": lambda case, stage: integrated_gradients(case),
    "occlusion": lambda case, stage: occlusion(case),
    RANDOM: lambda case, stage: random_map(case.size),
}
STAGED = ("legrad", "grad_cam")
