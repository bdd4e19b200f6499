"""Habits for which this library has a rule of its own: what a config says of a model, what is refused, what is written."""

import json

import pytest
import torch
from torch import nn

import cvt
from cvt import CvtConfig, CvtForImageClassification, CvtModel
from cvt.architecture.build import build_variant, inherit
from tests.files.fake_hub import FakeHub
from tests.helpers import pixels, tiny_config, tiny_model

LABELS = dict(enumerate(["ant", "bee", "cat", "dog", "eel"]))
CLAIMS = {"evaluation": {"top1": 0.75, "pictures": 100}, "calibration": {"temperature": 0.9}}


def logits(model):
    with torch.no_grad():
        return model(pixels()).logits


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """A folder of a model whose config says how good it is."""
    folder = tmp_path_factory.mktemp("measured")
    model = tiny_model(tiny_config(id2label=LABELS, num_labels=None))
    model.claim(CLAIMS)
    model.save_pretrained(folder)
    return folder


def load(folder, **options):
    return CvtForImageClassification.from_pretrained(folder, **options)


# --- what a config says of how good a model is -----------------------------------------------------------------------------


def claims(model_or_config):
    config = getattr(model_or_config, "config", model_or_config)
    return {name: value for name, value in config.extra.items() if name in CLAIMS}


def changed(folder, name, value):
    config = CvtConfig.from_pretrained(folder)
    setattr(config, name, value)
    return config


KEPT = {
    "as it is": lambda folder: load(folder),
    "its config": lambda folder: CvtConfig.from_pretrained(folder),
    "saved again": lambda folder: CvtConfig.from_dict(CvtConfig.from_pretrained(folder).to_dict()),
    "switches": lambda folder: load(folder, output_hidden_states=True, problem_type="single_label_classification"),
    "as many labels": lambda folder: load(folder, num_labels=5),
    "rates of dropping": lambda folder: load(folder, drop_path_rate=0.3, drop_rate=0.1),
    "an attribute": lambda folder: changed(folder, "use_cache", False),
    "half precision": lambda folder: load(folder, dtype="float16"),
    "evaluation": lambda folder: load(folder).eval(),
}
LOST = {
    "depth": lambda folder: CvtConfig.from_pretrained(folder).replace(depth=(1, 2, 2)),
    "a stride": lambda folder: load(folder, stride_kv=1),
    "the activation": lambda folder: load(folder, hidden_act="quick_gelu"),
    "other names": lambda folder: load(folder, id2label={index: str(index) for index in range(5)}),
    "names that are set": lambda folder: changed(folder, "id2label", {index: str(index) for index in range(5)}),
    "fewer labels that are set": lambda folder: changed(folder, "num_labels", 3),
    "another side": lambda folder: CvtConfig.from_pretrained(folder).replace(image_size=64),
    "a new head": lambda folder: load(folder, num_labels=3, ignore_mismatched_sizes=True),
    "random weights": lambda folder: CvtForImageClassification(CvtConfig.from_pretrained(folder)),
    "random weights of a seed": lambda folder: build_variant(CvtConfig.from_pretrained(folder), 1),
    "another's tensors": lambda folder: load(folder, state_dict=tiny_model(seed=4).state_dict()),
    "inherited": lambda folder: inherit(load(folder), load(folder).config.replace(depth=(1, 2, 2))).model,
    "training": lambda folder: load(folder).train(),
}


@pytest.mark.parametrize("habit", KEPT)
def test_a_claim_stays_with_the_weights(measured, habit):
    assert claims(KEPT[habit](measured)) == CLAIMS


@pytest.mark.parametrize("habit", LOST)
def test_other_weights_carry_no_claim(measured, habit):
    assert claims(LOST[habit](measured)) == {}


def test_a_model_in_training_leaves_its_folder_and_other_models_alone(measured):
    first, second = load(measured), load(measured)
    first.train()
    assert (claims(second), claims(CvtConfig.from_pretrained(measured))) == (CLAIMS, CLAIMS)
    assert claims(first.cvt) == {}


