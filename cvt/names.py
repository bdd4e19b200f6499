"""Names of tensors: short ones in memory, Hugging Face's or the authors' in files.

A table is a list of (our part, their part); a name is translated by replacing every part, in order. Read from right to left
the same table translates back. Sources: the state dicts of Hugging Face's CvtForImageClassification and of the authors'
ConvolutionalVisionTransformer (github.com/microsoft/CvT).
"""

from __future__ import annotations

from torch import Tensor

PROJECTIONS = ("query", "key", "value")

HUGGING_FACE = [
    (".stages.", ".encoder.stages."),
    (".embedding.", ".embedding.convolution_embeddings."),
    *[
        (f".attention.convolution_{p}.", f".attention.attention.convolution_projection_{p}.convolution_projection.")
        for p in PROJECTIONS
    ],
    *[(f".attention.{p}.", f".attention.attention.projection_{p}.") for p in PROJECTIONS],
    (".attention.output.", ".attention.output.dense."),
    (".mlp.intermediate.", ".intermediate.dense."),
    (".mlp.output.", ".output.dense."),
]  # fmt: skip

MICROSOFT = [
    (".cvt.stages.", ".stage"),
    (".embedding.projection.", ".patch_embed.proj."),
    (".embedding.normalization.", ".patch_embed.norm."),
    (".layers.", ".blocks."),
    (".layernorm_before.", ".norm1."),
    (".layernorm_after.", ".norm2."),
    *[(f".attention.convolution_{p}.convolution.", f".attn.conv_proj_{p[0]}.conv.") for p in PROJECTIONS],
    *[(f".attention.convolution_{p}.normalization.", f".attn.conv_proj_{p[0]}.bn.") for p in PROJECTIONS],
    *[(f".attention.{p}.", f".attn.proj_{p[0]}.") for p in PROJECTIONS],
    (".attention.output.", ".attn.proj."),
    (".mlp.intermediate.", ".mlp.fc1."),
    (".mlp.output.", ".mlp.fc2."),
    (".layernorm.", ".norm."),
    (".classifier.", ".head."),
]

Table = list[tuple[str, str]]


def _translate(name: str, table: Table) -> str:
    name = f".{name}"  # so that every part begins with a dot
    for old, new in table:
        name = name.replace(old, new)
    return name[1:]


def to_theirs(name: str, table: Table) -> str:
    """The name in a file of a tensor that is called ``name`` here."""
    return _translate(name, table)


def to_ours(name: str, table: Table) -> str:
    """The name here of a tensor that a file calls ``name``; unchanged where no part of it is known."""
    return _translate(name, [(theirs, ours) for ours, theirs in table])


def table_of(state: dict[str, Tensor]) -> Table:
    """The table for a file's names: the authors' begin with "stage0.", Hugging Face's have "encoder" in them."""
    return MICROSOFT if any(name.startswith("stage0.") for name in state) else HUGGING_FACE
