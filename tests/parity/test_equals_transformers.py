"""With equal weights, ours and transformers' CvT compute the same."""

import pytest
import torch

from cvt import CvtForImageClassification, CvtImageProcessor, CvtModel
from cvt.config import PUBLISHED, CvtConfig
from tests.helpers import pixels, tiny_config, tiny_model
from tests.parity.oracle import EXACT, assert_as_exact, attention_weights, difference, transformers, twin

# The published architectures with an eighth of their width (W24: a sixteenth), and CvT-13 itself.
SHAPES = {
    "like CvT-13": ({**PUBLISHED["CvT-13"], "embed_dim": (8, 24, 48)}, (2, 3, 224, 224)),
    "like CvT-21": ({**PUBLISHED["CvT-21"], "embed_dim": (8, 24, 48)}, (2, 3, 224, 224)),
    "like CvT-W24": ({**PUBLISHED["CvT-W24"], "embed_dim": (12, 48, 64)}, (1, 3, 192, 192)),
    "CvT-13": (PUBLISHED["CvT-13"], (1, 3, 224, 224)),
}


@pytest.mark.parametrize("name", SHAPES)
def test_logits_and_every_stage_in_float32(name):
    settings, shape = SHAPES[name]
    ours = tiny_model(CvtConfig(**settings))
    theirs, x = twin(ours), pixels(*shape)
    with torch.no_grad():
        got, expected = ours(x, output_hidden_states=True), theirs(x, output_hidden_states=True)
        exact = ours.double()(x.double(), output_hidden_states=True)
    assert len(got.hidden_states) == len(expected.hidden_states) == 3
    for values in zip(
        [got.logits, *got.hidden_states], [expected.logits, *expected.hidden_states], [exact.logits, *exact.hidden_states], strict=True
    ):
        assert_as_exact(*values)
    assert difference(got.logits, expected.logits) < 1e-4  # that the exact values are a third opinion of the same
    assert (got.logits - got.logits[:, :1]).abs().max() > 0.1  # not equal because nothing was computed


@pytest.mark.parametrize(("height", "width"), [(32, 32), (37, 61), (64, 32), (33, 95)])
def test_any_size_and_aspect(height, width):
    ours = tiny_model().double()
    x = pixels(2, 3, height, width).double()
    with torch.no_grad():
        assert difference(ours(x).logits, twin(ours)(x).logits) < EXACT


@pytest.mark.parametrize(
    "changes",
    [
        {"hidden_act": "quick_gelu"},  # transformers with its activation replaced is the authors' model
        {"qkv_bias": False},
        {"num_channels": 1},
        {"stride_kv": (1, 2, 3)},
        {"kernel_qkv": (1, 3, 5), "padding_q": (0, 1, 2), "padding_kv": (0, 1, 2)},
        {"embed_dim": (8, 16), "num_heads": (2, 4), "depth": (1, 3), "drop_path_rate": (0.0, 0.1)},
        {"embed_dim": (8, 8, 16, 24), "num_heads": (1, 2, 2, 3), "depth": (1, 2, 3, 4)},
        {"mlp_ratio": (1.0, 2.5, 4.0)},
        {"num_labels": 0},
    ],
    ids=str,
)
def test_settings(changes):
    ours = tiny_model(**changes).double()
    x = pixels(2, ours.config.num_channels, 48, 64).double()
    with torch.no_grad():
        assert difference(ours(x).logits, twin(ours)(x).logits) < EXACT


def test_model_without_classifier():
    ours = tiny_model(cls=CvtModel).double()
    x = pixels(2, 3, 48, 64).double()
    with torch.no_grad():
        got, expected = ours(x), twin(ours)(x)
        as_tuple, expected_tuple = ours(x, return_dict=False), twin(ours)(x, return_dict=False)
    assert difference(got.last_hidden_state, expected.last_hidden_state) < EXACT
    assert difference(got.cls_token_value, expected.cls_token_value) < EXACT
    assert [each.shape for each in as_tuple] == [each.shape for each in expected_tuple]


