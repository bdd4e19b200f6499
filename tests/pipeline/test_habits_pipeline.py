"""What Hugging Face's users do with a pipeline, and what they get: the same as from transformers, or a sentence."""

import base64
import io
import pickle

import numpy as np
import pytest
import torch
from PIL import Image

from cvt import CvtConfig, CvtImageProcessor, CvtModel, UnreadablePicture, open_picture, pipeline
from cvt.pipelines import ImageClassificationPipeline
from tests.helpers import tiny_config, tiny_model
from tests.pictures.photographs import PHOTOGRAPHS
from tests.processor.test_habits_processor import STORED, turned
from tests.processor.test_processor import encoded, photograph

transformers = pytest.importorskip("transformers")
Function = pytest.importorskip("transformers.pipelines.image_classification").ClassificationFunction
KeyDataset = pytest.importorskip("transformers.pipelines.pt_utils").KeyDataset
NAMES = {0: "cat", 1: "dog", 2: "owl", 3: "fox", 4: "eel", 5: "bee", 6: "ant"}
PICTURES = [photograph(seed=seed) for seed in range(3)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    tiny_model(id2label=NAMES, num_labels=None).save_pretrained(folder)
    CvtImageProcessor(size=32).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def ours(folder):
    return pipeline("image-classification", model=folder, device="cpu")


@pytest.fixture(scope="module")
def their_parts(folder):
    """transformers' model and processor of the same folder."""
    processor = transformers.AutoImageProcessor.from_pretrained(folder, backend="pil")
    return transformers.CvtForImageClassification.from_pretrained(folder).eval(), processor


@pytest.fixture(scope="module")
def theirs(their_parts):
    return transformers.pipeline("image-classification", model=their_parts[0], image_processor=their_parts[1], device="cpu")


def same(got, expected):
    """The same labels in the same order, and scores that differ by rounding: of one picture, or of many."""
    if got and isinstance(got[0], list):
        return len(got) == len(expected) and all(map(same, got, expected))
    scores = [[each["score"] for each in classes] for classes in (got, expected)]
    return [each["label"] for each in got] == [each["label"] for each in expected] and np.allclose(*scores, rtol=1e-5, atol=1e-6)


# --- pictures ------------------------------------------------------------------------------------------------------------


class Items(torch.utils.data.Dataset):
    """A dataset that has a length and items, and does not say where it ends otherwise."""

    def __len__(self):
        return len(PICTURES)

    def __getitem__(self, index):
        return {"image": PICTURES[index % len(PICTURES)], "label": index}


class Pictures(Items):
    def __getitem__(self, index):
        return super().__getitem__(index)["image"]


MANY = {
    "KeyDataset": lambda: KeyDataset(Items(), "image"),
    "a dataset": Pictures,
    "a generator": lambda: (each for each in PICTURES),
    "a list": lambda: list(PICTURES),
}


@pytest.mark.parametrize("batch_size", [1, 2])
@pytest.mark.parametrize("kind", MANY)
def test_many_pictures(kind, batch_size, ours, theirs):
    got, expected = (pipe(MANY[kind](), batch_size=batch_size, num_workers=0) for pipe in (ours, theirs))
    assert isinstance(got, list) == isinstance(expected, list)
    got = list(got)
    assert len(got) == len(PICTURES)
    assert same(got, list(expected))


def test_a_tuple_is_many(ours):
    assert same(ours(tuple(PICTURES)), ours(PICTURES))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "AVIF"])
def test_base64(kind, ours, theirs):
    text = base64.b64encode(encoded(PICTURES[0], kind)).decode()
    for source in (text, f"data:image/{kind.lower()};base64,{text}", base64.encodebytes(encoded(PICTURES[0], kind)).decode()):
        assert same(ours(source), theirs(source))
    assert same(ours([text, text]), theirs([text, text]))


@pytest.mark.parametrize(
    "source", ["data:image/png,%89PNG", "data:image/png;base64,====", "data:image/png;base64,AAAA", "a" * 400, "absent.png"]
)
def test_text_that_is_no_picture(source, ours):
    with pytest.raises(UnreadablePicture, match=r"\.$"):
        ours(source)