@pytest.mark.parametrize("claim", [{"top1": float("nan")}, {"top1": float("inf")}, {"top1": 7.5}, {"top5": -1}, [1], "high", None])
def test_a_claim_that_makes_no_sense_is_not_read(claim):
    assert claims(CvtConfig.from_dict({"evaluation": claim, "calibration": {"temperature": 0.9}})) == {"calibration": {"temperature": 0.9}}


# --- a config's attributes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "kind", "words"),
    [
        ("depth", (1, 2, 2), AttributeError, "config.replace(depth=(1, 2, 2))"),
        ("depth", "deep", AttributeError, "config.replace(depth='deep')"),
        ("num_channels", 1, AttributeError, "architecture"),
        ("drop_path_rate", 0.2, AttributeError, "architecture"),
        ("num_stages", 4, AttributeError, "num_stages"),
        ("to_dict", 4, AttributeError, "to_dict"),
        ("problem_type", "ranking", ValueError, "problem_type is 'ranking'"),
        ("num_labels", -1, ValueError, "num_labels"),
        ("id2label", {0: "a", 2: "b"}, ValueError, "gap"),
        ("return_dict", "maybe", ValueError, "return_dict must be true or false"),
        ("output_hidden_states", 3, ValueError, "output_hidden_states"),
        ("image_size", 10**6, ValueError, "image_size must be a whole number, at most 8192"),
    ],
)
def test_what_cannot_be_set_is_said_and_nothing_changes(name, value, kind, words):
    config = tiny_config()
    with pytest.raises(kind) as caught:
        setattr(config, name, value)
    assert words in str(caught.value)
    assert config == tiny_config()


def test_what_is_set_already_may_be_set_again():
    config = tiny_config()
    config.update({"depth": [1, 2, 3], "drop_rate": 0, "num_channels": 3})
    assert config == tiny_config()


def test_attributes_are_saved_and_belong_to_one_config(tmp_path):
    config = tiny_config(use_cache=False)
    other = config.replace()
    config.use_cache, config.anything = True, [1]
    assert (other.use_cache, hasattr(other, "anything")) == (False, False)
    config.save_pretrained(tmp_path)
    assert CvtConfig.from_pretrained(tmp_path) == config
    del config.anything
    assert not hasattr(config, "anything")
    config.anything = object()
    with pytest.raises(ValueError, match=r"has an attribute that a config\.json cannot hold"):
        config.save_pretrained(tmp_path)
    assert CvtConfig.from_pretrained(tmp_path).anything == [1]


@pytest.mark.parametrize(
    ("misspelt", "meant"),
    [
        ("embed_dims", "embed_dim"),
        ("num_label", "num_labels"),
        ("drop_path_rates", "drop_path_rate"),
        ("output_hidden_state", "output_hidden_states"),
    ],
)
def test_a_misspelt_field_is_no_attribute(measured, misspelt, meant):
    for call in (CvtConfig, lambda **options: CvtConfig.from_pretrained(measured, **options), lambda **options: load(measured, **options)):
        with pytest.raises(TypeError, match=f"{misspelt}.*did you mean '{meant}'"):
            call(**{misspelt: 3})


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ([{"a": 1}], "label of class 0 must be text"),
        (["a", None], "label of class 1 must be text"),
        (["a", ["b"]], "label of class 1 must be text"),
        (["a" * 500_000], "label of class 0 has 500000 characters"),
    ],
)
def test_labels_are_text(labels, words):
    with pytest.raises(ValueError, match=words):
        CvtConfig(id2label=labels)
    with pytest.raises(ValueError, match=words):
        CvtConfig.from_dict({"id2label": {str(index): label for index, label in enumerate(labels)}})


def test_an_empty_label_gets_a_name():
    assert CvtConfig(id2label=["", "b", " "]).id2label == {0: "LABEL_0", 1: "b", 2: "LABEL_2"}


def test_a_config_of_transformers_is_taken_wherever_one_is(measured):
    transformers = pytest.importorskip("transformers")
    theirs = transformers.CvtConfig.from_pretrained(measured)
    assert torch.equal(logits(load(measured, config=theirs)), logits(load(measured)))
    built = CvtModel(transformers.CvtConfig(depth=[1, 2, 3], output_hidden_states=True))
    assert built.config == CvtConfig(depth=[1, 2, 3], output_hidden_states=True)
    assert len(CvtForImageClassification._from_config(theirs)(pixels()).logits[0]) == 5
    with pytest.raises(TypeError, match=r"must be a CvtConfig, .* not ViTConfig"):
        CvtModel(transformers.ViTConfig())


