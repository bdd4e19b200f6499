import json
import os
import pickle
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file, save_file

import cvt.files.hub
from cvt import CvtConfig, CvtForImageClassification, CvtImageProcessor, CvtModel
from cvt.files.hub import EMBEDDED
from cvt.files.names import MICROSOFT, SAME, to_ours, to_theirs
from cvt.files.storage import replacing
from tests.files.fake_hub import FakeHub, in_place_of_the_hub
from tests.helpers import ROOT, pixels, tiny_config, tiny_model


def logits(model, x=None):
    with torch.no_grad():
        return model(pixels() if x is None else x).logits


@pytest.fixture
def saved(tmp_path):
    """A model and the folder that holds it and its processor."""
    model, folder = tiny_model(), tmp_path / "a model"
    model.save_pretrained(folder)
    CvtImageProcessor(size=32).save_pretrained(folder)
    return model, folder


# --- names ---------------------------------------------------------------------------------------------------------------


def test_names_are_those_of_the_published_files():
    """A sample of each kind, written out; test_equals_transformers compares all of Hugging Face's."""
    block = "cvt.encoder.stages.1.layers.11"
    qkv = f"{block}.attention.attention"
    expected = {
        "cvt.encoder.stages.2.cls_token": "stage2.cls_token",
        "cvt.encoder.stages.0.embedding.convolution_embeddings.projection.bias": "stage0.patch_embed.proj.bias",
        "cvt.encoder.stages.0.embedding.convolution_embeddings.normalization.weight": "stage0.patch_embed.norm.weight",
        f"{block}.layernorm_before.weight": "stage1.blocks.11.norm1.weight",
        f"{block}.layernorm_after.weight": "stage1.blocks.11.norm2.weight",
        f"{qkv}.convolution_projection_key.convolution_projection.convolution.weight": "stage1.blocks.11.attn.conv_proj_k.conv.weight",
        f"{qkv}.convolution_projection_value.convolution_projection.normalization.num_batches_tracked": (
            "stage1.blocks.11.attn.conv_proj_v.bn.num_batches_tracked"
        ),
        f"{qkv}.projection_query.weight": "stage1.blocks.11.attn.proj_q.weight",
        f"{block}.attention.output.dense.weight": "stage1.blocks.11.attn.proj.weight",
        f"{block}.intermediate.dense.bias": "stage1.blocks.11.mlp.fc1.bias",
        f"{block}.output.dense.bias": "stage1.blocks.11.mlp.fc2.bias",
        "layernorm.weight": "norm.weight",
        "classifier.bias": "head.bias",
    }
    for name, microsoft in expected.items():
        assert to_theirs(name, MICROSOFT) == microsoft
    for name in tiny_model().state_dict():
        assert to_theirs(name, MICROSOFT) != name
        assert to_ours(to_theirs(name, MICROSOFT), MICROSOFT) == name
        assert to_theirs(name, SAME) == to_ours(name, SAME) == name


# --- folders -------------------------------------------------------------------------------------------------------------


def test_round_trip(saved):
    model, folder = saved
    again = CvtForImageClassification.from_pretrained(folder)
    assert torch.equal(logits(again), logits(model))
    assert again.config.replace(extra={}) == model.config
    assert not again.training
    assert all(value.requires_grad for value in again.parameters())
    values = model.state_dict()
    for name, value in again.state_dict().items():
        assert torch.equal(value, values[name]), name
    assert CvtForImageClassification.from_pretrained(str(folder)).config == again.config


def test_what_no_file_holds_is_there_after_loading(tmp_path):
    model = tiny_model(drop_path_rate=0.5)
    model.save_pretrained(tmp_path)
    again = CvtForImageClassification.from_pretrained(tmp_path)
    assert {name: float(value) for name, value in again.named_buffers() if name.endswith("rate")} == {
        name: float(value) for name, value in model.named_buffers() if name.endswith("rate")
    }
    assert again.train()(pixels()).logits.isfinite().all()


def test_a_loaded_model_does_not_depend_on_its_file(saved):
    model, folder = saved
    again = CvtForImageClassification.from_pretrained(folder)
    path = folder / "model.safetensors"
    with open(path, "r+b") as file:  # as a program that writes in place would
        file.write(b"\0" * path.stat().st_size)
    assert torch.equal(logits(again), logits(model))