def test_attention_weights():
    ours, x = tiny_model(), pixels(2, 3, 48, 64)
    theirs = twin(ours)
    with torch.no_grad():
        got = ours(x, output_attentions=True).attentions
        exact = ours.double()(x.double(), output_attentions=True).attentions
    expected, as_exact = attention_weights(theirs, x), attention_weights(theirs.double(), x.double())
    assert len(got) == len(expected) == sum(ours.config.depth)
    for values in zip(got, expected, as_exact, strict=True):
        assert_as_exact(*values)
    for values, expected_values in zip(exact, as_exact, strict=True):
        assert difference(values, expected_values) < EXACT


def test_training_step_moves_the_weights_alike():
    ours = tiny_model(drop_path_rate=0.0).double().train()
    theirs, x, labels = twin(ours), pixels(4, 3, 48, 48).double(), torch.tensor([0, 1, 2, 3])
    for model in (ours, theirs):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
        for _ in range(3):
            loss = model(x, labels=labels).loss
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
    with torch.no_grad():
        assert difference(ours(x).logits, theirs(x).logits) < 1e-9


@pytest.mark.parametrize("cls", [CvtForImageClassification, CvtModel])
def test_our_folder_opens_there(cls, tmp_path):
    ours = tiny_model(cls=cls, id2label={0: "cat", 1: "dog"}, num_labels=None)
    ours.save_pretrained(tmp_path)
    theirs, report = getattr(transformers, cls.__name__).from_pretrained(tmp_path, output_loading_info=True)
    assert not any(report.values()), report
    assert theirs.config.id2label == {0: "cat", 1: "dog"}
    x = pixels()
    with torch.no_grad():
        assert difference(ours.double()(x.double())[0], theirs.double()(x.double())[0]) < EXACT


@pytest.mark.parametrize("cls", [CvtForImageClassification, CvtModel])
def test_their_folder_opens_here(cls, tmp_path):
    theirs = twin(tiny_model(cls=cls))
    theirs.save_pretrained(tmp_path)
    ours = cls.from_pretrained(tmp_path)
    x = pixels()
    with torch.no_grad():
        assert difference(ours.double()(x.double())[0], theirs.double()(x.double())[0]) < EXACT
    assert not ours.training


def test_their_default_config_means_the_same(tmp_path):
    transformers.CvtConfig().save_pretrained(tmp_path)
    assert CvtConfig.from_pretrained(tmp_path).replace(extra={}) == CvtConfig()
    CvtConfig().save_pretrained(tmp_path / "ours")
    theirs = transformers.CvtConfig.from_pretrained(tmp_path / "ours")
    assert theirs.embed_dim in ((64, 192, 384), [64, 192, 384])
    assert theirs.num_labels == 2


def test_no_classes_survive_the_round_trip(tmp_path):
    ours = tiny_model(num_labels=0)
    ours.save_pretrained(tmp_path)
    theirs = transformers.CvtForImageClassification.from_pretrained(tmp_path)
    x = pixels()
    with torch.no_grad():
        assert difference(ours.double()(x.double()).logits, theirs.double()(x.double()).logits) < EXACT
    assert CvtForImageClassification.from_pretrained(tmp_path).config.num_labels == 0


def test_processor_folder_opens_there(tmp_path):
    CvtImageProcessor(size=96, image_mean=(0.1, 0.2, 0.3)).save_pretrained(tmp_path)
    theirs = transformers.AutoImageProcessor.from_pretrained(tmp_path, backend="pil")
    assert dict(theirs.size) == {"shortest_edge": 96}
    assert list(theirs.image_mean) == [0.1, 0.2, 0.3]


def test_loss_of_their_three_kinds():
    x = pixels()
    for changes, labels in [
        ({}, torch.tensor([1, 4])),
        ({}, torch.tensor([[0.0, 1, 1, 0, 0], [1, 0, 0, 0, 1]])),
        ({"num_labels": 1}, torch.tensor([0.5, -2.0])),
        ({"problem_type": "regression"}, pixels(2, 5)),
    ]:
        ours = tiny_model(tiny_config(**changes))
        with torch.no_grad():
            assert float(ours(x, labels=labels).loss) == pytest.approx(float(twin(ours)(x, labels=labels).loss), rel=1e-5)