# --- models --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "kind", "words"),
    [
        ({"devicemap": "auto"}, TypeError, "did you mean 'device_map'"),
        ({"ignore_mismatched_size": True}, TypeError, "did you mean 'ignore_mismatched_sizes'"),
        ({"low_cpu_memory_usage": True}, TypeError, "did you mean 'low_cpu_mem_usage'"),
        ({"load_in_8bit": True}, ValueError, "torchao"),
        ({"quantization_config": {"bits": 4}}, ValueError, "torchao"),
        ({"tp_plan": "auto"}, ValueError, "tensor parallelism"),
        ({"device_map": {"cvt": "cpu", "classifier": "disk"}}, ValueError, "dispatch_model"),
        ({"variant": "../x"}, ValueError, "variant"),
        ({"subfolder": "../x"}, ValueError, "subfolder"),
        ({"attn_implementation": "flash_attention_2"}, ValueError, "attn_implementation"),
        ({"state_dict": {"classifier.weight": 3}}, ValueError, "state_dict must be tensors by name"),
        ({"config": 3}, TypeError, "must be a CvtConfig"),
    ],
    ids=str,
)
def test_what_cannot_be_honoured_is_said(measured, options, kind, words):
    with pytest.raises(kind) as caught:
        load(measured, **options)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_swapped_classifier_is_saved_with_its_classes(measured, tmp_path):
    model = load(measured)
    model.classifier = nn.Linear(24, 7)
    with pytest.warns(UserWarning, match="has 7 outputs but the config names 5 classes"):
        model.save_pretrained(tmp_path)
    again = load(tmp_path)
    assert torch.equal(logits(again), logits(model))
    assert again.config.num_labels == model.config.num_labels == 7
    assert claims(again) == claims(model) == {}
    model.config.id2label = [f"class {index}" for index in range(7)]
    model.save_pretrained(tmp_path)
    assert load(tmp_path).config.id2label[6] == "class 6"


@pytest.mark.parametrize(
    "head", [nn.Linear(24, 7, bias=False), nn.Sequential(nn.Linear(24, 8), nn.Linear(8, 5)), nn.Linear(12, 5)], ids=str
)
def test_what_would_not_load_again_is_not_written(measured, tmp_path, head):
    model = load(measured)
    model.classifier, model.config.num_labels = head, getattr(head, "out_features", 5)
    with pytest.raises(ValueError, match=r"would not load again: .*classifier"):
        model.save_pretrained(tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_later_save_leaves_nothing_of_an_earlier_one(measured, tmp_path):
    """Whatever was written last is what is loaded."""
    for seed, options in enumerate(
        [{"max_shard_size": "10KB"}, {"max_shard_size": "40KB"}, {}, {"safe_serialization": False}, {"max_shard_size": "10KB"}, {}]
    ):
        model = tiny_model(seed=seed)
        model.save_pretrained(tmp_path, **options)
        assert torch.equal(logits(load(tmp_path)), logits(model))
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix != ".bin") == ["config.json", "model.safetensors"]


def test_a_save_function_writes_the_bin(measured, tmp_path):
    written = []

    def save(state, path):
        written.append(sorted(state))
        torch.save(state, path)

    model = load(measured)
    model.save_pretrained(tmp_path, save_function=save, safe_serialization=False)
    assert written == [sorted(model.state_dict())]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.json", "pytorch_model.bin"]
    assert torch.equal(logits(load(tmp_path)), logits(model))