def test_a_file_whose_name_could_be_base64(ours, tmp_path, monkeypatch):
    name = base64.b64encode(encoded(PICTURES[1], "GIF")).decode()[:40]
    PICTURES[0].save(tmp_path / name, "PNG")
    monkeypatch.chdir(tmp_path)
    assert same(ours(name), ours(PICTURES[0]))


def test_photographs_are_turned_once():
    """Of 14 examples on their side, turned twice, nearly half got another class."""
    classify = pipeline(device="cpu")
    photo = open_picture(min(PHOTOGRAPHS.glob("*.jpg")), least=120).resize((150, 120))
    for orientation, quarters in ((3, 2), (6, 3), (8, 1)):
        content = encoded(photo, "PNG", exif=turned(orientation))
        expected = classify(Image.fromarray(np.rot90(np.asarray(photo), quarters)))
        for source in (content, Image.open(io.BytesIO(content)), open_picture(content)):
            assert classify(source) == expected


@pytest.mark.parametrize("name", STORED)
def test_pictures_as_stored_are_transformers_own(name, folder, theirs, tmp_path):
    """transformers' pipeline, unlike its processor, turns pictures too."""
    picture, options = STORED[name]
    picture.save(tmp_path / "picture.png", **options)
    stored = pipeline(model=folder, device="cpu", image_processor=CvtImageProcessor(size=32, pictures="as_stored"))
    for source in (str(tmp_path / "picture.png"), Image.open(tmp_path / "picture.png")):
        assert same(stored(source), theirs(source))


@pytest.mark.parametrize(
    "array", [np.asarray(PICTURES[0]), torch.from_numpy(np.array(PICTURES[0])).permute(2, 0, 1)], ids=["NumPy", "PyTorch"]
)
def test_arrays(array, ours, theirs):
    assert same(ours(array), theirs(array))
    assert same(ours([array, array]), theirs([array, array]))


@pytest.mark.parametrize(
    "source", [None, 3, {"image": PICTURES[0]}, [[PICTURES[0]]], [{"image": PICTURES[0]}], np.zeros((2, 3, 8, 8))], ids=str
)
def test_what_is_no_picture(source, ours, theirs):
    with pytest.raises(UnreadablePicture):
        ours(source)


# --- options -------------------------------------------------------------------------------------------------------------

CALLS = {
    "top_k=None": {"top_k": None},
    "top_k": {"top_k": 2},
    "more than there are": {"top_k": 99},
    "an enum": {"function_to_apply": Function.SIGMOID},
    "capitals": {"function_to_apply": "SoftMax"},
    "none": {"function_to_apply": "none", "top_k": 7},
    "timeout": {"timeout": 3},
}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_and_a_pipeline_as_of_theirs(name, folder, ours, theirs, their_parts):
    expected = theirs(PICTURES, **CALLS[name])
    assert same(ours(PICTURES, **CALLS[name]), expected)
    assert same(ours(PICTURES[0], **CALLS[name]), theirs(PICTURES[0], **CALLS[name]))
    assert same(pipeline(model=folder, device="cpu", **CALLS[name])(PICTURES), expected)


CREATED = {
    "ignored": {
        "use_fast": True,
        "framework": "pt",
        "num_workers": 2,
        "tokenizer": None,
        "binary_output": False,
        "trust_remote_code": True,
    },
    "for the Hub": {"revision": "main", "token": None, "local_files_only": True},
    "feature_extractor": {"feature_extractor": CvtImageProcessor(size=32)},
    "no feature_extractor": {"feature_extractor": None},
    "model_kwargs": {"model_kwargs": {"low_cpu_mem_usage": True, "cache_dir": None, "attn_implementation": "eager"}},
    "device_map": {"device": None, "device_map": {"": "cpu"}},
    "device_map in model_kwargs": {"device": None, "model_kwargs": {"device_map": "cpu"}},
    "device_map='auto'": {"device": None, "device_map": "auto"},
    "device before device_map": {"device_map": "cuda:63"},
    "dtype": {"torch_dtype": torch.float32},
    "dtype in model_kwargs": {"model_kwargs": {"torch_dtype": "float32"}},
}