def test_the_inner_model_alone_both_ways(saved, tmp_path):
    model, folder = saved
    inner = CvtModel.from_pretrained(folder)
    with torch.no_grad():
        assert torch.equal(inner(pixels()).cls_token_value, model.cvt(pixels()).cls_token_value)
    inner.save_pretrained(tmp_path / "inner")
    with pytest.raises(ValueError, match=r"layernorm.weight, .*\n.*ignore_mismatched_sizes=True"):
        CvtForImageClassification.from_pretrained(tmp_path / "inner")
    fresh = CvtForImageClassification.from_pretrained(tmp_path / "inner", ignore_mismatched_sizes=True, num_labels=3)
    with torch.no_grad():
        assert torch.equal(fresh.cvt(pixels()).cls_token_value, model.cvt(pixels()).cls_token_value)
    assert logits(fresh).shape == (2, 3)
    assert torch.equal(fresh.layernorm.weight, torch.ones(24))


def test_a_new_classifier_only_on_request(saved):
    model, folder = saved
    with pytest.raises(ValueError, match=r"classifier.weight 5×24 instead of 3×24(.|\n)*ignore_mismatched_sizes=True"):
        CvtForImageClassification.from_pretrained(folder, num_labels=3)
    names = {0: "cat", 1: "dog", 2: "owl"}
    fresh = CvtForImageClassification.from_pretrained(folder, id2label=names, ignore_mismatched_sizes=True)
    assert fresh.config.id2label == names
    assert torch.equal(fresh.layernorm.weight, model.layernorm.weight)
    assert fresh.classifier.weight.shape == (3, 24)
    assert 0 < float(fresh.classifier.weight.detach().std()) < 0.05
    without = CvtForImageClassification.from_pretrained(folder, num_labels=0, ignore_mismatched_sizes=True)
    assert logits(without).shape == (2, 24)


def test_every_tensor_that_does_not_fit_is_told_at_once(saved):
    _, folder = saved
    path = folder / "model.safetensors"
    state = load_file(path)
    del state["cvt.encoder.stages.2.cls_token"]
    state["something.else"] = torch.zeros(1)
    state["cvt.encoder.stages.0.embedding.convolution_embeddings.normalization.bias"] = torch.zeros(9)
    save_file(state, path, metadata={"format": "pt"})
    for ignore in (False, True):
        with pytest.raises(ValueError, match="do not fit") as caught:
            CvtForImageClassification.from_pretrained(folder, ignore_mismatched_sizes=ignore)
        message = str(caught.value)
        assert "model.safetensors" in message
        assert "missing (1): cvt.encoder.stages.2.cls_token" in message
        assert "unexpected (1): something.else" in message
        assert "convolution_embeddings.normalization.bias 9 instead of 8" in message
        assert "ignore_mismatched_sizes" not in message  # it would not help
    with pytest.raises(ValueError, match=r"missing \(\d+\): .*, and \d+ more"):
        CvtForImageClassification.from_pretrained(folder, depth=(1, 2, 9))


def test_dtype_and_device(saved):
    model, folder = saved
    half = CvtForImageClassification.from_pretrained(folder, dtype=torch.float16)
    assert half.dtype == torch.float16
    assert (
        half.cvt.encoder.stages[1]
        .layers[0]
        .attention.attention.convolution_projection_key.convolution_projection.normalization.num_batches_tracked.dtype
        == torch.int64
    )
    half.save_pretrained(folder)
    assert json.loads((folder / "config.json").read_text())["dtype"] == "float16"
    assert CvtForImageClassification.from_pretrained(folder).dtype == torch.float32
    assert CvtForImageClassification.from_pretrained(folder, torch_dtype="auto").dtype == torch.float16
    assert CvtForImageClassification.from_pretrained(folder, dtype="bfloat16").dtype == torch.bfloat16
    assert (logits(CvtForImageClassification.from_pretrained(folder)) - logits(model)).abs().max() < 0.01
    expected = "cuda" if torch.cuda.is_available() else "cpu"
    assert CvtForImageClassification.from_pretrained(folder, device_map="auto").device.type == expected
    for device in ("cpu", torch.device("cpu"), "cpu:0", -1):
        assert CvtForImageClassification.from_pretrained(folder, device=device).device.type == "cpu"
    with pytest.raises(ValueError, match="dtype must be"):
        CvtForImageClassification.from_pretrained(folder, dtype="int8")
    for device, name in [("gpu", "gpu"), (1.5, "1.5"), ({"": 0}, ".*"), ("meta", "meta"), ("hpu", "hpu"), (63, "cuda:63"), (-2, "cuda:-2")]:
        with pytest.raises(ValueError, match=f"There is no device ['\"]{name}['\"] here: choose one of auto, cpu"):
            CvtForImageClassification.from_pretrained(folder, device=device)


