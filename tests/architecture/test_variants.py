"""Variants of an architecture, the budget that they must keep, seeded builds, and the cache of the last ones."""

import json
import math
import pickle
import re
import threading
from contextlib import suppress
from functools import cache

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cvt.architecture.amounts import in_bytes, in_words
from cvt.architecture.budget import Excess, Limits, TooLarge, refuse_if_too_large
from cvt.architecture.build import build_variant
from cvt.architecture.cost import cost
from cvt.architecture.settings import INPUT_SIDES, SETTINGS
from cvt.architecture.variants import architecture, stage_changes, stage_settings, variant
from cvt.config import PUBLISHED, CvtConfig
from cvt.fields import ConfigError, Remedy
from cvt.model import CvtForImageClassification
from tests.strategies import anything, stages

CVT_13 = CvtConfig(**PUBLISHED["CvT-13"])


def test_a_change_touches_its_field_and_stage_alone():
    changed = variant(CVT_13, {1: {"depth": 5, "stride_kv": 1}, 2: {"num_heads": 12}})
    assert changed == CVT_13.replace(depth=(1, 5, 10), stride_kv=(2, 1, 2), num_heads=(1, 3, 12))
    assert variant(CVT_13, {}) == CVT_13
    assert variant(CVT_13, {0: {"depth": 1}, 2: {}}) == CVT_13


@pytest.mark.parametrize("kernel", SETTINGS["kernel_qkv"].values)
def test_paddings_follow_the_projections_kernel_so_that_grids_stay(kernel):
    changed = variant(CVT_13, {2: {"kernel_qkv": kernel}})
    assert changed.padding_q == changed.padding_kv == (1, 1, kernel // 2)
    assert changed.grids(224, 160) == CVT_13.grids(224, 160)


@pytest.mark.parametrize("stride", [1, 2, 3, 4])
@pytest.mark.parametrize("kernel", [1, 2, 3, 5, 7, 16])
def test_paddings_follow_the_embedding_so_that_the_grid_is_the_input_divided_by_the_stride(kernel, stride):
    changed = variant(CVT_13, {0: {"patch_sizes": kernel, "patch_stride": stride}})
    exact = 48 // stride  # of an input that every stride here divides
    one_more = stride == 1 and kernel % 2 == 0  # there is no middle to such a kernel
    assert changed.grids(48, 48)[0][0] == (exact + one_more, exact + one_more)


def test_a_setting_is_idle_where_a_variant_of_it_computes_the_same():
    """Of all settings with all projections: the same shapes of weights, cost and outputs, whatever its value."""
    sizes = {"embed_dim": (16,), "num_heads": (2,), "depth": (1,), "patch_sizes": (3,), "patch_stride": (2,), "patch_padding": (1,)}
    base = CvtConfig(**sizes, cls_token=(False,), num_labels=3)
    others = {"depth": 2, "num_heads": 4, "embed_dim": 32, "mlp_ratio": 2.0, "kernel_qkv": 5, "stride_kv": 1, "patch_sizes": 5}
    others |= {"patch_stride": 4, "patch_padding": 0, "qkv_bias": False, "cls_token": True}
    x = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))

    def computed(config):
        torch.manual_seed(0)
        model = CvtForImageClassification(config).eval()
        with torch.no_grad():
            return {name: value.shape for name, value in model.state_dict().items()}, model(x).logits

    for method in SETTINGS["qkv_projection_method"].values:
        of_method = variant(base, {0: {"qkv_projection_method": method}})
        shapes, logits = computed(of_method)
        for name, value in others.items():
            changed = variant(of_method, {0: {name: value}})
            assert getattr(changed, name) != getattr(of_method, name)
            other_shapes, other_logits = computed(changed)
            same = other_shapes == shapes and torch.equal(other_logits, logits) and cost(changed, 32, 32) == cost(of_method, 32, 32)
            assert same == (SETTINGS[name].idle == ("qkv_projection_method", method)), (method, name)


def test_the_published_paddings_are_what_follows_from_kernel_and_stride():
    for stage in range(3):
        kernel = CVT_13.patch_sizes[stage]
        other = variant(CVT_13, {stage: {"patch_sizes": kernel + 2}})
        assert variant(other, {stage: {"patch_sizes": kernel}}) == CVT_13


def test_a_given_padding_is_kept():
    assert variant(CVT_13, {0: {"patch_sizes": 4, "patch_padding": 0}}).patch_padding == (0, 1, 1)