@pytest.mark.parametrize("name", CREATED)
def test_arguments_of_the_function(name, folder, ours):
    pipe = pipeline("image-classification", **{"model": str(folder), "device": "cpu", **CREATED[name]})
    assert same(pipe(PICTURES[0]), ours(PICTURES[0]))
    assert pipe.feature_extractor is CREATED[name].get("feature_extractor")


def test_other_places(folder, ours, tmp_path):
    CvtImageProcessor(size=32).save_pretrained(tmp_path)
    assert same(pipeline(model=folder, feature_extractor=str(tmp_path), device="cpu")(PICTURES[0]), ours(PICTURES[0]))
    renamed = CvtConfig.from_pretrained(folder, id2label={index: name.upper() for index, name in NAMES.items()})
    for config in (renamed, renamed.to_json_file(tmp_path / "config.json") or str(tmp_path)):
        got = pipeline(model=folder, config=config, device="cpu")(PICTURES[0])
        assert [each["label"] for each in got] == [each["label"].upper() for each in ours(PICTURES[0])]


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"topk": 3}, TypeError, "'topk': did you mean 'top_k'"),
        ({"function": "softmax"}, TypeError, "'function': did you mean 'function_to_apply'"),
        ({"foo": 1}, TypeError, "'foo'"),
        ({"framework": "tf"}, ValueError, "'tf'"),
        ({"function_to_apply": "relu"}, ValueError, "'relu'"),
    ],
    ids=str,
)
def test_arguments_that_are_refused(options, error, words, folder, ours):
    with pytest.raises(error, match=words):
        pipeline(model=folder, device="cpu", **options)
    with pytest.raises(error, match=words):
        ours(PICTURES[0], **options)


# --- models and processors of others --------------------------------------------------------------------------------------


def in_peft(model):
    peft = pytest.importorskip("peft")
    return peft.get_peft_model(model, peft.LoraConfig(target_modules=["projection_query"], r=2))  # adds nothing before it is trained


WRAPPERS = {
    "DataParallel": torch.nn.DataParallel,
    "compiled DataParallel": lambda model: torch.compile(torch.nn.DataParallel(model), backend="eager"),
    "PEFT": in_peft,
    "in training": lambda model: model.train(),
}


@pytest.mark.parametrize("name", WRAPPERS)
def test_wrapped_models(name, tmp_path):
    small, processor = {"embed_dim": (8,), "num_heads": (2,), "depth": (1,), "cls_token": True}, CvtImageProcessor(size=32)
    expected = pipeline(model=tiny_model(**small), image_processor=processor)(PICTURES)
    wrapped = WRAPPERS[name](tiny_model(**small))
    device = "cuda" if torch.cuda.is_available() else "cpu"  # DataParallel takes the GPUs that there are
    pipe = pipeline("image-classification", model=wrapped, image_processor=processor, device=device, dtype=torch.float32)
    assert pipe.model is wrapped
    assert (pipe.device.type, pipe.dtype) == (device, torch.float32)
    assert same(pipe(PICTURES, batch_size=2), expected)
    if name != "PEFT":  # which saves what it added
        pipe.save_pretrained(tmp_path)
        assert same(pipeline(model=tmp_path, device="cpu")(PICTURES), expected)


def test_models_and_processors_of_transformers(folder, ours, their_parts, theirs):
    model, processor = their_parts
    expected = theirs(PICTURES)
    for pair in ((model, processor), (model, CvtImageProcessor(size=32)), (str(folder), processor)):
        assert same(pipeline("image-classification", model=pair[0], image_processor=pair[1], device="cpu")(PICTURES), expected)
    turned_picture = encoded(PICTURES[0], "PNG", exif=turned(6))
    assert same(pipeline(model=model, image_processor=processor)(turned_picture), ours(turned_picture))


