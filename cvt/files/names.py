"""Tensor names: Hugging Face's, used in memory and in its files, and the authors', used in theirs.

A table is a list of (our part, their part); translating replaces every part, in order. Read from right to left, the same
table translates back. Sources: the state dicts of Hugging Face's CvtForImageClassification and of the authors'
ConvolutionalVisionTransformer (github.com/microsoft/CvT).
"""

from __future__ import annotations

from torch import Tensor

PROJECTIONS = ("query", "key", "value")

MICROSOFT = [
    (".cvt.encoder.stages.", ".stage"),
    (".embedding.convolution_embeddings.projection.", ".patch_embed.proj."),
    (".embedding.convolution_embeddings.normalization.", ".patch_embed.norm."),
    (".layers.", ".blocks."),
    (".layernorm_before.", ".norm1."),
    (".layernorm_after.", ".norm2."),
    *[
        (f".attention.attention.convolution_projection_{p}.convolution_projection.convolution.", f".attn.conv_proj_{p[0]}.conv.")
        for p in PROJECTIONS
    ],
    *[
        (f".attention.attention.convolution_projection_{p}.convolution_projection.normalization.", f".attn.conv_proj_{p[0]}.bn.")
        for p in PROJECTIONS
    ],
    *[(f".attention.attention.projection_{p}.", f".attn.proj_{p[0]}.") for p in PROJECTIONS],
    (".attention.output.dense.", ".attn.proj."),
    (".intermediate.dense.", ".mlp.fc1."),
    (".output.dense.", ".mlp.fc2."),
    (".layernorm.", ".norm."),
    (".classifier.", ".head."),
]
SAME: list[tuple[str, str]] = []  # Hugging Face's files use the names used here

Table = list[tuple[str, str]]


def _translate(name: str, table: Table) -> str:
    name = f".{name}"  # so that every part begins with a dot
    for old, new in table:
        name = name.replace(old, new)
    return name[1:]


def to_theirs(name: str, table: Table) -> str:
    """The name that a file uses for the tensor called ``name`` here."""
    return _translate(name, table)


def to_ours(name: str, table: Table) -> str:
    """The name used here for the tensor that a file calls ``name``; unknown parts stay."""
    return _translate(name, [(theirs, ours) for ours, theirs in table])


def table_of(state: dict[str, Tensor]) -> Table:
    """The table for a file's names; the authors' names start with "stage0."."""
    return MICROSOFT if any(name.startswith("stage0.") for name in state) else SAME
