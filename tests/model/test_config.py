import inspect
import json
from dataclasses import MISSING, fields

import numpy as np
import pytest
import torch

from cvt.config import PUBLISHED, CvtConfig, conv_output, pooled_output
from cvt.model import CvtForImageClassification
from tests.helpers import tiny_config


def test_defaults_are_cvt_13():
    config = CvtConfig()
    assert config.embed_dim == (64, 192, 384)
    assert config.num_heads == (1, 3, 6)
    assert config.depth == (1, 2, 10)
    assert config.patch_sizes == (7, 3, 3)
    assert config.patch_stride == (4, 2, 2)
    assert config.patch_padding == (2, 1, 1)
    assert config.mlp_ratio == (4.0, 4.0, 4.0)
    assert config.drop_rate == config.attention_drop_rate == (0.0, 0.0, 0.0)
    assert config.drop_path_rate == (0.0, 0.0, 0.1)
    assert config.qkv_bias == (True, True, True)
    assert config.cls_token == (False, False, True)
    assert config.qkv_projection_method == ("dw_bn",) * 3
    assert config.kernel_qkv == (3, 3, 3)
    assert config.padding_kv == config.padding_q == (1, 1, 1)
    assert (config.stride_kv, config.stride_q) == ((2, 2, 2), (1, 1, 1))
    assert (config.num_channels, config.initializer_range, config.layer_norm_eps) == (3, 0.02, 1e-5)
    assert (config.hidden_act, config.num_labels, config.problem_type) == ("gelu", 2, None)
    assert config.id2label == {0: "LABEL_0", 1: "LABEL_1"}
    assert config.label2id == {"LABEL_0": 0, "LABEL_1": 1}


def test_arguments_are_fields_with_their_defaults():
    """What a person gives may be left out; what the config then has may not, so its fields have no defaults of their own."""
    parameters = inspect.signature(CvtConfig).parameters
    assert list(parameters) == [each.name for each in fields(CvtConfig)]
    assert parameters["image_size"].default == 224
    assert parameters["depth"].default is parameters["num_labels"].default is None
    assert all(each.default is each.default_factory is MISSING for each in fields(CvtConfig))
    assert CvtConfig(1, [3, 3, 3]) == CvtConfig(num_channels=1, patch_sizes=3)


def test_published_sizes():
    expected = {"CvT-13": 19_997_480, "CvT-21": 31_622_696, "CvT-W24": 277_196_392}
    for name, parameters in expected.items():
        with torch.device("meta"):
            model = CvtForImageClassification(CvtConfig(**PUBLISHED[name]))
        assert sum(each.numel() for each in model.parameters()) == parameters


def test_one_value_for_all_stages_and_any_number_of_stages():
    config = CvtConfig(embed_dim=[8, 8, 8, 8, 8], num_heads=2, depth=1, kernel_qkv=1, padding_q=0, padding_kv=0)
    assert config.num_stages == 5
    assert config.num_heads == (2,) * 5
    assert config.patch_sizes == (7, 3, 3, 3, 3)
    assert config.cls_token == (False, False, False, False, True)
    single = CvtConfig(embed_dim=[8], num_heads=[1], depth=[2])
    assert (single.patch_sizes, single.patch_stride, single.cls_token, single.drop_path_rate) == ((7,), (4,), (True,), (0.1,))


