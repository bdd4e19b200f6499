"""Inherited weights: bit-equal where copied, exact where grown, the seed's where nothing fits; and the report that counts them."""

import copy
import threading

import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings

from cvt.architecture.build import Cancelled, build_variant, inherit
from cvt.architecture.cost import cost
from cvt.architecture.inheritance import COPIED, RESIZED, SEEDED, Broken, _block, _classifier, _embedding, how, report
from cvt.architecture.variants import architecture
from cvt.config import CvtConfig
from cvt.model import CvtForImageClassification
from tests.helpers import pixels, tiny_config, tiny_model
from tests.strategies import configs, stages
from visualize.page.words.architecture import inherited as sentence

BASE = tiny_model()
SMALL = {
    "depth": (1, 2, 3, 4),
    "embed_dim": (16, 32),
    "mlp_ratio": (0.5, 2.0, 4.0, 6.0),
    "patch_sizes": (1, 2, 3, 5, 7),
    "patch_stride": (1, 2, 4),
}
CONVOLUTION = {name: f"convolution_projection_{name}.convolution_projection" for name in ("query", "key", "value")}

FEW = settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


def changed(*stages, base=BASE):
    return architecture(base.config, stages or [{}] * base.config.num_stages)


def logits(model, x=None):
    with torch.inference_mode():
        return model(pixels() if x is None else x).logits


def drawn(stages, base=BASE):
    try:
        return architecture(base.config, stages)
    except ValueError:
        assume(False)


def test_the_same_architecture_predicts_exactly_as_its_baseline():
    inherited = inherit(BASE, BASE.config, seed=3)
    theirs, own = BASE.state_dict(), inherited.model.state_dict()
    assert theirs.keys() == own.keys()
    assert all(torch.equal(value, theirs[name]) for name, value in own.items())
    assert not {value.data_ptr() for value in own.values() if value.ndim} & {value.data_ptr() for value in theirs.values()}
    assert torch.equal(logits(inherited.model), logits(BASE))
    assert inherited.report.all.copied == inherited.report.all.total == sum(each.numel() for each in BASE.parameters())
    assert inherited.report.same == "exactly"
    assert "100\u202f%" in sentence(inherited.report)
    assert "exactly the model's" in sentence(inherited.report)
    assert not any(module.training for module in inherited.model.modules())
    assert inherited.model.config.id2label == BASE.config.id2label


@FEW
@given(stages=stages(**SMALL))
def test_every_tensor_is_what_its_rule_says_and_the_report_counts_them(stages):
    config = drawn(stages)
    inherited, fresh, theirs = inherit(BASE, config, seed=5), build_variant(config, seed=5).state_dict(), BASE.state_dict()
    for name, value in inherited.model.state_dict().items():
        done = how(name, BASE.config, config)
        assert value.device.type == "cpu"
        if done == COPIED:
            assert torch.equal(value, theirs[name]), name
        elif done == SEEDED:
            assert torch.equal(value, fresh[name]), name
        else:
            assert name not in theirs or value.shape != theirs[name].shape, name
    counted = [dict.fromkeys((COPIED, RESIZED, SEEDED), 0) for _ in range(config.num_stages + 1)]
    for name, parameter in inherited.model.named_parameters():
        stage = int(name.split(".")[3]) if name.startswith("cvt.encoder.stages.") else -1
        counted[stage][how(name, BASE.config, config)] += parameter.numel()
    shares = [*inherited.report.stages, inherited.report.classifier]
    assert [{COPIED: each.copied, RESIZED: each.resized, SEEDED: each.seeded} for each in shares] == counted
    assert inherited.report.all.total == cost(config, 512, 512).parameters
    assert inherited.report == report(BASE.config, config)


