import copy
import io

import pytest
import torch
from torch import nn

from cvt.config import CvtConfig
from cvt.model import Block, CvtForImageClassification, CvtModel, DropPath, Intermediate, Stage
from cvt.outputs import classification_loss
from tests.helpers import pixels, randomize, tiny_config, tiny_model

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


def state_of(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


# --- outputs -------------------------------------------------------------------------------------------------------------


def test_the_models_return_what_was_asked_for():
    model, x = tiny_model(), pixels()
    output = model(x, output_hidden_states=True)
    assert list(output) == ["logits", "hidden_states"]
    logits, hidden_states = model(x, output_hidden_states=True, return_dict=False)
    assert torch.equal(logits, output.logits)
    assert len(hidden_states) == 3
    loss, logits = model(x, labels=torch.tensor([0, 1]), return_dict=False)
    assert loss.ndim == 0
    assert model(x, None, None, None).logits.shape == (2, 5)  # None is the default of every argument


@pytest.mark.parametrize("cls", [CvtForImageClassification, CvtModel])
def test_where_a_call_says_nothing_the_config_decides(cls):
    model, x = tiny_model(cls=cls), pixels()
    for name in ("output_hidden_states", "output_attentions"):
        object.__setattr__(model.config, name, True)
        assert name.removeprefix("output_") in model(x)
        assert name.removeprefix("output_") not in model(x, **{name: False})
    object.__setattr__(model.config, "return_dict", False)
    assert isinstance(model(x), tuple)
    assert len(model(x)) == len(model(x, return_dict=True)) == (3 if cls is CvtForImageClassification else 4)


def test_arguments_that_mean_nothing_here_are_ignored():
    model, x = tiny_model(), pixels()
    expected = model(x).logits
    for each in (model, model.cvt):
        each(x, interpolate_pos_encoding=True, num_items_in_batch=torch.tensor(2), use_cache=False, attention_mask=None)
    assert torch.equal(model(x, interpolate_pos_encoding=True, head_mask=None).logits, expected)


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("output_attention", "output_attentions"), ("label", "labels"), ("pixels", "pixel_values"), ("input_ids", "")],
)
def test_unknown_arguments_are_refused(name, nearest):
    hint = f": did you mean '{nearest}'" if nearest else r"\."
    with pytest.raises(TypeError, match=f"unexpected argument '{name}'{hint}"):
        tiny_model()(pixels(), **{name: torch.ones(2)})


def test_documented_arguments_and_attributes():
    assert torch.equal(*(randomize(CvtModel(tiny_config(), add_pooling_layer=each))(pixels())[0] for each in (True, False)))
    model = tiny_model()
    assert getattr(model, model.base_model_prefix) is model.cvt
    assert model.main_input_name == "pixel_values"


def test_shapes_of_the_model_without_classifier():
    output = tiny_model(cls=CvtModel)(pixels(2, 3, 32, 48), output_hidden_states=True, output_attentions=True)
    assert output.last_hidden_state.shape == (2, 24, 2, 3)
    assert output.cls_token_value.shape == (2, 1, 24)
    assert [tuple(each.shape) for each in output.hidden_states] == [(2, 8, 8, 12), (2, 16, 4, 6), (2, 24, 2, 3)]
    assert [tuple(each.shape) for each in output.attentions] == [(2, 1, 96, 24), *[(2, 2, 24, 6)] * 2, *[(2, 3, 7, 3)] * 3]
    for weights in output.attentions:
        assert torch.allclose(weights.sum(-1), torch.ones(()), atol=1e-6)
    assert output.hidden_states[-1] is output.last_hidden_state


def test_a_batch_of_one_stays_a_batch():
    assert tiny_model()(pixels(1, 3, 32, 32)).logits.shape == (1, 5)
    assert tiny_model(num_labels=1)(pixels(1, 3, 32, 32)).logits.shape == (1, 1)


def test_without_labels_the_logits_are_the_features():
    model = tiny_model(num_labels=0)
    features = model.cvt(pixels())
    assert torch.equal(model(pixels()).logits, model.layernorm(features.cls_token_value)[:, 0])


def test_without_cls_token_the_classifier_reads_the_mean_of_normalised_tokens():
    model = tiny_model(cls_token=False)
    output = model.cvt(pixels())
    assert output.cls_token_value is None
    assert output.to_tuple() == (output.last_hidden_state,)
    tokens = model.layernorm(output.last_hidden_state.flatten(2).transpose(1, 2))
    assert torch.allclose(model(pixels()).logits, model.classifier(tokens.mean(1)), atol=1e-6)