def test_numbers_as_sliders_give_them_become_whole():
    changed = variant(CVT_13, {0: {"depth": 3.0, "embed_dim": 128.0}})
    assert changed.depth == (3, 2, 10)
    assert all(type(each) is int for each in (*changed.depth, *changed.embed_dim))


def test_a_base_keeps_values_that_the_sliders_do_not_offer():
    base = CVT_13.replace(depth=(1, 2, 40), embed_dim=(65, 192, 384))
    assert variant(base, {2: {"depth": 40}, 0: {"embed_dim": 65, "depth": 2}}).depth == (2, 2, 40)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({3: {"depth": 2}}, ["stage 4", "has 3"]),
        ({-1: {"depth": 2}}, ["stage 0"]),
        ({0: {"width": 2}}, ["'width'", "embed_dim"]),
        ({0: {"drop_rate": 0.5}}, ["'drop_rate'"]),
        ({0: {"depth": 10**9}}, ["depth of stage 1", "from 1 to 24"]),
        ({0: {"depth": 1.5}}, ["1.5", "whole number"]),
        ({1: {"depth": True}}, ["True"]),
        ({0: {"depth": None}}, ["None"]),
        ({0: {"depth": [3]}}, ["[3]"]),
        ({0: {"depth": "3"}}, ["'3'"]),
        ({0: {"depth": float("nan")}}, ["nan"]),
        ({0: {"kernel_qkv": 4}}, ["one of 1, 3, 5, 7"]),
        ({0: {"cls_token": 7}}, ["7", "False, True"]),
        ({0: {"qkv_projection_method": "mean"}}, ["'mean'", "dw_bn"]),
        ({2: {"num_heads": 5}}, ["stage 3", "384", "num_heads 4", "multiple of 5"]),
        ({0: {"kernel_qkv": 3, "padding_q": 0}}, ["padding_q"]),
    ],
)
def test_what_cannot_be_is_refused_in_words_that_name_it_and_the_remedy(changes, words):
    with pytest.raises(ValueError) as error:  # noqa: PT011 (the words are checked below)
        variant(CVT_13, changes)
    assert all(word in str(error.value) for word in words), error.value
    assert str(error.value).endswith(".")


def changes_of_any_kind():
    """Of all settings; but of few blocks, as all that are counted after the first are alike."""

    def change(setting):
        values = [value for value in setting.values if setting.name != "depth" or value <= 4]
        return st.tuples(st.just(setting.name), st.sampled_from(values))

    one = st.sampled_from(list(SETTINGS.values())).flatmap(change)
    return st.dictionaries(st.integers(0, 2), st.lists(one, max_size=4).map(dict), max_size=3)


@settings(max_examples=12, deadline=None, derandomize=True)
@given(walk=st.lists(changes_of_any_kind(), min_size=1, max_size=3))
def test_a_walk_over_the_sliders_ends_in_a_model_that_runs_or_in_a_sentence(walk):
    config = CvtConfig(depth=1, embed_dim=(16, 32, 48), num_heads=(1, 2, 3), num_labels=5)
    for changes in walk:
        with suppress(ValueError):
            config = variant(config, changes)
    try:
        expected = cost(config, 64, 48)
    except ValueError:
        return
    with torch.device("meta"):
        model = CvtForImageClassification(config).eval()
        assert model(torch.zeros(1, 3, 64, 48)).logits.shape == (1, 5)
    assert sum(parameter.numel() for parameter in model.parameters()) == expected.parameters


def test_within_the_limits_the_cost_comes_back():
    expected = cost(CVT_13, 224, 224)
    limits = {"max_macs": expected.macs, "max_parameters": expected.parameters, "max_memory": expected.memory_bytes}
    assert refuse_if_too_large(CVT_13, 224, 224, **limits) == expected
    assert refuse_if_too_large(CVT_13, 224, 224) == expected
    for name, value in limits.items():
        with pytest.raises(ValueError, match="at most"):
            refuse_if_too_large(CVT_13, 224, 224, **{name: value - 1})


def brute_force(config, height, width, limits):
    """The single change with the smallest ratio that fits, by trying every value of every setting that makes it cheaper."""
    best = None
    for setting in SETTINGS.values():
        for stage in range(config.num_stages):
            now = getattr(config, setting.name)[stage]
            for value in setting.values if setting.cheaper else ():
                if (value - now) * setting.cheaper <= 0:
                    continue
                try:
                    refuse_if_too_large(variant(config, {stage: {setting.name: value}}), height, width, **limits)
                except ValueError:
                    continue
                ratio = max(value / now, now / value)
                if best is None or ratio < best[0] - 1e-12:
                    best = (ratio, setting.name, value, now, stage + 1)
    return best