@FEW
@given(stages=stages(least=3, most=3, **SMALL))
def test_what_the_report_says_of_the_prediction_is_so(stages):
    config = drawn(stages)
    inherited = inherit(BASE, config)
    try:
        predicted = logits(inherited.model)
    except ValueError:  # 32 pixels are too few for it
        return
    if inherited.report.same == "exactly":
        assert torch.equal(predicted, logits(BASE))
    elif inherited.report.same:
        torch.testing.assert_close(predicted, logits(BASE), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "stages",
    [
        [{"kernel_qkv": 5}, {"kernel_qkv": 7}, {"kernel_qkv": 5}],
        [{"patch_sizes": 9}, {"patch_sizes": 5}, {"patch_sizes": 7}],
        [{"mlp_ratio": 6.0}, {"mlp_ratio": 8.0}, {}],
        [{"kernel_qkv": 7, "patch_sizes": 9, "mlp_ratio": 6.0}] * 2 + [{}],
    ],
)
def test_what_grows_by_zeros_computes_the_same(stages):
    """The oracle is the baseline itself: a larger kernel with as much more padding, and more units that give nothing."""
    config = changed(*stages)
    inherited = inherit(BASE, config)
    torch.testing.assert_close(logits(inherited.model), logits(BASE), rtol=1e-4, atol=1e-5)
    assert inherited.report.same == "up to rounding"
    assert inherited.report.all.resized > 0
    assert inherited.report.all.seeded == 0
    assert "up to rounding" in sentence(inherited.report)


def test_a_new_bias_is_zero_and_changes_nothing():
    base = tiny_model(qkv_bias=False)
    inherited = inherit(base, base.config.replace(qkv_bias=True))
    assert torch.equal(logits(inherited.model), logits(base))
    assert inherited.report.all.resized == 3 * (8 + 2 * 16 + 3 * 24)


def test_a_smaller_projection_kernel_is_the_middle_of_the_larger():
    base = tiny_model(kernel_qkv=5, padding_q=2, padding_kv=2)
    small = inherit(base, changed({}, {"kernel_qkv": 3}, {}, base=base)).model
    for name in ("query", "key", "value"):
        before, after = (
            each.cvt.encoder.stages[1].layers[1].attention.attention.get_submodule(CONVOLUTION[name]) for each in (base, small)
        )
        assert torch.equal(after.convolution.weight, before.convolution.weight[..., 1:4, 1:4])
        for buffer in ("weight", "bias", "running_mean", "running_var"):
            assert torch.equal(getattr(after.normalization, buffer), getattr(before.normalization, buffer))


@pytest.mark.parametrize(("size", "rows"), [(4, slice(2, 6)), (3, slice(2, 5)), (5, slice(1, 6))])
def test_a_smaller_embedding_keeps_every_number_at_its_pixel(size, rows):
    """The oracle: the whole kernel with zeros outside the part that is kept, at the same stride."""
    small = inherit(BASE, changed({"patch_sizes": size}, {}, {})).model
    masked = copy.deepcopy(BASE)
    weight = torch.zeros_like(masked.cvt.encoder.stages[0].embedding.convolution_embeddings.projection.weight)
    weight[..., rows, rows] = BASE.cvt.encoder.stages[0].embedding.convolution_embeddings.projection.weight[..., rows, rows]
    masked.cvt.encoder.stages[0].embedding.convolution_embeddings.projection.weight.data = weight
    torch.testing.assert_close(logits(small), logits(masked), rtol=1e-4, atol=1e-5)


def test_with_another_stride_the_middle_of_a_kernel_stays_its_middle():
    small = inherit(BASE, changed({"patch_sizes": 3, "patch_stride": 2}, {}, {})).model
    before, after = (each.cvt.encoder.stages[0].embedding.convolution_embeddings.projection.weight for each in (BASE, small))
    assert torch.equal(after, before[..., 2:5, 2:5])


