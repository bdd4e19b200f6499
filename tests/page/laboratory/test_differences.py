"""Sentences on a variant's differences, checked against the costs of one change at a time."""

import re

import pytest
from hypothesis import HealthCheck, assume, given, settings

from cvt.architecture.cost import cost
from cvt.architecture.variants import architecture, stage_changes
from cvt.config import PUBLISHED, CvtConfig
from tests.strategies import stages
from visualize.page.laboratory.differences import STAGES, differences
from visualize.page.words.laboratory import amount_change, difference

CVT_13 = CvtConfig(**PUBLISHED["CvT-13"])
FEW = settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


def told(*stages, base=CVT_13, side=224, base_side=None):
    """The sentences on what differs."""
    return [difference(each) for each in differences(architecture(base, stages or [{}] * base.num_stages), base, side, base_side)]


def test_nothing_differs():
    assert told() == []


def test_a_stride_says_what_it_does_to_attention_cost_and_weights():
    coarser = told({"stride_kv": 4}, {}, {})
    before, after = cost(CVT_13, 224, 224), cost(CVT_13.replace(stride_kv=(4, 2, 2)), 224, 224)
    assert after.stages[0].attention_entries * 4 == before.stages[0].attention_entries
    percent = round(100 * (before.macs - after.macs) / before.macs, 1)
    assert coarser == [
        "Key and value stride 2 → 4 in stage 1: attention weights there 4× fewer, "
        f"multiply-adds in all −{percent}\u202f%, parameters unchanged."
    ]


def test_stages_that_change_alike_share_a_sentence():
    assert [each.split(":")[0] for each in told({"stride_kv": 1}, {"stride_kv": 1}, {"stride_kv": 1})] == [
        "Key and value stride 2 → 1 in all stages"
    ]
    assert [each.split(":")[0] for each in told({"qkv_bias": False}, {}, {"qkv_bias": False})] == ["Bias on → off in stages 1 and 3"]
    assert len(told({"stride_kv": 1}, {"stride_kv": 3}, {})) == 2


def test_each_change_is_costed_alone():
    together = told({"stride_kv": 1}, {"mlp_ratio": 2.0}, {"depth": 5})
    assert sorted(together) == sorted(told({"stride_kv": 1}, {}, {}) + told({}, {"mlp_ratio": 2.0}, {}) + told({}, {}, {"depth": 5}))


def test_a_padding_that_follows_its_kernel_is_no_change_of_its_own():
    assert len(told({"patch_sizes": 9}, {}, {})) == 1
    both = told({"patch_sizes": 9, "patch_padding": 2}, {}, {})
    assert [each.split(" in stage")[0] for each in both] == ["Embedding kernel 7 → 9", "Embedding padding 3 → 2"]
    kernel, padding = (cost(architecture(CVT_13, [{"patch_sizes": 9, **more}, {}, {}]), 224, 224) for more in ({}, {"patch_padding": 2}))
    assert f"multiply-adds in all −{100 * (1 - padding.macs / kernel.macs):.1f}\u202f%, parameters unchanged." in both[1]


def test_what_cannot_be_changed_alone_says_so():
    heads, width = told({}, {}, {"num_heads": 5, "embed_dim": 320})
    assert heads == "Heads 6 → 5 in stage 3: possible only together with other changes."
    assert width == "Embedding width 384 → 320 in stage 3: possible only together with other changes."


def test_stages_that_come_and_go():
    (gone,) = told({}, {})
    before, after = cost(CVT_13, 224, 224), cost(architecture(CVT_13, [{}, {}]), 224, 224)
    assert gone.startswith("Stage 3 is gone: attention weights")
    assert f"parameters {before.parameters / after.parameters:.0f}× fewer" in gone
    (new,) = told({}, {}, {}, {"depth": 2})
    assert new.startswith("Stage 4 is new (depth 2, width 768): ")
    many = told({}, base=CVT_13)
    assert many[0].startswith("Stages 2 and 3 are gone")


def test_an_input_side_is_a_change_too():
    larger = told(side=448, base_side=224)
    assert larger == ["Input side 224 → 448: attention weights 16× as many, multiply-adds in all 5.3× as many, parameters unchanged."]
    assert round(cost(CVT_13, 448, 448).macs / cost(CVT_13, 224, 224).macs, 1) == 5.3


@pytest.mark.parametrize(
    ("new", "old", "words"),
    [
        (5, 5, "unchanged"),
        (1000, 500, "2× as many"),
        (500, 1000, "2× fewer"),
        (250, 100, "2.5× as many"),
        (1_600, 100, "16× as many"),
        (110, 100, "+10\u202f%"),
        (99, 100, "−1.0\u202f%"),
        (100_001, 100_000, "up by less than 0.1\u202f%"),
        (99_999, 100_000, "down by less than 0.1\u202f%"),
        (1990, 1000, "+99\u202f%"),
        (5, 0, "from none"),
        (0, 5, "gone"),
    ],
)
def test_a_change_is_never_rounded_to_nothing(new, old, words):
    assert amount_change(new, old) == words


@FEW
@given(stages=stages())
def test_any_architecture_is_told_in_true_sentences(stages):
    try:
        config = architecture(CVT_13, stages)
    except ValueError:
        assume(False)
    found = differences(config, CVT_13, 224)
    changed = [(name, stage) for stage, changes in enumerate(stage_changes(config, CVT_13)[:3]) for name in changes]
    assert sorted((each.name, stage) for each in found if each.name != STAGES for stage in each.stages) == sorted(changed)
    assert bool(found) == (config != CVT_13)
    for sentence in map(difference, found):
        assert sentence.endswith(".")
        assert len(sentence) < 220
        assert not re.search(r"None|nan|inf\b|dw_bn|\{", sentence)


def test_values_tell_what_changed_where_and_what_it_costs():
    (stride,) = differences(architecture(CVT_13, [{"stride_kv": 4}, {}, {}]), CVT_13, 224)
    assert (stride.name, stride.stages, stride.old, stride.new, stride.everywhere) == ("stride_kv", (0,), 2, 4, False)
    assert stride.before.attention_entries == 4 * stride.after.attention_entries
    assert stride.after.macs == cost(CVT_13.replace(stride_kv=(4, 2, 2)), 224, 224).macs
    gone, _ = differences(architecture(CVT_13, [{}, {"stride_kv": 1}]), CVT_13, 224)
    assert (gone.name, gone.stages, gone.old, gone.new) == (STAGES, (2,), ((10, 384),), ())