@pytest.mark.parametrize(
    "limits",
    [{"max_macs": 4_000_000_000}, {"max_macs": 2_500_000_000}, {"max_parameters": 15_000_000}, {"max_memory": 60_000_000}],
)
def test_too_large_names_the_nearest_setting_that_fits(limits):
    _, label, value, now, stage = brute_force(CVT_13, 224, 224, limits)
    with pytest.raises(ValueError, match=f"fits: {label} {value} instead of {now} in stage {stage}\\.$"):
        refuse_if_too_large(CVT_13, 224, 224, **limits, input_fixed=True)


def test_where_no_single_setting_is_enough_several_are_named_and_they_fit():
    with pytest.raises(ValueError, match=r"fits: depth 1, 1, 3 and embed_dim 16, 48, 144 in stages 1 to 3\.$"):
        refuse_if_too_large(CVT_13, 224, 224, max_macs=300_000_000, input_fixed=True)
    small = CVT_13.replace(depth=(1, 1, 3), embed_dim=(16, 48, 144))
    refuse_if_too_large(small, 224, 224, max_macs=300_000_000)


def test_where_only_the_input_is_too_large_a_smaller_one_is_named_and_it_fits():
    tiny = CvtConfig(depth=1, embed_dim=(16, 48, 96), num_heads=(1, 3, 6))
    limit = cost(tiny, 240, 320).macs
    with pytest.raises(ValueError, match=r"smaller input: 224×299 pixels instead of 3000×4000\.$"):
        refuse_if_too_large(tiny, 3000, 4000, max_macs=limit)
    refuse_if_too_large(tiny, 224, 299, max_macs=limit)


def test_a_hopeless_limit_is_still_one_sentence():
    with pytest.raises(ValueError, match="choose another model"):
        refuse_if_too_large(CVT_13, 224, 224, max_parameters=10)


def test_an_absurd_model_is_refused_at_once_and_nothing_is_allocated():
    absurd = CvtConfig(depth=(10**6,) * 3, embed_dim=(10**6,) * 3, num_heads=1)
    with pytest.raises(ValueError, match="trillion"):
        refuse_if_too_large(absurd, 224, 224, max_macs=10**10)


def test_amounts_have_three_digits():
    assert [in_words(each) for each in (0, 950, 999_600, 12_345, 4_566_089_216, 10**15)] == [
        "0", "950", "1.00 million", "12.3 thousand", "4.57 billion", "1,000 trillion",
    ]  # fmt: skip
    assert [in_bytes(each) for each in (12, 12_345_678, 999_900_000)] == ["12 bytes", "12.3 MB", "1.00 GB"]


def small(**changes):
    fields = {"depth": (1, 1, 2), "embed_dim": (8, 16, 24), "num_heads": (1, 2, 3), "drop_path_rate": 0.0, "num_labels": 5}
    return CvtConfig(**{**fields, **changes})


def test_a_seed_fixes_the_weights_whatever_the_global_random_numbers_do():
    torch.manual_seed(1)
    first = build_variant(small(), seed=7)
    torch.manual_seed(2)
    before = torch.random.get_rng_state()
    again, other = build_variant(small(), seed=7), build_variant(small(), seed=8)
    assert torch.equal(torch.random.get_rng_state(), before)
    for (name, value), same, different in zip(
        first.state_dict().items(), again.state_dict().values(), other.state_dict().values(), strict=True
    ):
        assert torch.equal(value, same)
        if value.ndim > 1:  # what is drawn; the rest starts at 0 or 1
            assert not torch.equal(value, different), name


def test_a_built_variant_has_the_initialisation_of_the_model():
    torch.manual_seed(0)
    built, plain = build_variant(small(drop_path_rate=0.5)), CvtForImageClassification(small(drop_path_rate=0.5))
    assert not any(module.training for module in built.modules())
    for (name, value), other in zip(built.state_dict().items(), plain.state_dict().values(), strict=True):
        assert value.device.type == "cpu"
        assert value.dtype == other.dtype
        if value.ndim < 2:
            assert torch.equal(value, other), name
        elif value.numel() > 500:
            assert float(value.std()) == pytest.approx(float(other.std()), rel=0.15), name
    assert all(parameter.requires_grad for parameter in built.parameters())
    buffers = dict(plain.named_buffers())
    assert all(torch.equal(value, buffers[name]) for name, value in built.named_buffers())  # drop path rates are in no state dict
    with torch.inference_mode():
        assert built(torch.rand(2, 3, 32, 40)).logits.isfinite().all()