def test_numbers_of_other_libraries_are_numbers():
    config = tiny_config(depth=np.array([1, 2, 3]), drop_path_rate=np.float32(0.25), num_channels=np.int64(1), qkv_bias=np.True_)
    config = config.replace(layer_norm_eps=np.float32(0.25), initializer_range=np.float32(0.5), image_size=np.int64(64))
    assert config == tiny_config(
        depth=(1, 2, 3), drop_path_rate=0.25, num_channels=1, layer_norm_eps=0.25, initializer_range=0.5, image_size=64
    )
    assert CvtConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_pairs_and_whole_ratios_are_accepted():
    config = tiny_config(mlp_ratio=2, patch_sizes=[(5, 3), 3, (2, 2)], patch_padding=[(2, 1), 1, 1])
    assert config.mlp_ratio == (2.0, 2.0, 2.0)
    assert config.patch_sizes == ((5, 3), 3, 2)
    assert config.stages[0].patch_size == (5, 3)
    assert tiny_config(mlp_ratio=[2, 3, 4]).mlp_ratio == (2.0, 3.0, 4.0)
    assert CvtConfig.from_dict(json.loads(config.to_json_string())) == config


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"num_heads": (1, 3, 3)}, ["embed_dim", "stage 2", "16", "3 heads", "num_heads 2"]),
        ({"depth": (1, 2)}, ["embed_dim", "3 values", "2 stages"]),
        ({"kernel_qkv": (3, 3)}, ["kernel_qkv", "2 values", "3 stages"]),
        ({"stride_q": (1, 2, 1)}, ["stride_q", "stage 2", "grid"]),
        ({"padding_q": (0, 1, 1)}, ["padding_q 0", "stage 1", "use padding_q 1"]),
        ({"kernel_qkv": (3, 3, 2)}, ["kernel_qkv 2", "stage 3", "odd"]),
        ({"qkv_projection_method": "conv"}, ["qkv_projection_method", "stage 1", "'conv'", "dw_bn, avg, linear"]),
        ({"qkv_projection_method": "avg", "padding_kv": (1, 1, 2)}, ["padding_kv", "stage 3", "at most"]),
        ({"depth": (1, -1, 2)}, ["depth of stage 2", "-1"]),
        ({"depth": (1, 1.5, 2)}, ["depth of stage 2", "1.5"]),
        ({"depth": (), "embed_dim": (), "num_heads": ()}, ["at least one stage"]),
        ({"embed_dim": (0, 16, 24)}, ["embed_dim of stage 1", "0"]),
        ({"embed_dim": (8, True, 24)}, ["embed_dim of stage 2", "True"]),
        ({"mlp_ratio": 0.01}, ["mlp_ratio", "stage 1", "larger"]),
        ({"mlp_ratio": float("nan")}, ["mlp_ratio of stage 1"]),
        ({"drop_path_rate": (0.0, 0.0, 1.0)}, ["drop_path_rate of stage 3", "below 1"]),
        ({"drop_rate": (0.0, -0.1, 0.0)}, ["drop_rate of stage 2"]),
        ({"cls_token": (0, "yes", 1)}, ["cls_token of stage 2", "true or false"]),
        ({"patch_sizes": [(3, 3, 3), 3, 3]}, ["patch_sizes of stage 1", "pair"]),
        ({"patch_stride": (0, 2, 2)}, ["patch_stride of stage 1"]),
        ({"num_channels": 0}, ["num_channels"]),
        ({"hidden_act": "relu"}, ["hidden_act", "gelu, quick_gelu"]),
        ({"problem_type": "ranking"}, ["problem_type", "regression"]),
        ({"layer_norm_eps": 0}, ["layer_norm_eps"]),
        ({"initializer_range": -1}, ["initializer_range"]),
        ({"num_labels": -1}, ["num_labels"]),
        ({"num_labels": 3, "id2label": {0: "a", 1: "b"}}, ["num_labels is 3", "2 labels"]),
        ({"num_labels": None, "id2label": {0: "a", 2: "b"}}, ["id2label", "gap"]),
        ({"num_labels": None, "id2label": {"first": "a"}}, ["id2label", "gap"]),
        ({"image_size": 0}, ["image_size"]),
        ({"embed_dim": 10**400}, ["embed_dim of stage 1", "at most 2147483647"]),
        ({"mlp_ratio": 1e308}, ["mlp_ratio of stage 1", "at most 2147483647"]),
        ({"num_labels": 10**18}, ["num_labels", "at most"]),
        ({"num_labels": 1_000_001}, ["num_labels", "at most 1000000"]),
        ({"num_labels": "5", "id2label": ["a"] * 5}, ["num_labels", "'5'"]),
        ({"num_labels": None, "id2label": 5}, ["id2label", "not 5"]),
        ({"num_labels": None, "id2label": "ab"}, ["id2label", "'ab'"]),
        ({"label2id": ["a"]}, ["label2id", "['a']"]),
        ({"label2id": {"a": "x"}}, ["label2id", "{'a': 'x'}"]),
        ({"depth": np.array(3.5)}, ["depth of stage 1", "3.5"]),
        ({"cls_token": np.ones((3, 2))}, ["cls_token of stage 1", "true or false"]),
        ({"qkv_projection_method": np.ones((3, 2))}, ["qkv_projection_method of stage 1"]),
        ({"layer_norm_eps": np.ones(2)}, ["layer_norm_eps"]),
        ({"hidden_act": np.ones(2)}, ["hidden_act"]),
        ({"hidden_act": None}, ["hidden_act"]),
    ],
    ids=str,
)
def test_the_impossible_is_refused_with_field_stage_and_remedy(changes, words):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 -- the words are compared below
        tiny_config(**changes)
    for word in words:
        assert word in str(caught.value)
    assert len(str(caught.value)) < 250
    assert "\n" not in str(caught.value)


def test_another_number_of_stages_needs_the_fields_without_a_general_default():
    with pytest.raises(ValueError, match=r"num_heads is missing: a model of 2 stages \(depth has 2 values\) needs num_heads"):
        CvtConfig(embed_dim=(8, 16), depth=(1, 1))
    with pytest.raises(ValueError, match=r"embed_dim is missing: a model of 1 stage \(patch_sizes has 1 value\)"):
        CvtConfig(patch_sizes=[7])
    with pytest.raises(ValueError, match="patch_sizes is empty"):
        CvtConfig(patch_sizes=[])


