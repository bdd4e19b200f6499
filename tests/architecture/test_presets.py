"""Presets against the paper's numbers, which the closed-form costs must come near."""

import pytest

from cvt.architecture.cost import cost
from cvt.architecture.inheritance import report
from cvt.architecture.presets import PRESETS, preset
from cvt.architecture.settings import SETTINGS
from cvt.architecture.variants import architecture, stage_settings
from cvt.config import PUBLISHED, CvtConfig
from tests.helpers import tiny_config

CVT_13 = CvtConfig(**PUBLISHED["CvT-13"])
BASES = {
    "CvT-13": CVT_13,
    "embedded": CvtConfig.from_pretrained(),
    "tiny": tiny_config(),
    "one stage": CvtConfig(depth=(2,), embed_dim=(16,), num_heads=(2,)),
    "four stages": CvtConfig(depth=(1,) * 4, embed_dim=(16, 32, 48, 64), num_heads=(1,) * 4, cls_token=(False,) * 3 + (True,)),
}


def made(name, base=CVT_13, side=224):
    stages, side = preset(name, base, side)
    return architecture(base, stages), side


@pytest.mark.parametrize("base", BASES.values(), ids=BASES)
@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_gives_all_settings_and_can_be_built_of_any_model(name, base):
    stages, side = preset(name, base, 96)
    assert all(list(each) == list(SETTINGS) for each in stages)
    config = architecture(base, stages)
    assert stage_settings(config) == stages
    assert config.id2label == base.id2label
    assert cost(config, side, side).macs > 0
    if PRESETS[name].side is None:
        assert side == 96
        assert config.num_stages == base.num_stages


def test_the_model_itself_is_the_first():
    assert next(iter(PRESETS)) == "own"
    for base in BASES.values():
        assert made("own", base)[0] == base


@pytest.mark.parametrize(("name", "variant"), [("cvt-13", "CvT-13"), ("cvt-21", "CvT-21"), ("cvt-w24", "CvT-W24")])
def test_published_models_are_the_published_configurations(name, variant):
    published = CvtConfig(**PUBLISHED[variant])
    assert made(name, published)[0] == published
    assert made(name)[1] == published.image_size
    own = made(name, BASES["embedded"])[0]
    assert stage_settings(own) == stage_settings(published)


@pytest.mark.parametrize("name", [name for name, each in PRESETS.items() if each.paper])
def test_the_papers_numbers_are_those_of_the_costs(name):
    """Of CvT-13 with that change, or of the model itself; the paper counts a little less than PyTorch does (4.53 against 4.57)."""
    paper, (config, side) = PRESETS[name].paper, made(name)
    result = cost(config, side, side)
    assert paper.side == side
    if paper.parameters:
        assert paper.parameters * 1e6 == pytest.approx(result.parameters, rel=0.005)
    if paper.gmacs:
        assert paper.gmacs * 1e9 == pytest.approx(result.macs, rel=0.02)
    assert paper.table in ("Tables 2 and 3", "Table 3", "Table 6", "Table 7", "Table 8")


def test_ablations_stand_beside_the_unchanged_model():
    for name in ("linear", "no-overlap", "kv-stride-1"):
        parameters, gmacs, top1 = PRESETS[name].paper.normal
        assert top1 == 81.6 == PRESETS["cvt-13"].paper.top1
        assert parameters in (None, 20.0)
        assert gmacs in (None, 4.53)


def test_ablations_change_what_they_say():
    base = BASES["embedded"]
    assert made("linear", base)[0] == base.replace(qkv_projection_method="linear")
    assert made("kv-stride-1", base)[0] == base.replace(stride_kv=1)
    assert made("no-cls", base)[0] == base.replace(cls_token=False)
    assert made("cls-everywhere", base)[0] == base.replace(cls_token=True)
    apart = made("no-overlap", base)[0]
    assert apart.patch_sizes == apart.patch_stride == base.patch_stride
    assert set(apart.patch_padding) == {0}
    assert [each.query_grid for each in cost(apart, 96, 96).stages] == [each.query_grid for each in cost(base, 96, 96).stages]


def test_ablations_inherit_all_or_nearly_all():
    base = BASES["embedded"]
    for name in ("own", "linear", "no-overlap", "kv-stride-1", "no-cls", "cls-everywhere"):
        share = report(base, made(name, base)[0]).all
        assert share.seeded < 0.001 * share.total


def test_an_unknown_preset_is_refused_with_the_choice():
    with pytest.raises(ValueError, match=r"no preset 'vit'.*cvt-13"):
        preset("vit", CVT_13, 224)