def test_many_threads_build_at_once_and_each_gets_its_seeds_weights():
    expected = [build_variant(small(), seed).state_dict() for seed in range(4)]
    wrong, stop = [], threading.Event()

    def build(seed):
        for _ in range(4):
            state = build_variant(small(), seed).state_dict()
            if not all(torch.equal(value, expected[seed][name]) for name, value in state.items()):
                wrong.append(seed)

    def disturb():
        while not stop.is_set():
            if torch.rand(3).device.type != "cpu":
                wrong.append("another thread's tensors went to the meta device")

    threads = [threading.Thread(target=build, args=(seed,)) for seed in range(4)]
    noise = threading.Thread(target=disturb)
    for thread in (noise, *threads):
        thread.start()
    for thread in threads:
        thread.join()
    stop.set()
    noise.join()
    assert not wrong


def test_an_architecture_has_as_many_stages_as_are_given():
    assert architecture(CVT_13, [{}, {}, {}]) == CVT_13
    two = architecture(CVT_13, [{}, {"depth": 5}])
    assert (two.depth, two.embed_dim, two.cls_token, two.num_stages) == ((1, 5), (64, 192), (False, False), 2)
    assert two.id2label == CVT_13.id2label
    four = architecture(CVT_13, [{}, {}, {}, {"stride_kv": 1}])
    assert (four.depth[3], four.embed_dim[3], four.num_heads[3], four.cls_token) == (1, 768, 12, (False, False, True, False))
    assert (four.patch_sizes[3], four.patch_stride[3], four.patch_padding[3], four.stride_kv[3]) == (3, 2, 1, 1)
    one = CvtConfig(depth=(1,), embed_dim=(300,), num_heads=(3,))
    grown = architecture(one, [{}] * 4)
    assert (grown.embed_dim, grown.num_heads) == ((300,) * 4, (3,) * 4)  # 600 is not among the widths
    assert architecture(one.replace(embed_dim=(288,)), [{}] * 3).embed_dim == (288, 576, 576)  # and 1152 neither


def test_full_settings_are_taken_back_as_they_are():
    odd = CVT_13.replace(
        depth=(1, 2, 40), embed_dim=(65, 192, 384), patch_sizes=((7, 5), 3, 3), patch_padding=((2, 1), 0, 1), mlp_ratio=1.7
    )
    for config in (CVT_13, odd, architecture(CVT_13, [{}] * 4)):
        full = stage_settings(config)
        assert architecture(config, full) == config
        assert architecture(config, json.loads(json.dumps(full))) == config  # pairs come as lists
        assert stage_changes(config, config) == [{}] * config.num_stages


def test_an_explicit_padding_stays_and_others_follow():
    assert architecture(CVT_13, [{"patch_sizes": 11}, {}, {}]).patch_padding == (4, 1, 1)
    assert architecture(CVT_13, [{"patch_sizes": 11, "patch_padding": 2}, {}, {}]).patch_padding == (2, 1, 1)
    assert architecture(CVT_13, [{}, {"patch_padding": 0}, {}]).patch_padding == (2, 0, 1)
    assert architecture(CVT_13, [{"kernel_qkv": 5}, {}, {}]).padding_kv == (2, 1, 1)


def test_a_class_token_can_be_in_any_stage():
    config = architecture(CVT_13, [{"cls_token": True}, {"cls_token": True}, {}])
    assert build_variant(config.replace(depth=1))(torch.rand(1, 3, 64, 64)).logits.shape == (1, 1000)


