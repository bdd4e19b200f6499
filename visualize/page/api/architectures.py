"""Other architectures: their costs, a picture through them, and the small models that were trained without one part."""

from __future__ import annotations

from typing import Annotated, Any

from cvt import ablations as trained_ablations

from ..laboratory.trained import ABLATIONS
from .parameters import CHOICE, Model, Parameter, Picture, Seed, Side, Stages, Weights
from .services import Services

Ablation = Annotated[str, Parameter(CHOICE, "the trained ablation", choices=ABLATIONS)]


def architecture(to: Services, model: Model = "") -> dict[str, Any]:
    """The settings of a model's architecture, what each means and may be, its costs, and presets that answer questions about it.

    Returns ``base``, the model's own settings per stage and input side; ``settings``, each with a name, a label, its meaning and its
    ``values``; ``presets`` with a ``question`` and all ``stages``, ready for `describe` and `variant`; ``baseline``, its costs.
    """
    return to.laboratory.about({"model": model})


def describe(to: Services, stages: Stages, side: Side = 0, model: Model = "") -> dict[str, Any]:
    """What an architecture costs, and how it differs from the model's; nothing is run.

    Returns ``variant`` with parameters, multiply-adds (``macs``), memory and attention weights, in all and per stage;
    ``differences``, each change with a sentence on its effect alone; or ``problem``, why it cannot be built, and a ``remedy``.
    """
    return to.laboratory.describe(_asked(stages, side, model))


def variant(
    to: Services,
    picture: Picture,
    stages: Stages,
    side: Side = 0,
    weights: Weights = "inherited",
    seed: Seed = 0,
    model: Model = "",
) -> dict[str, Any]:
    """The classes of a picture in another architecture, beside those of the model itself.

    Nothing is trained: weights are the model's where they fit. Returns the most probable classes of the ``baseline`` and the ``variant``,
    ``trained``: "same", "changed", "disturbed" or "untrained", which says how far to trust the variant's classes, and why as a ``note``.
    """
    return _compared(to, to.laboratory.compared(picture, _asked(stages, side, model) | {"weights": weights, "seed": seed}))


def variant_code(
    to: Services, stages: Stages, side: Side = 0, weights: Weights = "inherited", seed: Seed = 0, model: Model = ""
) -> dict[str, Any]:
    """A variant to take away: Python code that builds and runs it, and its config.json.

    Returns ``python``, ``config``, and a ``note`` on what transformers lacks for it.
    """
    return to.laboratory.texts(_asked(stages, side, model) | {"weights": weights, "seed": seed})


def ablations(to: Services) -> dict[str, Any]:
    """The trained ablations: small models, trained alike, each without one part or with one more, and how well each classifies.

    Returns ``members``, each with a name, the ``question`` that it answers, parameters, and ``measures`` over several trainings: the mean
    share of unseen pictures that are classified correctly at several input sides, and the difference from the baseline with its interval.
    """
    return trained_ablations.table()


def ablation(to: Services, picture: Picture, name: Ablation) -> dict[str, Any]:
    """A picture in a trained ablation, beside the baseline that was trained like it: does the missing part matter here?

    Returns the most probable classes of the ``baseline`` and the ``variant``, and the ``costs`` of both.
    """
    costs = to.laboratory.trained({"ablation": name})
    return {**_compared(to, to.laboratory.compared(picture, {"ablation": name})), "costs": costs}


def _asked(stages: list[Any], side: int, model: str) -> dict[str, Any]:
    return {"stages": stages, "model": model, **({"side": side} if side else {})}


def _compared(to: Services, found: dict[str, Any]) -> dict[str, Any]:
    """The laboratory's answer with classes instead of what an explorer is given."""
    classes = {
        name: [
            {"label": label, "probability": probability} for label, probability in to.workbench.stored(found[name]["key"]).exploration.top()
        ]
        for name in ("baseline", "variant")
    }
    return {"note": found["words"], "trained": found["trained"], **classes}