def test_a_device_that_is_full_is_not_taken_for_a_damaged_file(saved, monkeypatch):
    def full(*args, **kwargs):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 MiB.")

    monkeypatch.setattr("cvt.files.tensors.load_file", full)
    with pytest.raises(ValueError, match=r"cpu has too little free memory for model.safetensors from the folder 'a model'"):
        CvtForImageClassification.from_pretrained(saved[1])


def test_weights_that_are_no_floats_are_named(saved):
    path = saved[1] / "model.safetensors"
    state = load_file(path)
    state["cvt.encoder.stages.2.cls_token"] = state["cvt.encoder.stages.2.cls_token"].long()
    save_file(state, path)
    with pytest.raises(ValueError, match=r"another shape \(1\): cvt.encoder.stages.2.cls_token torch.int64 instead of floats"):
        CvtForImageClassification.from_pretrained(saved[1])


def test_a_config_of_another_type_is_refused(saved):
    with pytest.raises(TypeError, match=r"must be a CvtConfig.*not dict"):
        CvtForImageClassification.from_pretrained(saved[1], config={"depth": [1, 2, 3]})


def test_unknown_arguments_are_refused(saved):
    for load in (CvtConfig.from_pretrained, CvtImageProcessor.from_pretrained):
        with pytest.raises(TypeError, match="revison"):
            load(saved[1], revison="main")
    with pytest.raises(TypeError, match="num_label'"):
        CvtForImageClassification.from_pretrained(saved[1], num_label=3)


def test_fields_of_the_config_may_be_changed(saved):
    model = CvtForImageClassification.from_pretrained(saved[1], hidden_act="quick_gelu", drop_path_rate=0.3)
    assert model.config.hidden_act == "quick_gelu"
    assert float(model.cvt.encoder.stages[2].layers[2].drop_path.rate) == pytest.approx(0.3)
    assert not torch.allclose(logits(model), logits(saved[0]))
    assert CvtConfig.from_pretrained(saved[1], num_labels=3).id2label == {0: "LABEL_0", 1: "LABEL_1", 2: "LABEL_2"}


def test_pytorch_bin(saved):
    model, folder = saved
    state = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    torch.save(state, folder / "pytorch_model.bin")
    assert torch.equal(logits(CvtForImageClassification.from_pretrained(folder)), logits(model))
    torch.save(state, folder / "pytorch_model.bin", _use_new_zipfile_serialization=False)  # what PyTorch wrote before 1.6
    assert torch.equal(logits(CvtForImageClassification.from_pretrained(folder)), logits(model))


def test_safetensors_come_first(saved):
    model, folder = saved
    (folder / "pytorch_model.bin").write_bytes(b"never read")
    assert torch.equal(logits(CvtForImageClassification.from_pretrained(folder)), logits(model))


class Program:
    """What a pickle could do when it is opened."""

    def __reduce__(self):
        return os.mkdir, (os.environ["CVT_TEST_TRAP"],)