def test_a_cls_token_in_an_early_stage_ends_with_it():
    model = tiny_model(cls_token=(True, False, True))
    assert [None if stage.cls_token is None else tuple(stage.cls_token.shape) for stage in model.cvt.encoder.stages] == [
        (1, 1, 8),
        None,
        (1, 1, 24),
    ]
    x = pixels()
    output = model(x, output_hidden_states=True)
    assert [each.shape[1] for each in output.hidden_states] == [8, 16, 24]
    with torch.no_grad():
        model.cvt.encoder.stages[0].cls_token *= -1  # it takes part in attention, so the patches feel it
    assert not torch.allclose(model(x).logits, output.logits)


@pytest.mark.parametrize(
    "wrong", [None, "a picture", pixels(3, 32, 32), pixels(1, 4, 32, 32), torch.zeros(1, 3, 32, 32, dtype=torch.uint8)]
)
def test_wrong_pixel_values(wrong):
    with pytest.raises(ValueError, match="pixel_values must be"):
        tiny_model()(wrong)


def test_too_small_pixel_values():
    with pytest.raises(ValueError, match="too small: stage"):
        tiny_model(patch_padding=0)(pixels(1, 3, 8, 8))


# --- losses --------------------------------------------------------------------------------------------------------------


def slow_loss(logits, labels, kind):
    """The three losses, a number at a time."""
    terms = []
    for row in range(len(logits)):
        if kind == "single":
            exponentials = [float(value.exp()) for value in logits[row]]
            terms.append(-torch.tensor(exponentials[int(labels[row])] / sum(exponentials)).log())
        else:
            for value, target in zip(logits[row], labels.float().reshape(logits.shape)[row], strict=True):
                p = value.sigmoid()
                terms.append((value - target) ** 2 if kind == "regression" else -(target * p.log() + (1 - target) * (1 - p).log()))
    return float(torch.stack([torch.as_tensor(term) for term in terms]).mean())


CLASSES = torch.tensor([3, 0, 4])
SEVERAL = torch.tensor([[1, 0, 1, 0, 0], [0, 0, 0, 0, 0], [1, 1, 1, 1, 0]])


@pytest.mark.parametrize(
    ("labels", "changes", "kind"),
    [
        (CLASSES, {}, "single"),
        (CLASSES.int(), {}, "single"),
        (CLASSES[:, None], {}, "single"),
        (CLASSES, {"problem_type": "single_label_classification"}, "single"),
        (SEVERAL.float(), {}, "multi"),
        (SEVERAL, {}, "multi"),
        (SEVERAL.bool(), {"problem_type": "multi_label_classification"}, "multi"),
        (torch.tensor([0.5, -1, 2]), {"num_labels": 1}, "regression"),
        (torch.tensor([[1], [0], [3]]), {"num_labels": 1}, "regression"),
        (pixels(3, 5), {"problem_type": "regression"}, "regression"),
    ],
)
def test_the_loss_is_chosen_by_the_labels_of_this_call(labels, changes, kind):
    config = tiny_config(**changes)
    logits = pixels(3, config.num_labels, seed=3)
    assert float(classification_loss(logits, labels, config)) == pytest.approx(slow_loss(logits, labels, kind), rel=1e-5)


def test_one_model_takes_labels_of_both_kinds_in_turn():
    model = tiny_model()
    x = pixels(3, 3, 32, 32)
    first = model(x, labels=CLASSES).loss
    assert model(x, labels=SEVERAL).loss != first
    assert model(x, labels=CLASSES).loss == first
    assert model.config == tiny_config()


def test_a_label_may_be_left_out():
    config, logits = tiny_config(), pixels(3, 5)
    assert classification_loss(logits, torch.tensor([3, -100, 4]), config) == classification_loss(logits[::2], CLASSES[::2], config)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_loss_of_half_precision_logits_is_computed_in_float32(dtype):
    config, logits = tiny_config(num_labels=1), pixels(3, 1).to(dtype)
    far = torch.tensor([1001.0, 1003.0, 1005.0])  # neither are their squares in float16's range, nor they in bfloat16
    for labels, settings in (
        (far, config),
        (SEVERAL[:, :1], config),
        (SEVERAL[:, :1], config.replace(problem_type="multi_label_classification")),
    ):
        loss = classification_loss(logits, labels, settings)
        assert loss.dtype == torch.float32
        assert loss == classification_loss(logits.float(), labels, settings)
    assert classification_loss(pixels(3, 5).to(dtype), CLASSES, tiny_config()).dtype == torch.float32
    assert classification_loss(pixels(3, 5).double(), CLASSES, tiny_config()).dtype == torch.float64


