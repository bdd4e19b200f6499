"""The members of the family: one architecture, and for each member one change to it and the question that the change answers.

The architecture is CvT-13's with less of everything: 64 pixels as in Tiny ImageNet, grids of 32², 16² and 8² tokens, 48 channels per
head, and an MLP of twice the width, which leaves about 1.6 million parameters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ..config import CvtConfig

SIDE = 64  # of the pictures, in pixels
ARCHITECTURE: dict[str, Any] = {
    "patch_sizes": (5, 3, 3),
    "patch_stride": (2, 2, 2),
    "patch_padding": (2, 1, 1),
    "embed_dim": (48, 96, 192),
    "num_heads": (1, 2, 4),
    "depth": (1, 2, 4),
    "mlp_ratio": 2.0,
    "drop_path_rate": 0.0,
    "initializer_range": 0.03,  # as for the embedded model
    "image_size": SIDE,
}


@dataclass(frozen=True)
class Member:
    """One model of the family.

    Attributes:
        question: what its comparison with the baseline answers. changes: fields of the config that differ from ``ARCHITECTURE``.
    """

    name: str
    title: str
    question: str
    changes: dict[str, Any] = field(default_factory=dict)

    def config(self, classes: Sequence[str]) -> CvtConfig:
        """Its config, for these classes in their order."""
        return CvtConfig(**{**ARCHITECTURE, **self.changes, "id2label": dict(enumerate(classes))})


BASELINE = "baseline"
SHIPPED_SEED = 0  # of the models that are part of this project; chosen before training, so that no result chooses it
FAMILY: tuple[Member, ...] = (
    Member(BASELINE, "CvT as it is", "How well does a small CvT do with nothing changed?"),
    Member(
        "linear",
        "No conv projection",
        "Does attention need convolutions before its queries, keys and values?",
        {"qkv_projection_method": "linear"},
    ),
    Member(
        "no-overlap",
        "Patches that do not overlap",
        "Does it matter that neighbouring tokens share pixels?",
        {"patch_sizes": 2, "patch_padding": 0},
    ),
    Member(
        "kv-stride-1",
        "A key for every token",
        "Is accuracy lost because keys and values lie on a coarser grid?",
        {"stride_kv": 1},
    ),
    Member(
        "cls-first",
        "A cls token from the first stage",
        "Would a cls token that goes through all stages see more?",
        {"cls_token": True, "carry_cls_token": True},
    ),
    Member(
        "mean",
        "The mean instead of a cls token",
        "Does the classifier need a token of its own?",
        {"cls_token": False},
    ),
    Member(
        "positions",
        "Positions added",
        "Would a CvT gain from being told where each token is?",
        {"position_embedding": True},
    ),
    Member(
        "circular",
        "Zero padding replaced",
        "Does a CvT learn where things are from the zeros around the picture?",
        {"padding_mode": "circular"},
    ),
)
MEMBERS = {member.name: member for member in FAMILY}


def chosen(names: str | None) -> tuple[Member, ...]:
    """Members by their names, separated by commas, in the family's order; all if None.

    Raises:
        ValueError: no member of that name.
    """
    if names is None:
        return FAMILY
    wanted = [name.strip() for name in names.split(",")]
    for name in wanted:
        if name not in MEMBERS:
            raise ValueError(f"There is no member {name!r}: choose among {', '.join(MEMBERS)}.")
    return tuple(member for member in FAMILY if member.name in wanted)