def test_a_pickle_that_would_run_a_program_is_refused(saved, tmp_path, monkeypatch):
    trap = tmp_path / "sprung"
    monkeypatch.setenv("CVT_TEST_TRAP", str(trap))
    _, folder = saved
    (folder / "model.safetensors").unlink()
    torch.save({"cvt.encoder": Program()}, folder / "pytorch_model.bin")
    with pytest.raises(ValueError, match=r"pytorch_model.bin in the folder 'a model' .*could run code"):
        CvtForImageClassification.from_pretrained(folder)
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Program(), protocol=2))
    with pytest.raises(ValueError, match=r"pytorch_model.bin in the folder 'a model'"):
        CvtForImageClassification.from_pretrained(folder)
    assert not trap.exists()


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin", "config.json", "preprocessor_config.json"])
@pytest.mark.parametrize("damage", ["half", "empty", "noise", "brackets"])
def test_damaged_files_are_named(saved, name, damage):
    _, folder = saved
    path = folder / name
    if name == "pytorch_model.bin":
        torch.save(load_file(folder / "model.safetensors"), path)
        (folder / "model.safetensors").unlink()
    whole = path.read_bytes()
    contents = {"half": whole[: len(whole) // 2], "empty": b"", "noise": bytes(range(256)) * 40, "brackets": b"[" * 100_000}
    path.write_bytes(contents[damage])
    load = CvtImageProcessor.from_pretrained if name == "preprocessor_config.json" else CvtForImageClassification.from_pretrained
    with pytest.raises(ValueError, match=f"{name} in the folder 'a model' cannot be used: it is damaged"):
        load(folder)
    assert path.exists()  # a person's own file is not deleted


def test_tensors_only(saved):
    _, folder = saved
    (folder / "model.safetensors").unlink()
    for content in ([1, 2], {"a": 1}, {}, {1: torch.zeros(1)}):
        torch.save(content, folder / "pytorch_model.bin")
        with pytest.raises(ValueError, match="no state dict"):
            CvtForImageClassification.from_pretrained(folder)


def test_missing_files_are_named(tmp_path):
    with pytest.raises(ValueError, match=r"no config.json in the folder"):
        CvtForImageClassification.from_pretrained(tmp_path)
    tiny_config().save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=r"no weights in the folder .* model.safetensors or pytorch_model.bin"):
        CvtForImageClassification.from_pretrained(tmp_path)
    with pytest.raises(ValueError, match=r"no preprocessor_config.json in the folder"):
        CvtImageProcessor.from_pretrained(tmp_path)
    for absent in (tmp_path / "absent", "./absent", "a/b/c", "model.pth", "", "a\0b", "x" * 5000, "~nobody/model"):
        with pytest.raises(ValueError, match="There is no folder or file"):
            CvtForImageClassification.from_pretrained(absent)
    for load in (CvtConfig.from_pretrained, CvtImageProcessor.from_pretrained):
        with pytest.raises(ValueError, match="There is no folder or file 'absent'"):
            load(tmp_path / "absent")


def test_saving_is_whole_or_not_at_all(saved, monkeypatch):
    model, folder = saved
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def fail(state, path, metadata):
        Path(path).write_bytes(b"half of it")
        raise OSError("No space left on device")

    monkeypatch.setattr("cvt.files.saving.save_file", fail)
    with pytest.raises(OSError, match="No space"):
        tiny_model(seed=1).save_pretrained(folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert torch.equal(logits(CvtForImageClassification.from_pretrained(folder)), logits(model))


def test_replacing_leaves_readable_files_and_no_others(tmp_path):
    with replacing(tmp_path / "new" / "file") as temporary:
        temporary.write_text("content")
        assert not (tmp_path / "new" / "file").exists()
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["file"]
    assert (tmp_path / "new" / "file").stat().st_mode & 0o777 == 0o644
    with (tmp_path / "new" / "file").open() as reader:  # an open reader still reads the old file
        with replacing(tmp_path / "new" / "file") as temporary:
            temporary.write_text("another")
        assert reader.read() == "content"
    assert (tmp_path / "new" / "file").read_text() == "another"


def test_channels_last_weights_are_saved(tmp_path):
    model = tiny_model().to(memory_format=torch.channels_last)
    model.save_pretrained(tmp_path)
    assert torch.allclose(logits(CvtForImageClassification.from_pretrained(tmp_path)), logits(model), atol=1e-6)


def test_loading_initialises_nothing_that_is_replaced(saved, monkeypatch):
    def never(*args, **kwargs):
        raise AssertionError("random weights were drawn on a real device")

    real = torch.nn.init.normal_
    monkeypatch.setattr(torch.nn.init, "normal_", lambda weight, **how: weight if weight.is_meta else never())
    CvtForImageClassification.from_pretrained(saved[1])
    monkeypatch.setattr(torch.nn.init, "normal_", real)


# --- the embedded model --------------------------------------------------------------------------------------------------


def test_no_argument_means_the_embedded_model(saved, monkeypatch):
    model, folder = saved
    monkeypatch.setattr(cvt.files.hub, "EMBEDDED", folder)
    assert torch.equal(logits(CvtForImageClassification.from_pretrained()), logits(model))
    assert CvtConfig.from_pretrained().embed_dim == model.config.embed_dim
    assert CvtImageProcessor.from_pretrained().side == 32
    monkeypatch.setattr(cvt.files.hub, "EMBEDDED", folder / "absent")
    with pytest.raises(ValueError, match="built-in model is missing"):
        CvtForImageClassification.from_pretrained()


@pytest.mark.skipif(not EMBEDDED.exists(), reason="the embedded weights are not in this checkout")
def test_the_embedded_model_is_whole():
    model, processor = CvtForImageClassification.from_pretrained(), CvtImageProcessor.from_pretrained()
    assert model.dtype == torch.float32
    assert model.config.num_labels == len(set(model.config.id2label.values()))
    assert not any(label.startswith("LABEL_") for label in model.config.id2label.values())
    assert processor.side == model.config.image_size
    assert (EMBEDDED / "model.safetensors").stat().st_size <= 16_000_000
    assert {value.dtype for value in load_file(EMBEDDED / "model.safetensors").values() if value.is_floating_point()} == {torch.float16}
    side = processor.side
    assert logits(model, pixels(1, 3, side, side)).isfinite().all()


# --- the authors' files --------------------------------------------------------------------------------------------------

AUTHORS = {"embed_dim": (64, 128, 192), "num_heads": (1, 2, 3), "depth": (1, 2, 3), "num_labels": 4, "mlp_ratio": 2.0}


def authors_state(model):
    return {to_theirs(name, MICROSOFT): value for name, value in model.state_dict().items()}


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("CvT-13-224x224-IN-1k.pth", {}),
        ("CvT-13-384x384-IN-22k.pth", {"qkv_bias": False, "image_size": 384}),
        ("other.pth", {"depth": (2, 2, 2), "cls_token": (True, False, False), "kernel_qkv": 5, "padding_q": 2, "padding_kv": 2}),
        ("two stages.pth", {"embed_dim": (64, 128), "num_heads": (1, 2), "depth": (1, 1), "num_channels": 1}),
        ("no head.pth", {"num_labels": 0}),
    ],
)
@pytest.mark.parametrize("nested", [False, True])
def test_the_authors_files(tmp_path, name, changes, nested):
    model = tiny_model(CvtConfig(**{**AUTHORS, "hidden_act": "quick_gelu", **changes}))
    state = authors_state(model)
    torch.save({"epoch": 3, "state_dict": state, "optimizer": {"lr": 0.1}} if nested else state, tmp_path / name)
    loaded = CvtForImageClassification.from_pretrained(tmp_path / name)
    assert loaded.config == model.config
    x = pixels(2, model.config.num_channels, 64, 64)
    assert torch.equal(logits(loaded, x), logits(model, x))
    assert CvtConfig.from_pretrained(tmp_path / name) == model.config
    processor = CvtImageProcessor.from_pretrained(tmp_path / name)
    assert (processor.side, processor.image_mean) == (model.config.image_size, [0.485, 0.456, 0.406])
    assert CvtModel.from_pretrained(tmp_path / name).config == model.config


