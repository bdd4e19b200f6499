"""Interventions as values: which part of which block is replaced, by what, and whether a model has that part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from cvt.config import CvtConfig

CONVS = ("query_conv", "key_conv", "value_conv")
RESIDUALS = ("attention_residual", "mlp_residual")
PARTS = ("head", "attention", "mlp", "block", *CONVS, *RESIDUALS)
ZERO, MEAN, EXAMPLES, UNIFORM = WAYS = ("zero", "mean", "examples", "uniform")
WITH_UNIFORM = ("head", "attention")


@dataclass(frozen=True, kw_only=True, order=True)
class Intervention:
    """One part of a block, replaced.

    Attributes:
        stage, block: from 0.
        part: "head"; "attention" or "mlp", a branch, which is what it adds to the tokens; "block", both branches; "query_conv",
            "key_conv" or "value_conv", the conv projection before that linear layer; "attention_residual" or "mlp_residual", the
            connection past a branch.
        head: from 0, for the part "head"; else None.
        how: what replaces the part's output. "zero"; "mean", its mean over this picture's tokens; "examples", its mean over the
            tokens of the example pictures, of the cls token apart; "uniform", for heads and attention: every query looks at all
            keys alike.
    """

    stage: int
    block: int
    part: str
    head: int | None = None
    how: str = ZERO


class InterventionError(ValueError):
    """An intervention that a model cannot have, as values; ``str`` gives a sentence that counts from 0.

    Attributes:
        reason: "stage", "block", "part", "head", "how", "conv" or "twice". intervention: the one refused. most: the largest valid number.
    """

    def __init__(self, reason: str, intervention: Intervention, most: int | None = None):
        super().__init__(reason, intervention, most)
        self.reason, self.intervention, self.most = reason, intervention, most

    def __str__(self) -> str:
        asked = self.intervention
        place = f"stage {asked.stage}, block {asked.block}"
        return {
            "stage": f"There is no stage {asked.stage!r}: this model's stages are 0 to {self.most}.",
            "block": f"There is no block {asked.block!r} in stage {asked.stage}: its blocks are 0 to {self.most}.",
            "part": f"There is no part {asked.part!r}: choose one of {', '.join(PARTS)}.",
            "head": f"There is no head {asked.head!r} in stage {asked.stage}: its heads are 0 to {self.most}, for the part 'head' only.",
            "how": f"{asked.part!r} cannot be replaced by {asked.how!r}: choose one of {', '.join(ways(asked.part))}.",
            "conv": f"Stage {asked.stage} has no {asked.part!r}: its projections are linear.",
            "twice": f"{asked.part!r} in {place} is replaced twice: give each part once.",
        }[self.reason]


def ways(part: str) -> tuple[str, ...]:
    """What can replace a part: values of ``Intervention.how``."""
    return WAYS if part in WITH_UNIFORM else (ZERO, MEAN, EXAMPLES)


def convs(method: str) -> tuple[str, ...]:
    """The conv projections of a stage with this ``qkv_projection_method``, as parts; "avg" pools keys and values."""
    return {"dw_bn": CONVS, "avg": CONVS[1:]}.get(method, ())


def validate(interventions: Sequence[Intervention], config: CvtConfig) -> None:
    """Checks interventions on one sample.

    Raises:
        InterventionError: a stage, block, part or head that this model does not have, a way that the part cannot be replaced in, or
        the same part twice; a block is its two branches.
    """

    def below(value: Any, count: int) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < count

    seen = set()
    for each in interventions:
        if not below(each.stage, config.num_stages):
            raise InterventionError("stage", each, config.num_stages - 1)
        stage = config.stages[each.stage]
        if not below(each.block, stage.depth):
            raise InterventionError("block", each, stage.depth - 1)
        if each.part not in PARTS:
            raise InterventionError("part", each)
        if not (below(each.head, stage.num_heads) if each.part == "head" else each.head is None):
            raise InterventionError("head", each, stage.num_heads - 1)
        if each.how not in ways(each.part):
            raise InterventionError("how", each)
        if each.part in CONVS and each.part not in convs(stage.qkv_projection_method):
            raise InterventionError("conv", each)
        for single in singles(each):
            place = single.stage, single.block, single.part, single.head
            if place in seen:
                raise InterventionError("twice", each)
            seen.add(place)


def singles(each: Intervention) -> tuple[Intervention, ...]:
    """The intervention, or those on the two branches of its block."""
    return (replace(each, part="attention"), replace(each, part="mlp")) if each.part == "block" else (each,)


def first_direct_block(interventions: Sequence[Intervention], config: CvtConfig) -> int:
    """The first block of the last stage whose attention still adds to the classifier's input directly; the depth if none does.

    A replaced residual connection cuts off all that was added before it.
    """
    last = [each for each in interventions if each.stage == config.num_stages - 1 and each.part in RESIDUALS]
    return max((each.block + (each.part == "mlp_residual") for each in last), default=0)