def test_of_fewer_blocks_the_first_are_kept_and_more_are_seeded():
    fewer, more = (inherit(BASE, changed({}, {}, {"depth": depth}), seed=2) for depth in (2, 5))
    shorter = copy.deepcopy(BASE)
    shorter.cvt.encoder.stages[2].layers = shorter.cvt.encoder.stages[2].layers[:2]
    assert torch.equal(logits(fewer.model), logits(shorter))
    assert fewer.report.all.seeded == 0
    block = sum(each.numel() for each in BASE.cvt.encoder.stages[2].layers[0].parameters())
    assert (more.report.all.seeded, more.report.stages[2].seeded) == (2 * block, 2 * block)
    assert more.report.all.copied == sum(each.numel() for each in BASE.parameters())
    assert "disturb" in sentence(more.report)


def test_a_narrower_mlp_keeps_the_units_that_weigh_most():
    """The oracle: the baseline with the outgoing weights of all other units at zero."""
    narrow, pruned = inherit(BASE, changed({}, {"mlp_ratio": 2.0}, {})), copy.deepcopy(BASE)
    for layer in pruned.cvt.encoder.stages[1].layers:
        incoming, outgoing = layer.intermediate.dense.weight, layer.output.dense.weight
        weights = [(incoming[unit].norm() * outgoing[:, unit].norm()).item() for unit in range(64)]
        dropped = sorted(range(64), key=weights.__getitem__)[:32]
        outgoing.data[:, dropped] = 0
    torch.testing.assert_close(logits(narrow.model), logits(pruned), rtol=1e-4, atol=1e-5)
    assert narrow.report.stages[1].resized == 2 * (32 * 16 * 2 + 32)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("stride_kv", 1),
        ("num_heads", 8),
        ("qkv_projection_method", "linear"),
        ("qkv_projection_method", "avg"),
        ("patch_stride", 1),
    ],
)
def test_what_has_no_weights_of_its_own_keeps_all(setting, value):
    config = changed({}, {setting: value}, {})
    inherited = inherit(BASE, config)
    theirs = BASE.state_dict()
    assert all(torch.equal(each, theirs[name]) for name, each in inherited.model.state_dict().items())
    assert inherited.report.all.copied == inherited.report.all.total
    assert inherited.report.same is None
    assert "100\u202f%" in sentence(inherited.report)
    assert "what your change breaks" in sentence(inherited.report)
    assert not torch.allclose(logits(inherited.model), logits(BASE), atol=1e-4)


def test_without_its_cls_token_the_classifier_reads_the_mean_with_the_same_weights():
    inherited = inherit(BASE, changed({}, {}, {"cls_token": False}))
    assert torch.equal(inherited.model.classifier.weight, BASE.classifier.weight)
    assert inherited.report.all.seeded == 0
    early = inherit(BASE, changed({"cls_token": True}, {}, {}))
    assert early.report.stages[0].seeded == early.report.all.seeded == 8
    assert early.report.broken is None


@pytest.mark.parametrize(
    ("stages", "broken", "words"),
    [
        ([{"embed_dim": 16}, {}, {}], Broken("stage", 0), "stage 1"),
        ([{}, {"embed_dim": 32}, {}], Broken("stage", 1), "stage 2"),
        ([{}, {}], Broken("classifier", 1), "the classifier"),
        ([{}, {}, {}, {}], Broken("stage", 3), "stage 4"),
    ],
)
def test_what_all_predictions_pass_through_untrained_is_named(stages, broken, words):
    found = report(BASE.config, changed(*stages))
    assert found.broken == broken
    assert f"passes through {words}, which is untrained" in sentence(found)
    assert "classes mean nothing" in sentence(found)
    assert 0 < found.all.copied < found.all.total


def test_after_another_width_only_the_kernel_of_the_next_embedding_is_lost():
    config = changed({"embed_dim": 16}, {}, {})
    stage = "cvt.encoder.stages.1."
    assert how(f"{stage}embedding.convolution_embeddings.projection.weight", BASE.config, config) == SEEDED
    assert how(f"{stage}embedding.convolution_embeddings.normalization.weight", BASE.config, config) == COPIED
    assert how(f"{stage}layers.0.attention.attention.projection_query.weight", BASE.config, config) == COPIED
    assert report(BASE.config, config).stages[0].seeded == report(BASE.config, config).stages[0].total