@pytest.mark.parametrize(
    ("stages", "words"),
    [
        ([], "1 to 4 stages"),
        ([{}] * 5, "1 to 4 stages"),
        (None, "1 to 4 stages"),
        ("abc", "1 to 4 stages"),
        ({0: {}}, "1 to 4 stages"),
        (7, "1 to 4 stages"),
        ([{}, 3], "Stage 2 is 3"),
        ([None], "Stage 1 is None"),
        ([{"depth": True}], "depth of stage 1 cannot be True"),
        ([{"cls_token": 1}], "cls_token of stage 1 cannot be 1: choose one of False, True"),
        ([{"depth": float("inf")}], "cannot be inf"),
        ([{"depth": 10**6000}], "depth of stage 1 cannot be"),
        ([{"qkv_projection_method": "x" * 10**6}], "cannot be 'xxx"),
        ([{"patch_sizes": [7, 7, 7]}], "patch_sizes of stage 1"),
        ([{"padding_q": 1}], "'padding_q' is not a setting"),
        ([{"a" * 10**5: 1}], "is not a setting"),
        ([{7: 1}], "7 is not a setting"),
        ([{"embed_dim": 64, "num_heads": 7}], "not divisible by 7 heads"),
    ],
)
def test_untrusted_values_is_refused_in_a_short_sentence(stages, words):
    with pytest.raises(ValueError) as error:  # noqa: PT011 (the words are checked below)
        architecture(CVT_13, stages)
    assert words in str(error.value)
    assert len(str(error.value)) < 300
    assert str(error.value).endswith(".")


@settings(max_examples=100, deadline=None, derandomize=True)
@given(stages=anything() | st.lists(st.dictionaries(st.sampled_from(list(SETTINGS)), anything(), max_size=3), max_size=5))
def test_anything_at_all_makes_an_architecture_or_a_sentence(stages):
    with suppress(ValueError):
        config = architecture(CVT_13, stages)
        assert architecture(CVT_13, stage_settings(config)) == config


@settings(max_examples=70, deadline=None, derandomize=True)
@given(stages=stages())
def test_the_least_changes_make_the_same_architecture(stages):
    with suppress(ValueError):
        config = architecture(CVT_13, stages)
        changes = stage_changes(config, CVT_13)
        assert architecture(CVT_13, changes) == config
        for index, stage in enumerate(changes):
            for name in stage:
                less = [dict(each) for each in changes]
                del less[index][name]
                with suppress(ValueError):
                    assert architecture(CVT_13, less) != config


@cache
def neighbours(pickled, side):
    """All that one setting away can be built: how far away, by which setting, and its cost."""
    config = pickle.loads(pickled)
    found = [(abs(math.log(value / side)), Remedy(None, "side", value), config, value) for value in INPUT_SIDES if value < side]
    for stage, own in enumerate(stage_settings(config)):
        for name, setting in SETTINGS.items():
            for value in setting.values:
                with suppress(ValueError):
                    if value != own[name]:
                        changed = variant(config, {stage: {name: value}})
                        found.append((distance(value, own[name]), Remedy(stage, name, value), changed, side))
    costs = []
    for away, remedy, changed, input_side in found:
        with suppress(ValueError):  # too small an input
            costs.append((away, remedy, cost(changed, input_side, input_side)))
    return costs


def nearest(config, side, limits):
    """The single settings that fit, by trying every value of every setting of every stage, and every input side."""
    allowed = Limits(**{name.removeprefix("max_"): limits.get(name) for name in LIMITS})
    return [(away, remedy) for away, remedy, costs in neighbours(pickle.dumps(config), side) if allowed.exceeded(costs) is None]


def distance(value, now):
    if isinstance(now, (bool, str)):
        return math.log(2)
    return abs(math.log(value / now)) if value and now else abs(math.log((value + 1) / (now + 1)))


def fits(config, side, limits):
    try:
        return Limits(**{name.removeprefix("max_"): limits.get(name) for name in LIMITS}).exceeded(cost(config, side, side)) is None
    except ValueError:  # too small an input
        return False


LIMITS = {"max_macs": "macs", "max_parameters": "parameters", "max_memory": "memory_bytes"}
# few classes, so that trying every value is quick
SMALL_13 = CVT_13.replace(num_labels=10)
LAB = architecture(SMALL_13, [{"depth": 3}, {"cls_token": True}, {"kernel_qkv": 5}, {"patch_stride": 1, "depth": 2}])


@pytest.mark.parametrize("share", [0.999, 0.9, 0.6, 0.3])
@pytest.mark.parametrize("limit", LIMITS)
@pytest.mark.parametrize(
    "config", [SMALL_13, LAB, architecture(SMALL_13, [{"depth": 4}])], ids=["three stages", "four stages", "one stage"]
)
def test_the_remedy_fits_and_nothing_nearer_does(config, limit, share):
    limits = {limit: int(share * getattr(cost(config, 224, 224), LIMITS[limit]))}
    with pytest.raises(TooLarge) as error:
        refuse_if_too_large(config, 224, 224, **limits)
    remedy, others = error.value.remedy, nearest(config, 224, limits)
    if remedy is None:
        assert not others
        assert "No single setting is enough" in str(error.value) or "choose another model" in str(error.value)
        return
    assert remedy in [each for _, each in others]
    own = 224 if remedy.stage is None else getattr(config, remedy.name)[remedy.stage]
    assert distance(remedy.value, own) == pytest.approx(min(each for each, _ in others))
    label = "input side" if remedy.stage is None else remedy.name
    assert f"The nearest setting that fits: {label} " in str(error.value)