def test_half_precision_models_of_transformers(folder, ours):
    model = transformers.CvtForImageClassification.from_pretrained(folder, dtype=torch.bfloat16)
    got = pipeline(model=model, image_processor=folder, device="cpu")(PICTURES[0])
    assert got[0]["score"] == pytest.approx(ours(PICTURES[0])[0]["score"], abs=0.02)


@pytest.mark.parametrize("model", [CvtModel(tiny_config()), torch.nn.Linear(2, 2)], ids=lambda model: type(model).__name__)
def test_models_that_are_no_classifiers(model):
    with pytest.raises(ValueError, match=f"{type(model).__name__} is not an image classifier"):
        pipeline(model=model, image_processor=CvtImageProcessor(size=32))


def test_what_is_no_processor(folder):
    with pytest.raises(ValueError, match="not dict"):
        pipeline(model=folder, image_processor={"size": 32})


# --- steps and attributes -------------------------------------------------------------------------------------------------


def test_the_steps_of_a_pipeline(ours, theirs):
    own, other = ours.preprocess(PICTURES[0]), theirs.preprocess(PICTURES[0])
    assert torch.equal(own["pixel_values"], other["pixel_values"])
    assert torch.allclose(ours.forward(own)["logits"], theirs.forward(other)["logits"], atol=1e-5)
    with torch.no_grad():
        assert torch.equal(ours._forward(own)["logits"], ours.forward(own)["logits"])
    for options in ({}, {"top_k": 3}, {"function_to_apply": "sigmoid", "top_k": 99}):
        assert same(ours.postprocess(ours.forward(own), **options), theirs.postprocess(theirs.forward(other), **options))


@pytest.mark.parametrize("name", ["task", "device", "dtype", "torch_dtype", "tokenizer", "feature_extractor"])
def test_attributes(name, ours, theirs):
    assert getattr(ours, name) == getattr(theirs, name)


def test_methods_of_scikit_learn_and_counting(ours):
    calls = ours.call_count
    assert ours.predict(PICTURES[:1]) == ours.transform(PICTURES[:1]) == ours(PICTURES[:1])
    assert ours.call_count == calls + 3
    assert isinstance(ours, ImageClassificationPipeline)
    assert "CvtForImageClassification" in repr(ours)


def test_what_is_given_is_kept(folder):
    tokenizer, model, processor = object(), tiny_model(), CvtImageProcessor(size=32)
    assert pipeline(model=folder, tokenizer=tokenizer).tokenizer is tokenizer
    pipe = ImageClassificationPipeline(model=model, tokenizer=tokenizer, feature_extractor=processor, torch_dtype="float32", top_k=2)
    assert (pipe.model, pipe.tokenizer, pipe.image_processor, pipe.feature_extractor) == (model, tokenizer, processor, processor)
    assert len(pipe(PICTURES[0])) == 2
    again = pickle.loads(pickle.dumps(pipeline(model=folder, device="cpu")))
    assert again(PICTURES) == pipeline(model=folder, device="cpu")(PICTURES)


def test_the_config_decides_at_each_call(folder, their_parts):
    """Its problem type may change after the pipeline was made."""
    pipe = pipeline(model=folder, device="cpu")
    other = transformers.pipeline("image-classification", model=str(folder), image_processor=their_parts[1], device="cpu")
    for kind in ("multi_label_classification", "regression", "single_label_classification"):
        pipe.model.config.problem_type = other.model.config.problem_type = kind
        assert same(pipe(PICTURES[0]), other(PICTURES[0]))


def test_saving(ours, tmp_path):
    ours.save_pretrained(tmp_path / "saved")
    there = transformers.pipeline("image-classification", str(tmp_path / "saved"), device="cpu")
    for again in (pipeline(model=tmp_path / "saved", device="cpu"), there):
        assert same(again(PICTURES), ours(PICTURES))
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="is a file"):
        ours.save_pretrained(tmp_path / "file")
