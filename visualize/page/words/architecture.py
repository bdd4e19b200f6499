"""Names and explanations of an architecture's settings and presets, the paper's findings, and how much a variant inherits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from cvt.architecture.amounts import in_words
from cvt.architecture.inheritance import EXACTLY, UP_TO_ROUNDING

from .sentences import say

if TYPE_CHECKING:
    from cvt.architecture.inheritance import Report
    from cvt.architecture.presets import Published


class SettingTexts(NamedTuple):
    """A control's label; a sentence on its meaning; one on what arXiv 2103.15808 finds or, failing that, what the published models
    use."""

    label: str
    meaning: str
    paper: str


class PresetTexts(NamedTuple):
    """A preset's label; the question that it answers, if any; a sentence on what it shows; one to go with the paper's numbers."""

    label: str
    question: str
    meaning: str
    note: str = ""


SETTINGS = {
    "depth": SettingTexts(
        "Depth",
        "How many blocks of attention and MLP the stage has.",
        "CvT-13 has 1, 2 and 10 blocks in its stages, CvT-21 has 1, 4 and 16 (Table 2).",
    ),
    "num_heads": SettingTexts(
        "Heads",
        "How many attention patterns each block computes in parallel.",
        "CvT-13 has 1, 3 and 6 heads, so that each is 64 numbers wide (Table 2).",
    ),
    "embed_dim": SettingTexts(
        "Embedding width",
        "How many numbers describe each token.",
        "Widths grow from stage to stage: 64, 192, 384 in CvT-13 and 192, 768, 1024 in CvT-W24 (Table 2).",
    ),
    "mlp_ratio": SettingTexts(
        "MLP ratio",
        "How many times wider the MLP is than its tokens.",
        "Every model of Table 2 uses 4; the searched CvT-13-NAS has 2 in its first and last stages (Section 4.2).",
    ),
    "kernel_qkv": SettingTexts(
        "Projection kernel",
        "Side of the convolution before query, key and value, in tokens.",
        "Every model of Table 2 uses 3; a kernel of 1 could serve as the plain linear projection (Section 3.2.1).",
    ),
    "stride_kv": SettingTexts(
        "Key and value stride",
        "The distance, in tokens, between neighbouring keys and values.",
        "Stride 2 needs 4.53 instead of 6.55 GFLOPs and gives 81.6 instead of 82.3\u202f% top-1 (Table 7).",
    ),
    "qkv_projection_method": SettingTexts(
        "Projection",
        "What precedes the linear layers: a convolution, a mean, or nothing (linear).",
        "Convolutions in all three stages give 81.6\u202f% top-1, linear layers alone 80.6\u202f% (Table 8).",
    ),
    "patch_sizes": SettingTexts(
        "Embedding kernel",
        "Side of the convolution that makes this stage's tokens.",
        "7 in stage 1, then 3 (Table 2); without overlap, top-1 falls from 81.6 to 80.7\u202f% (Table 6).",
    ),
    "patch_stride": SettingTexts(
        "Embedding stride",
        "How much coarser this stage's grid is than what it reads.",
        "4 in stage 1, then 2 (Table 2), so that tokens become fewer as they become wider (Section 3.1).",
    ),
    "patch_padding": SettingTexts(
        "Embedding padding",
        "How many rows of zeros surround what the conv embedding reads.",
        "It is there for the borders (Section 3.1); the published models use 2 in stage 1, then 1.",
    ),
    "qkv_bias": SettingTexts(
        "Bias",
        "Whether the linear layers of query, key and value add a constant.",
        "The paper does not mention it; the published models have it.",
    ),
    "cls_token": SettingTexts(
        "cls token",
        "Whether the stage has a token that belongs to no place.",
        "Only the last stage has one, and the classifier reads it (Section 3).",
    ),
}
PRESETS = {
    "own": PresetTexts("This model", "", "The trained model as it is."),
    "cvt-13": PresetTexts(
        "CvT-13", "How large is CvT-13?", "The paper's small model: 13 blocks in three stages.", "Trained on ImageNet-1k at 224×224 pixels."
    ),
    "cvt-21": PresetTexts(
        "CvT-21",
        "What do 21 blocks cost?",
        "The paper's deeper model: 21 blocks, as wide as CvT-13.",
        "Trained on ImageNet-1k at 224×224 pixels.",
    ),
    "cvt-w24": PresetTexts(
        "CvT-W24",
        "How large is CvT-W24?",
        "The paper's wide model: 24 blocks of up to 1024 numbers per token.",
        "Pre-trained on ImageNet-22k. At 224×224 pixels it needs 60.86 billion (Table 2).",
    ),
    "linear": PresetTexts(
        "No conv projection",
        "What if q, k, v were only linear?",
        "Queries, keys and values come from linear layers alone, one key for every token.",
        "CvT-13 with linear projections in all stages.",
    ),
    "no-overlap": PresetTexts(
        "No overlap of patches",
        "What if patches did not overlap?",
        "Each conv embedding's kernel is as large as its stride, so that patches do not overlap.",
        "CvT-13 with non-overlapping patch embedding.",
    ),
    "kv-stride-1": PresetTexts(
        "Key and value stride 1",
        "What do fewer keys save?",
        "Every token has a key and a value.",
        "Both for CvT-13. The text beside the table speaks of a drop of 0.3\u202f% at stride 2.",
    ),
    "no-cls": PresetTexts("No cls token", "What if there were no cls token?", "The classifier reads the mean of the last stage's tokens."),
    "cls-everywhere": PresetTexts("cls token in every stage", "Why a cls token only at the end?", "Each stage has its own cls token."),
}


def setting_label(name: str) -> str:
    """The page's name for a setting or the input side."""
    return SETTINGS[name].label if name in SETTINGS else "Input"