@pytest.mark.parametrize(
    ("labels", "changes", "words"),
    [
        ([0, 1, 2], {}, "tensor.*not list"),
        (torch.tensor([0, 1]), {}, "class indices"),
        (torch.tensor([0, 1, 5]), {}, "0..4"),
        (torch.tensor([0, -1, 2]), {}, "0..4"),
        (torch.tensor([0.0, 1.0, 2.0]), {}, "class indices"),
        (pixels(3, 4), {}, "class indices"),
        (pixels(3, 4), {"problem_type": "multi_label_classification"}, "multi label"),
        (pixels(3), {"problem_type": "regression"}, "regression"),
        (pixels(5, 3), {"problem_type": "regression"}, "regression"),
        (CLASSES, {"num_labels": 0}, "without classes"),
    ],
)
def test_labels_that_do_not_fit(labels, changes, words):
    with pytest.raises(ValueError, match=words):
        classification_loss(pixels(3, 5), labels, tiny_config(**changes))


# --- parts ---------------------------------------------------------------------------------------------------------------


def test_layer_norms_run_at_the_configured_epsilon():
    for eps in (1e-5, 1e-3):
        norms = [module for module in tiny_model(layer_norm_eps=eps).modules() if isinstance(module, nn.LayerNorm)]
        assert len(norms) == 3 + 2 * 6 + 1
        assert {norm.eps for norm in norms} == {eps}


@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_drop_path_drops_whole_samples_and_keeps_the_expectation(rate):
    torch.manual_seed(0)
    drop = DropPath(rate).train()
    branch = torch.ones(40_000, 2, 3)
    out = drop(branch)
    assert torch.equal(out, out[:, :1, :1].expand_as(out))
    assert sorted(out.unique().tolist()) == pytest.approx([0, 1 / (1 - rate)])
    assert float(out.mean()) == pytest.approx(1, abs=0.02)
    assert drop.eval()(branch) is branch


def test_drop_path_rates_are_a_layers_own():
    model = tiny_model(depth=(2, 2, 3), drop_path_rate=(0.4, 0.0, 0.2))
    rates = [[getattr(layer.drop_path, "rate", torch.tensor(0.0)) for layer in stage.layers] for stage in model.cvt.encoder.stages]
    assert [[round(float(rate), 6) for rate in stage] for stage in rates] == [[0, 0.4], [0, 0], [0, 0.1, 0.2]]


def test_dropped_branches_leave_what_they_would_be_added_to():
    config = tiny_config(embed_dim=(8,), num_heads=(1,), depth=(2,), cls_token=False, drop_path_rate=0.5)
    block = randomize(Block(config.stages[0], "gelu", 1e-5, 0.5))
    block.attention.eval()
    tokens = pixels(64, 16, 8)
    attended = tokens + 2 * block.attention(block.layernorm_before(tokens), (4, 4))
    candidates = {
        (a, m): base + (2 * block.mlp(block.layernorm_after(base)) if m else 0) for a, base in ((0, tokens), (1, attended)) for m in (0, 1)
    }
    block.drop_path.train()
    torch.manual_seed(0)
    out = block(tokens, (4, 4))
    kept = [[pair for pair, value in candidates.items() if torch.allclose(out[i], value[i], atol=1e-5)] for i in range(64)]
    assert all(len(pairs) == 1 for pairs in kept)
    assert {pairs[0] for pairs in kept} == set(candidates)  # the branches are dropped independently


def test_dropout_is_where_the_authors_have_it():
    model = tiny_model(drop_rate=0.25, attention_drop_rate=0.5)
    seen = []
    for name, module in model.named_modules():
        if isinstance(module, nn.Dropout):
            assert module.p == 0.25
            module.register_forward_hook(lambda _, inputs, __, name=name: seen.append((name, tuple(inputs[0].shape))))
    model(pixels())
    third = [(name.removeprefix("cvt.encoder.stages.2."), shape) for name, shape in seen if name.startswith("cvt.encoder.stages.2.")]
    assert third[:4] == [
        ("dropout", (2, 5, 24)),  # after the cls token has joined
        ("layers.0.attention.output.dropout", (2, 5, 24)),
        ("layers.0.intermediate.dropout", (2, 5, 96)),  # twice in the MLP
        ("layers.0.output.dropout", (2, 5, 24)),
    ]
    assert len(third) == 1 + 3 * 3