def test_the_input_is_not_named_where_it_is_fixed():
    limits = {"max_macs": cost(CVT_13, 192, 192).macs}
    with pytest.raises(TooLarge, match="input side 192 instead of 224"):
        refuse_if_too_large(CVT_13, 224, 224, **limits)
    with pytest.raises(TooLarge) as error:
        refuse_if_too_large(CVT_13, 224, 224, **limits, input_fixed=True)
    assert error.value.remedy.stage is not None


def test_what_is_too_large_in_every_way_gets_a_smaller_input_and_a_smaller_model_together():
    most = architecture(SMALL_13, [{"depth": 24, "embed_dim": 1024, "num_heads": 16, "patch_stride": 2}] * 4)
    with pytest.raises(TooLarge, match=r"This fits: input side \d+, depth 1, 1, 1, 1 and embed_dim [0-9, ]+ in stages 1 to 4\.$") as error:
        refuse_if_too_large(most, 512, 512, max_macs=10**9)
    side, widths = re.search(r"input side (\d+), .* embed_dim ([0-9, ]+) in", str(error.value)).groups()
    small = most.replace(depth=1, embed_dim=[int(width) for width in widths.split(", ")])
    assert fits(small, int(side), {"max_macs": 10**9})
    first, *rest = error.value.together  # the same, setting by setting
    assert (first.stage, first.name, first.value) == (None, "side", int(side))
    changes = {stage: {each.name: each.value for each in rest if each.stage == stage} for stage in range(4)}
    assert variant(most, changes) == small


def test_a_refusal_looks_at_few_hundred_configurations(monkeypatch):
    most = architecture(CVT_13, [{"depth": 24, "embed_dim": 1024, "num_heads": 16, "mlp_ratio": 8.0, "patch_stride": 2}] * 4)
    looked = []
    monkeypatch.setattr("cvt.architecture.budget.cost", lambda *given: looked.append(given) or cost(*given))
    with pytest.raises(TooLarge):
        refuse_if_too_large(most, 512, 512, 10**10, 150 * 10**6, 2 << 30)
    assert len(looked) < 500


REFUSED = [  # changes of one stage of CVT_13 → what of it cannot be, and what would do
    ({"num_heads": 5}, 2, "embed_dim", 384, ("num_heads", 4)),
    ({"padding_q": 0}, 1, "padding_q", 0, ("padding_q", 1)),
    ({"qkv_projection_method": "avg", "padding_kv": 2}, 0, "padding_kv", 2, ("padding_kv", 1)),
    ({"depth": 99}, 0, "depth", 99, None),
]


@pytest.mark.parametrize(("changes", "stage", "field", "value", "remedy"), REFUSED)
def test_what_cannot_be_built_is_told_in_values_that_others_can_word(changes, stage, field, value, remedy):
    with pytest.raises(ConfigError) as raised:
        variant(CVT_13, {stage: changes})
    error = raised.value
    assert (error.field, error.stage, error.value) == (field, stage, value)
    assert error.remedy == (remedy and Remedy(stage, *remedy))
    if remedy:
        assert variant(CVT_13, {stage: {**changes, error.remedy.name: error.remedy.value}})
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_fields_have_the_names_that_the_reader_knows():
    with pytest.raises(ConfigError) as raised:
        variant(CVT_13, {2: {"num_heads": 5}})
    assert str(raised.value).startswith("embed_dim of stage 3 is 384, which is not divisible by 5 heads: use num_heads 4,")
    assert raised.value.sentence(str.upper).startswith("EMBED_DIM of stage 3 is 384, which is not divisible by 5 heads: use NUM_HEADS 4,")


def test_an_excess_is_told_in_values():
    with pytest.raises(TooLarge) as raised:
        refuse_if_too_large(CVT_13, 224, 224, max_parameters=15_000_000)
    assert raised.value.excess == Excess("parameters", cost(CVT_13, 224, 224).parameters, 15_000_000)
    again = pickle.loads(pickle.dumps(raised.value))
    assert (str(again), again.remedy) == (str(raised.value), raised.value.remedy)