def in_sentence(name: str) -> str:
    """The page's name for a field within a sentence."""
    return SETTINGS[name].label.lower() if name in SETTINGS else name


def value_words(value: Any) -> str:
    """A setting's value as text: "convolution", "on", "3", "7×3"."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, str):
        return {"dw_bn": "convolution", "avg": "mean"}.get(value, value)
    return "×".join(map(str, value)) if isinstance(value, tuple) else f"{value:g}"


def preset_note(name: str, published: Published | None) -> str:
    """What a preset shows, with the paper's numbers if it has any."""
    texts = PRESETS[name]
    return " ".join(part for part in (texts.meaning, published and paper(published), texts.note) if part)


def paper(published: Published) -> str:
    """The paper's numbers; for an ablation, next to the unchanged model's."""
    parameters, macs, top1 = published.normal or (None, None, None)
    rows = (
        ("paper_parameters", published.parameters, parameters),
        ("paper_macs", published.gmacs, macs),
        ("paper_top1", published.top1, top1),
    )
    numbers = []
    for key, value, before in rows:
        if value is not None:
            number = say(key, value=f"{value:g}", side=published.side)
            numbers.append(number if before in (None, value) else say("paper_instead", number=number, before=f"{before:g}"))
    return say("paper", table=published.table, numbers=", ".join(numbers))


def inherited(report: Report) -> str:
    """How much a variant inherits, and what that means for its prediction."""
    share = report.all
    if not share.copied + share.resized:
        return say("inherits_none", count=in_words(share.total)) + " " + say("classes_mean_nothing")
    resized = "inherited_resized_too" if share.copied else "inherited_resized"
    parts = (("inherited_copied", share.copied), (resized, share.resized), ("inherited_untrained", share.seeded))
    shares = [say(key, percent=_percent(number, share.total)) for key, number in parts if number]
    listed = " and ".join([*([", ".join(shares[:-1])] if shares[1:] else []), shares[-1]])
    return f"{listed[0].upper()}{listed[1:]}. {_meaning(report)}"


def _meaning(report: Report) -> str:
    if report.same == EXACTLY:
        return say("prediction_same")
    if report.same == UP_TO_ROUNDING:
        return say("prediction_rounded")
    if report.broken:
        return say(f"broken_{report.broken.part}", stage=report.broken.stage + 1) + " " + say("classes_mean_nothing")
    return say("prediction_disturbed" if report.all.seeded else "prediction_changed")


def _percent(number: int, total: int) -> str:
    """A share, never rounded to 0 or 100 %."""
    percent = 100 * number / total
    if number == total:
        return "100\u202f%"
    if percent < 0.1:
        return "less than 0.1\u202f%"
    if percent > 99.9:
        return "more than 99.9\u202f%"
    return f"{percent:.0f}\u202f%" if 1 <= percent < 99 else f"{percent:.1f}\u202f%"