def test_grids_equal_what_the_model_computes():
    for method in ("dw_bn", "avg", "linear"):
        config = tiny_config(qkv_projection_method=method, stride_kv=(1, 2, 3), patch_padding=((3, 0), 1, 0))
        model = CvtForImageClassification(config).eval()
        for height, width in [(32, 32), (41, 67), (96, 33)]:
            with torch.no_grad():
                output = model(torch.zeros(1, 3, height, width), output_hidden_states=True, output_attentions=True)
            attentions = iter(output.attentions)
            for stage, (queries, keys) in enumerate(config.grids(height, width)):
                assert tuple(output.hidden_states[stage].shape[2:]) == queries
                for _ in range(config.depth[stage]):
                    cls = int(config.cls_token[stage])
                    assert next(attentions).shape[2:] == (cls + queries[0] * queries[1], cls + keys[0] * keys[1])


def test_closed_forms_equal_torch():
    for size in range(1, 12):
        for kernel in range(1, 6):
            for stride in range(1, 5):
                for padding in range(kernel // 2 + 1):
                    if size + 2 * padding < kernel:
                        continue
                    x = torch.zeros(1, 1, size, size)
                    assert conv_output(size, kernel, stride, padding) == torch.nn.Conv2d(1, 1, kernel, stride, padding)(x).shape[2]
                    pool = torch.nn.AvgPool2d(kernel, stride, padding, ceil_mode=True)
                    assert pooled_output(size, kernel, stride, padding) == pool(x).shape[2]


def test_a_picture_too_small_is_refused():
    config = tiny_config(patch_padding=0)
    with pytest.raises(ValueError, match=r"12×32 pixels is too small: stage 2"):
        config.grids(12, 32)


def test_drop_path_rates_grow_over_each_stages_own_layers():
    config = tiny_config(depth=(2, 1, 4), drop_path_rate=(0.2, 0.3, 0.3))
    for stage, expected in enumerate([(0.0, 0.2), (0.0,), (0.0, 0.1, 0.2, 0.3)]):
        assert config.stages[stage].drop_path_rates == pytest.approx(expected)
        assert config.stages[stage].drop_path_rates == pytest.approx(
            torch.linspace(0, config.drop_path_rate[stage], config.depth[stage], dtype=torch.float64).tolist()
        )


def test_layer_norm_eps_of_published_files_means_what_ran():
    assert CvtConfig.from_dict({"layer_norm_eps": 1e-12}).layer_norm_eps == 1e-5
    assert CvtConfig.from_dict({}).layer_norm_eps == 1e-5
    assert CvtConfig(layer_norm_eps=1e-6).layer_norm_eps == 1e-6


def test_unknown_keys_are_kept_and_labels_restored(tmp_path):
    published = {
        "model_type": "cvt",
        "architectures": ["CvtForImageClassification"],
        "depth": [1, 2, 3],
        "embed_dim": [8, 16, 24],
        "num_heads": [1, 2, 3],
        "num_stages": 3,
        "pos_embed": [False, False, False],
        "id2label": {"0": "tench", "1": "goldfish"},
        "label2id": {"tench": 0, "goldfish": 1},
        "torch_dtype": "float32",
        "a": {"nested": [1]},
    }
    config = CvtConfig.from_dict(published)
    assert config.id2label == {0: "tench", 1: "goldfish"}
    assert config.num_labels == 2
    config.save_pretrained(tmp_path)
    again = json.loads((tmp_path / "config.json").read_text())
    assert {name: again[name] for name in published} == published
    assert CvtConfig.from_pretrained(tmp_path) == config


def test_labels_may_be_a_list_and_ids_may_be_text():
    assert CvtConfig(id2label=["cat", "dog"]) == CvtConfig(id2label={"1": "dog", "0": "cat"})


def test_another_models_file_is_refused():
    with pytest.raises(ValueError, match="'vit' model, not a CvT"):
        CvtConfig.from_dict({"model_type": "vit"})


def test_replace_validates_and_renews_labels():
    config = tiny_config(id2label={0: "a", 1: "b"}, num_labels=None)
    assert config.replace(num_labels=3).id2label == {0: "LABEL_0", 1: "LABEL_1", 2: "LABEL_2"}
    assert config.replace(id2label={0: "c"}).label2id == {"c": 0}
    assert config.replace(depth=(1, 1, 1)).id2label == {0: "a", 1: "b"}
    with pytest.raises(ValueError, match="stride_q"):
        config.replace(stride_q=2)


def test_a_config_cannot_be_changed_in_place():
    with pytest.raises(AttributeError):
        CvtConfig().depth = (1, 1, 1)