def test_dropout_of_attention_weights():
    attend = tiny_model(attention_drop_rate=0.5).cvt.encoder.stages[0].layers[0].attention.attention.attend
    query, key, value = pixels(1, 1, 50, 8), torch.zeros(1, 1, 1000, 8), torch.ones(1, 1, 1000, 1)
    assert torch.allclose(attend(query, key, value), torch.ones(()))
    torch.manual_seed(0)
    sums = attend.train()(query, key, value)  # of a thousand equal weights, about half of them dropped, the others doubled
    assert float(sums.std()) == pytest.approx(1000**-0.5, rel=0.3)
    assert float(sums.mean()) == pytest.approx(1, abs=0.03)


def test_training_differs_from_evaluation_only_by_what_is_random():
    model = tiny_model(drop_path_rate=0.0).train()
    x = pixels(4, 3, 32, 32)
    assert torch.equal(model(x).logits, model(x).logits)
    model = tiny_model(drop_path_rate=0.0, drop_rate=0.1).train()
    assert not torch.equal(model(x).logits, model(x).logits)


def test_every_method_trains_all_its_weights():
    for method in ("dw_bn", "avg", "linear"):
        model = tiny_model(qkv_projection_method=method, cls_token=(True, True, False)).train()
        model(pixels(4, 3, 32, 32), labels=torch.tensor([0, 1, 2, 3])).loss.backward()
        idle = [name for name, value in model.named_parameters() if value.grad is None or not value.grad.any()]
        assert idle == []
        assert any("convolution_projection" in name for name, _ in model.named_parameters()) == (method == "dw_bn")


def test_depths_no_deeper_than_their_stage():
    for depth in [(2, 2, 2), (1, 1, 1), (1, 0, 1)]:
        assert tiny_model(depth=depth).train()(pixels()).logits.isfinite().all()


# --- initialisation ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("std", [0.02, 1.0])
def test_initialisation(std):
    torch.manual_seed(0)
    model = CvtForImageClassification(CvtConfig(embed_dim=(64, 128), num_heads=1, depth=(1, 1), initializer_range=std))
    for module in model.requires_grad_(False).modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            values = module.weight.flatten()
            if len(values) > 2000:
                expected = torch.nn.init.trunc_normal_(torch.empty(200_000), std=std).std()  # cut at ±2, which narrows a wide one
                assert float(values.std()) == pytest.approx(float(expected), rel=0.05)
                assert abs(float(values.mean())) < 0.05 * std
            assert values.abs().max() <= 2
            assert module.bias is None or not module.bias.any()
        elif isinstance(module, (nn.LayerNorm, nn.BatchNorm2d)):
            assert (module.weight == 1).all()
            assert not module.bias.any()
    assert 0 < float(model.cvt.encoder.stages[1].cls_token.std()) < 2 * std


def test_a_generator_of_ones_own_makes_the_same_model_and_leaves_the_others_alone():
    models = [CvtModel(tiny_config()) for _ in range(2)]
    before = torch.get_rng_state()
    for model in models:
        model.init_weights(model, torch.Generator().manual_seed(4))
    assert torch.equal(torch.get_rng_state(), before)
    for first, second in zip(*(model.state_dict().values() for model in models), strict=True):
        assert torch.equal(first, second)


# --- gradient checkpointing ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("drops", [{}, {"drop_rate": 0.2, "drop_path_rate": 0.3, "attention_drop_rate": 0.2}])
def test_gradient_checkpointing_changes_nothing_but_memory(drops):
    results = []
    for enabled in (False, True):
        model = tiny_model(**drops).train()
        (model.gradient_checkpointing_enable if enabled else model.gradient_checkpointing_disable)()
        torch.manual_seed(0)
        model(pixels(4, 3, 32, 32), labels=torch.tensor([0, 1, 2, 3])).loss.backward()
        results.append({name: value.grad for name, value in model.named_parameters()} | state_of(model))
    for name, plain in results[0].items():
        assert torch.allclose(results[1][name].double(), plain.double(), atol=1e-6), name  # BatchNorm's statistics too


def test_gradient_checkpointing_keeps_less():
    kept = []
    for enabled in (False, True):
        model = tiny_model(drop_path_rate=0.0).train()
        if enabled:
            model.gradient_checkpointing_enable()
        count = 0

        def pack(value):
            nonlocal count
            count += value.numel()
            return value

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda value: value):
            model(pixels(2, 3, 64, 64))
        kept.append(count)
    assert kept[1] < kept[0] / 4