def test_the_published_architectures_are_told_from_their_tensors(tmp_path):
    from cvt.config import PUBLISHED
    from cvt.files.microsoft import config_values

    for name, settings in PUBLISHED.items():
        config = CvtConfig(**settings, hidden_act="quick_gelu")
        with torch.device("meta"):
            state = CvtForImageClassification(config).state_dict()
        size = f"{config.image_size}x{config.image_size}"
        inferred = CvtConfig(**config_values(state, tmp_path / f"{name}-{size}-IN-1k.pth"))
        assert inferred.replace(drop_path_rate=config.drop_path_rate) == config


def test_tensors_that_do_not_tell_the_architecture(tmp_path):
    cases = [
        ({"qkv_projection_method": "avg"}, "stage 1 has no conv projection"),
        ({"embed_dim": (64, 96, 192), "num_heads": (1, 3, 3)}, "stage 2 is 96 wide"),
        ({"patch_sizes": (5, 3, 3)}, "stage 1 .* 5×5 conv embedding"),
        ({"depth": (1, 0, 1)}, "stage 2 has no MLP"),
    ]
    for changes, words in cases:
        model = tiny_model(CvtConfig(**{**AUTHORS, **changes}))
        torch.save(authors_state(model), tmp_path / "model.pth")
        with pytest.raises(ValueError, match=f"cannot be inferred .*{words}.*config="):
            CvtForImageClassification.from_pretrained(tmp_path / "model.pth")
        told = CvtForImageClassification.from_pretrained(tmp_path / "model.pth", config=model.config)
        assert torch.equal(logits(told, pixels(1, 3, 64, 64)), logits(model, pixels(1, 3, 64, 64)))
    whole = authors_state(tiny_model(CvtConfig(**AUTHORS)))
    for name in ("stage0.patch_embed.proj.weight", "stage1.blocks.0.mlp.fc1.weight", "stage2.blocks.0.attn.conv_proj_q.conv.weight"):
        torch.save(whole | {name: torch.zeros(())}, tmp_path / "model.pth")
        with pytest.raises(ValueError, match=r"cannot be inferred .* do not fit"):
            CvtForImageClassification.from_pretrained(tmp_path / "model.pth")
    torch.save(whole | {"head.weight": torch.zeros(())}, tmp_path / "model.pth")
    with pytest.raises(ValueError, match="head"):
        CvtForImageClassification.from_pretrained(tmp_path / "model.pth")