def damage(folder, change):
    path = folder / "model.safetensors.index.json"
    index = json.loads(path.read_text())
    path.write_text(json.dumps(change(index)))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda index: index | {"weight_map": {}}, "does not name a .safetensors file for every tensor"),
        (lambda index: index | {"weight_map": 3}, "does not name"),
        (lambda index: {}, "does not name"),
        (lambda index: [], "holds no settings"),
        (lambda index: index | {"weight_map": dict.fromkeys(index["weight_map"], "../measured/model.safetensors")}, "does not name"),
        (lambda index: index | {"weight_map": dict.fromkeys(index["weight_map"], "/etc/passwd")}, "does not name"),
        (lambda index: index | {"weight_map": dict.fromkeys(index["weight_map"], "pytorch_model.bin")}, "does not name"),
        (lambda index: index | {"weight_map": dict.fromkeys(index["weight_map"], "absent.safetensors")}, "There is no absent.safetensors"),
        (lambda index: index | {"weight_map": dict(list(index["weight_map"].items())[1:])}, "does not hold the tensors"),
        (lambda index: index | {"weight_map": index["weight_map"] | {"more": min(index["weight_map"].values())}}, "does not hold"),
    ],
)
def test_an_index_is_read_strictly(tmp_path, change, words):
    tiny_model().save_pretrained(tmp_path, max_shard_size="60KB")
    damage(tmp_path, change)
    with pytest.raises(ValueError, match=words) as caught:
        load(tmp_path)
    assert str(tmp_path) not in str(caught.value)


def test_names_of_tensors_are_mapped(measured, tmp_path):
    state = {f"backbone.{name}": value for name, value in load(measured).state_dict().items()}
    model = load(measured, state_dict=state, key_mapping={"^backbone\\.": ""})
    assert torch.equal(logits(model), logits(load(measured)))


def test_the_public_names_are_those_of_the_documentation():
    assert {"CvtConfig", "CvtForImageClassification", "CvtModel"} <= set(cvt.__all__)


# --- the Hub -------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def hub(monkeypatch, tmp_path):
    from huggingface_hub import constants

    server = FakeHub()
    monkeypatch.setattr(constants, "ENDPOINT", server.url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", server.url + "/{repo_id}/resolve/{revision}/{filename}")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.hf_api.api.endpoint", server.url)
    monkeypatch.setenv("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    yield server
    server.close()


def test_what_is_pushed_to_the_hub_loads_from_it(hub, measured, tmp_path):
    model = load(measured)
    model.push_to_hub("someone/pushed", token="hf_secret", commit_message="First", private=True, max_shard_size="60KB")
    files = hub.repositories["someone/pushed"]["main"]
    parts = [name for name in files if name.startswith("model-0")]
    assert sorted(files) == ["config.json", *sorted(parts), "model.safetensors.index.json"]
    assert len(parts) > 1
    assert torch.equal(logits(load("someone/pushed")), logits(model))
    assert hub.commits == [("someone/pushed", "First", "hf_secret")]

    model.save_pretrained(tmp_path / "named", push_to_hub=True, repo_id="someone/saved", token="hf_secret")
    assert sorted(hub.repositories["someone/saved"]["main"]) == ["config.json", "model.safetensors"]
    model.config.push_to_hub("someone/config", token="hf_secret")
    assert CvtConfig.from_pretrained("someone/config") == model.config


def test_a_hub_that_says_no_is_one_sentence(hub, measured):
    hub.close()
    with pytest.raises(ValueError, match=r"Nothing was uploaded to the Hugging Face Hub \("):
        load(measured).push_to_hub("someone/pushed", token="hf_secret")


def test_files_on_the_hub_in_a_subfolder_and_as_a_variant(hub, measured, tmp_path):
    model = load(measured)
    model.save_pretrained(tmp_path / "files", variant="fp16", max_shard_size="60KB")
    hub.publish("someone/files", tmp_path / "files")
    hub.repositories["someone/files"]["main"] = {f"inner/{name}": body for name, body in hub.repositories["someone/files"]["main"].items()}
    again = load("someone/files", subfolder="inner", variant="fp16")
    assert torch.equal(logits(again), logits(model))
    assert again.name_or_path == "someone/files"
    count = len(hub.gets("config.json"))
    load("someone/files", subfolder="inner", variant="fp16")
    assert len(hub.gets("config.json")) == count
    load("someone/files", subfolder="inner", variant="fp16", force_download=True)
    assert len(hub.gets("config.json")) == count + 1
    with pytest.raises(OSError, match="no weights in 'someone/files'"):
        load("someone/files", subfolder="inner", variant="fp16", use_safetensors=False)