def test_where_nothing_fits_the_sentence_says_so():
    config = changed({"embed_dim": 16}, {"embed_dim": 32}, {"embed_dim": 48})
    found = report(BASE.config, config)
    assert found.all.copied == 0
    assert sentence(found).startswith("None of the")
    assert "classes mean nothing" in sentence(found)
    for (name, value), other in zip(
        inherit(BASE, config, 4).model.state_dict().items(), build_variant(config, 4).state_dict().values(), strict=True
    ):
        assert torch.equal(value, other), name


def test_other_classes_get_another_classifier():
    config = BASE.config.replace(num_labels=7)
    assert report(BASE.config, config).broken == Broken("classifier", 2)
    assert report(BASE.config, config).classifier.copied == 0


def test_a_share_is_never_rounded_to_none_or_all():
    base = CvtConfig()
    one_token = report(base, base.replace(cls_token=(True, False, True)))
    assert sentence(one_token).startswith(
        "More than 99.9\u202f% of the weights are the trained model's and less than 0.1\u202f% are untrained."
    )


@FEW
@given(config=configs())
def test_shapes_in_closed_form_are_the_models(config):
    with torch.device("meta"):
        state = CvtForImageClassification(config).state_dict()
    shapes = dict(_classifier(config))
    for stage in config.stages:
        shapes |= {f"cvt.encoder.stages.{stage.index}.{name}": shape for name, shape in _embedding(stage).items()}
        for layer in range(stage.depth):
            shapes |= {f"cvt.encoder.stages.{stage.index}.layers.{layer}.{name}": shape for name, shape in _block(stage).items()}
    assert shapes == {name: tuple(value.shape) for name, value in state.items()}


def test_half_precision_stays_half_and_bit_equal():
    base = tiny_model().to(torch.float16)
    model = inherit(base, changed({}, {}, {"depth": 5}, base=base)).model
    assert model.dtype == torch.float16
    theirs = base.state_dict()
    assert all(torch.equal(value, theirs[name]) for name, value in model.state_dict().items() if name in theirs)


def test_many_threads_inherit_at_once_and_the_global_random_numbers_stay():
    config = changed({}, {}, {"depth": 5})
    expected = [inherit(BASE, config, seed).model.state_dict() for seed in range(3)]
    before, base_before = torch.random.get_rng_state(), {name: value.clone() for name, value in BASE.state_dict().items()}
    wrong = []

    def build(seed):
        for _ in range(3):
            state = inherit(BASE, config, seed).model.state_dict()
            wrong.extend(name for name, value in state.items() if not torch.equal(value, expected[seed][name]))

    threads = [threading.Thread(target=build, args=(seed,)) for seed in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(torch.equal(value, base_before[name]) for name, value in BASE.state_dict().items())


def test_a_build_tells_how_far_it_is_and_can_be_stopped():
    heard = []
    inherit(BASE, BASE.config, watch=heard.append)
    assert heard == sorted(heard)
    assert heard[0] == 0
    assert 0.9 < heard[-1] <= 1

    def stop(share):
        if share > 0.3:
            raise Cancelled

    with pytest.raises(Cancelled):
        inherit(BASE, BASE.config, watch=stop)


def test_an_avg_base_gives_its_linear_layers_and_the_convolutions_are_seeded():
    base = tiny_model(qkv_projection_method="avg")
    found = report(base.config, tiny_config())
    assert found.stages[0].seeded == 3 * (8 * 9 + 2 * 8)
    assert found.broken is None


def test_a_new_cls_token_that_the_classifier_reads_is_untrained():
    base = tiny_model(cls_token=False)
    found = report(base.config, changed({}, {}, {"cls_token": True}, base=base))
    assert found.broken == Broken("cls_token", 2)
    assert (found.all.seeded, found.classifier.seeded) == (24, 0)
    assert "classes mean nothing" in sentence(found)