def test_an_incomplete_file_of_the_authors_is_named_in_their_words(tmp_path):
    state = authors_state(tiny_model(CvtConfig(**AUTHORS)))
    del state["stage2.blocks.1.attn.proj_q.weight"]
    torch.save(state, tmp_path / "model.pth")
    with pytest.raises(ValueError, match=r"missing \(1\): stage2.blocks.1.attn.proj_q.weight"):
        CvtForImageClassification.from_pretrained(tmp_path / "model.pth")


def test_what_was_the_authors_is_saved_as_hugging_faces(tmp_path):
    model = tiny_model(CvtConfig(**AUTHORS, hidden_act="quick_gelu"))
    torch.save(authors_state(model), tmp_path / "model.pth")
    CvtForImageClassification.from_pretrained(tmp_path / "model.pth").save_pretrained(tmp_path / "saved")
    again = CvtForImageClassification.from_pretrained(tmp_path / "saved")
    assert again.config.hidden_act == "quick_gelu"
    assert torch.equal(logits(again), logits(model))


def test_one_file_of_a_folder_may_be_named(saved):
    model, folder = saved
    assert torch.equal(logits(CvtForImageClassification.from_pretrained(folder / "model.safetensors")), logits(model))


# --- the Hub -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def hub(monkeypatch, tmp_path, saved):
    """A Hub with the saved model as "someone/tiny"; the cache is empty."""
    server = FakeHub()
    in_place_of_the_hub(server, monkeypatch, tmp_path / "cache")
    server.publish("someone/tiny", saved[1])
    yield server
    server.close()


def test_hub(hub, saved):
    model = CvtForImageClassification.from_pretrained("someone/tiny")
    assert torch.equal(logits(model), logits(saved[0]))
    assert CvtImageProcessor.from_pretrained("someone/tiny").side == 32
    assert CvtConfig.from_pretrained("someone/tiny").depth == (1, 2, 3)
    assert len(hub.gets("model.safetensors")) == 1
    CvtForImageClassification.from_pretrained("someone/tiny")
    assert len(hub.gets("model.safetensors")) == 1  # it was in the cache