def test_gradients_may_be_asked_for_twice_under_checkpointing():
    model = tiny_model().train()
    model.gradient_checkpointing_enable()
    loss = model(pixels(4, 3, 32, 32), labels=torch.tensor([0, 1, 2, 3]), output_attentions=True).loss
    weight = model.cvt.encoder.stages[0].layers[0].output.dense.weight
    first = torch.autograd.grad(loss, weight, retain_graph=True)[0]
    assert torch.allclose(torch.autograd.grad(loss, weight)[0], first)


# --- dtypes, devices, export ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float16, 0.01), (torch.bfloat16, 0.08)])
@pytest.mark.parametrize("method", ["dw_bn", "avg", "linear"])
def test_half_precision(device, dtype, tolerance, method):
    model = tiny_model(qkv_projection_method=method).to(device)
    x = pixels(2, 3, 64, 64).to(device)
    with torch.no_grad():
        expected = model(x, output_attentions=True)
        half = copy.deepcopy(model).to(dtype)(x, output_attentions=True)  # pixels are brought to the weights' dtype
        with torch.autocast(device, dtype):
            cast = model(x, output_attentions=True)
    assert half.logits.dtype == dtype
    for output in (half, cast):
        assert (output.logits.float() - expected.logits).abs().max() < tolerance * expected.logits.abs().max()
        for weights, exact in zip(output.attentions, expected.attentions, strict=True):
            assert weights.dtype == torch.float32
            assert (weights - exact).abs().max() < tolerance
            assert torch.allclose(weights.sum(-1), torch.ones((), device=device), atol=1e-3)


@pytest.mark.parametrize("device", DEVICES)
def test_training_under_autocast(device):
    model = tiny_model().to(device).train()
    labels = torch.tensor([0, 1, 2, 3], device=device)
    with torch.autocast(device, torch.bfloat16):
        loss = model(pixels(4, 3, 32, 32).to(device), labels=labels).loss
    loss.backward()
    assert loss.isfinite()
    assert all(value.grad.isfinite().all() and value.grad.dtype == torch.float32 for value in model.parameters())


@pytest.mark.parametrize(
    ("cls", "changes"),
    [
        (CvtForImageClassification, {"embed_dim": (8, 16), "num_heads": (1, 2), "depth": (1, 1), "cls_token": (True, False)}),
        (CvtModel, {"embed_dim": (8,), "num_heads": (2,), "depth": (1,), "cls_token": (True,)}),
    ],
)
def test_an_exported_program_can_be_saved_and_takes_any_batch(cls, changes):
    model = tiny_model(cls=cls, **changes)
    options = {"output_hidden_states": True, "output_attentions": True}
    shapes = {"pixel_values": {0: torch.export.Dim("batch", min=1, max=64)}, **dict.fromkeys(options)}
    file = io.BytesIO()
    torch.export.save(torch.export.export(model, (pixels(2, 3, 32, 48),), options, dynamic_shapes=shapes), file)
    file.seek(0)
    program = torch.export.load(file).module()
    for count in (1, 2, 7):
        x = pixels(count, 3, 32, 48, seed=count)
        again, expected = program(x, **options), model(x, **options)
        assert type(again) is type(expected)
        assert list(again) == list(expected)
        for value, wanted in zip(torch.utils._pytree.tree_leaves(again), torch.utils._pytree.tree_leaves(expected), strict=True):
            assert torch.allclose(value, wanted, atol=1e-5)


def test_export_with_a_dynamic_size():
    model, free = tiny_model(embed_dim=(8,), num_heads=(2,), depth=(1,), cls_token=(True,)), torch.export.Dim.DYNAMIC
    program = torch.export.export(model, (pixels(2, 3, 64, 64),), dynamic_shapes={"pixel_values": {0: free, 2: free, 3: free}})
    x = pixels(3, 3, 48, 80)
    assert torch.allclose(program.module()(x).logits, model(x).logits, atol=1e-5)


def test_any_device_context_builds_a_model_that_trains():
    with torch.device("meta"):
        model = CvtForImageClassification(tiny_config(drop_path_rate=0.5))
    rates = [float(module.rate) for module in model.modules() if isinstance(module, DropPath)]
    assert rates == pytest.approx([0.5, 0.25, 0.5])  # a value that no file would bring back


def test_parts_can_be_used_alone():
    config = tiny_config()
    stage = Stage(config.stages[0], config.hidden_act, config.layer_norm_eps)
    assert stage(pixels(1, 3, 32, 32))[0].shape == (1, 8, 8, 8)
    assert Intermediate(config.stages[0], "quick_gelu")(torch.zeros(1, 4, 8)).shape == (1, 4, 32)