def test_hub_by_the_environment_variable(hub, saved, tmp_path):
    """Which is read when a program starts; what it finds there needs no torch, which would take longer than all else."""
    program = (
        "from cvt import CvtConfig; from cvt.files.hub import Repository\n"
        "print(CvtConfig.from_pretrained('someone/tiny').depth)\n"
        "print(Repository('someone/tiny').find('model.safetensors'))"
    )
    environment = {**os.environ, "HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "home")}
    result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    depth, path = result.stdout.splitlines()
    assert depth == str(saved[0].config.depth)
    assert Path(path).is_relative_to(tmp_path / "home")
    assert Path(path).read_bytes() == (saved[1] / "model.safetensors").read_bytes()


def test_hub_with_bin_only(hub, saved):
    model, folder = saved
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    hub.publish("someone/old", folder, leave_out=("model.safetensors",))
    assert torch.equal(logits(CvtForImageClassification.from_pretrained("someone/old")), logits(model))
    hub.close()
    started = time.monotonic()
    assert torch.equal(logits(CvtForImageClassification.from_pretrained("someone/old")), logits(model))  # from the cache
    assert time.monotonic() - started < 5  # that safetensors are lacking is remembered


def test_hub_revisions(hub, tmp_path):
    for revision, seed in (("v2", 2), ("main", 3)):
        tiny_model(seed=seed).save_pretrained(tmp_path / revision)
        hub.publish("someone/tiny", tmp_path / revision, revision)
    assert torch.equal(logits(CvtForImageClassification.from_pretrained("someone/tiny", revision="v2")), logits(tiny_model(seed=2)))
    commit = hub.commit("someone/tiny", "v2")
    assert torch.equal(logits(CvtForImageClassification.from_pretrained("someone/tiny", revision=commit)), logits(tiny_model(seed=2)))
    assert torch.equal(logits(CvtForImageClassification.from_pretrained("someone/tiny")), logits(tiny_model(seed=3)))
    with pytest.raises(ValueError, match=r"'someone/tiny' .*no revision 'v9'"):
        CvtForImageClassification.from_pretrained("someone/tiny", revision="v9")


def test_hub_files_belong_to_one_commit(hub, tmp_path, monkeypatch):
    """Someone publishes another model between the download of the config and that of the weights."""
    tiny_model(depth=(1, 1, 1)).save_pretrained(tmp_path / "next")
    first = hub.repositories["someone/tiny"]["main"]
    answer = hub.answer

    def publish_in_between(handler, body):
        answer(handler, body)
        if body and handler.path.endswith("config.json"):
            hub.repositories["someone/tiny"]["before"] = first
            hub.publish("someone/tiny", tmp_path / "next")

    monkeypatch.setattr(hub, "answer", publish_in_between)
    assert CvtForImageClassification.from_pretrained("someone/tiny").config.depth == (1, 2, 3)


def test_hub_cache_dir_and_local_files_only(hub, saved, tmp_path):
    with pytest.raises(ValueError, match=r"config.json of 'someone/tiny' is not on this machine, and local_files_only is set"):
        CvtForImageClassification.from_pretrained("someone/tiny", local_files_only=True)
    assert hub.requests == []
    CvtForImageClassification.from_pretrained("someone/tiny", cache_dir=tmp_path / "other")
    assert (tmp_path / "other" / "models--someone--tiny").is_dir()
    count = len(hub.requests)
    local = CvtForImageClassification.from_pretrained("someone/tiny", cache_dir=tmp_path / "other", local_files_only=True)
    assert torch.equal(logits(local), logits(saved[0]))
    assert len(hub.requests) == count


def test_hub_token(hub, saved):
    hub.private["someone/tiny"] = "hf_secret"
    with pytest.raises(ValueError, match=r"no model 'someone/tiny' .*token"):
        CvtForImageClassification.from_pretrained("someone/tiny", token=False)
    opened = CvtForImageClassification.from_pretrained("someone/tiny", token="hf_secret")
    assert torch.equal(logits(opened), logits(saved[0]))


def test_hub_token_is_for_the_hub_alone(hub, saved, monkeypatch):
    """Large files come from another host."""
    sent, send = [], hub._send_large
    monkeypatch.setattr(hub, "_send_large", lambda handler, *rest: (sent.append(handler.headers["Authorization"]), send(handler, *rest)))
    hub.private["someone/tiny"] = "hf_secret"
    opened = CvtForImageClassification.from_pretrained("someone/tiny", token="hf_secret")
    assert torch.equal(logits(opened), logits(saved[0]))
    assert sent == [None]


def test_hub_needs_room_on_the_disk(hub, monkeypatch, tmp_path):
    with monkeypatch.context() as patch:
        patch.setattr("cvt.files.download.shutil.disk_usage", lambda path: SimpleNamespace(free=10_000))
        with pytest.raises(ValueError, match=r"model.safetensors of 'someone/tiny' .*the disk has no room for [\d,]+ bytes"):
            CvtForImageClassification.from_pretrained("someone/tiny")
    assert hub.gets("model.safetensors") == []
    assert list((tmp_path / "cache").rglob("*.incomplete")) == []
    CvtForImageClassification.from_pretrained("someone/tiny")


def test_hub_without_such_a_model(hub):
    with pytest.raises(ValueError, match="There is no model 'someone/tinny' on the Hugging Face Hub and no folder of that name here"):
        CvtForImageClassification.from_pretrained("someone/tinny")


@pytest.mark.parametrize("name", ["some--one/tiny", "söme/tiny", "someone/tiny.git", "x" * 97])
def test_names_that_no_model_on_the_hub_can_have(hub, name):
    with pytest.raises(ValueError, match=r"There is no folder or file .*not a valid model name on the Hugging Face Hub"):
        CvtForImageClassification.from_pretrained(name)


def test_hub_without_weights(hub, saved):
    hub.publish("someone/empty", saved[1], leave_out=("model.safetensors", "preprocessor_config.json"))
    with pytest.raises(ValueError, match="no weights in 'someone/empty' on the Hugging Face Hub"):
        CvtForImageClassification.from_pretrained("someone/empty")
    with pytest.raises(ValueError, match=r"no preprocessor_config.json in 'someone/empty'"):
        CvtImageProcessor.from_pretrained("someone/empty")


def test_hub_resumes_an_interrupted_download(hub, saved, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 4096)  # what has come is kept in chunks, usually of 10 MB
    hub.cut_after = 20_000
    assert torch.equal(logits(CvtForImageClassification.from_pretrained("someone/tiny")), logits(saved[0]))
    first, second = hub.gets("model.safetensors")
    assert first is None
    assert second.startswith("bytes=")
    assert int(second.removeprefix("bytes=").rstrip("-")) > 0  # not from the beginning again


def test_hub_recognises_a_file_that_arrived_damaged(hub, saved):
    hub.corrupt = True  # one bit, the size is right
    with pytest.raises(ValueError, match=r"model.safetensors in 'someone/tiny' .*damaged.*checksum"):
        CvtForImageClassification.from_pretrained("someone/tiny")
    hub.corrupt = False
    assert torch.equal(logits(CvtForImageClassification.from_pretrained("someone/tiny")), logits(saved[0]))


def test_hub_recognises_a_file_damaged_in_the_cache(hub, saved, tmp_path):
    CvtForImageClassification.from_pretrained("someone/tiny")
    cached = next((tmp_path / "cache").rglob("snapshots/*/model.safetensors")).resolve()
    cached.write_bytes(cached.read_bytes()[:100])
    with pytest.raises(ValueError, match=r"model.safetensors in 'someone/tiny' .*damaged.*try again"):
        CvtForImageClassification.from_pretrained("someone/tiny")
    assert torch.equal(logits(CvtForImageClassification.from_pretrained("someone/tiny")), logits(saved[0]))


def test_hub_repairs_a_config_damaged_in_the_cache(hub, saved, tmp_path):
    """It is small: it is downloaded anew at once, where that is possible."""
    CvtForImageClassification.from_pretrained("someone/tiny")

    def damage():
        cached = next((tmp_path / "cache").rglob("snapshots/*/config.json")).resolve()
        cached.write_bytes(cached.read_bytes()[:100])

    damage()
    assert torch.equal(logits(CvtForImageClassification.from_pretrained("someone/tiny")), logits(saved[0]))
    damage()
    with pytest.raises(ValueError, match=r"config.json in 'someone/tiny' .*damaged.*try again"):
        CvtForImageClassification.from_pretrained("someone/tiny", local_files_only=True)


def test_hub_has_a_file_that_cannot_be_used(hub, saved):
    """What is the same on the Hub is not downloaded over and over."""
    (saved[1] / "pytorch_model.bin").write_bytes(pickle.dumps(print, protocol=2) * 1000)
    hub.publish("someone/strange", saved[1], leave_out=("model.safetensors",))
    for _ in range(2):
        with pytest.raises(ValueError, match=r"pytorch_model.bin in 'someone/strange' .* The file on the Hub is the same"):
            CvtForImageClassification.from_pretrained("someone/strange")
    assert len(hub.gets("pytorch_model.bin")) == 1


def test_hub_without_network(hub, saved):
    hub.close()
    started = time.monotonic()
    with pytest.raises(ValueError, match=r"config.json of 'someone/tiny' is not on this machine, and .* cannot be reached\. Connect"):
        CvtForImageClassification.from_pretrained("someone/tiny")
    assert time.monotonic() - started < 5


def test_hub_switched_off_by_the_environment(hub, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ValueError, match=r"config.json of 'someone/tiny' is not on this machine, and HF_HUB_OFFLINE is set"):
        CvtForImageClassification.from_pretrained("someone/tiny")
    assert hub.requests == []


def test_hub_without_network_but_with_a_cache(hub, saved):
    CvtForImageClassification.from_pretrained("someone/tiny")
    hub.close()
    assert torch.equal(logits(CvtForImageClassification.from_pretrained("someone/tiny")), logits(saved[0]))
