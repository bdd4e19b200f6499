import contextlib
import http.server
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from cvt import CvtForImageClassification, CvtImageProcessor, UnreadablePicture, pipeline
from cvt.pictures.fetch import fetch
from tests.helpers import tiny_model
from tests.processor.test_processor import encoded, photograph

NAMES = {0: "cat", 1: "dog", 2: "owl", 3: "fox", 4: "eel", 5: "bee", 6: "ant"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A saved model with named classes and its processor."""
    folder = tmp_path_factory.mktemp("model")
    tiny_model(id2label=NAMES, num_labels=None).save_pretrained(folder)
    CvtImageProcessor(size=32).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def classify(folder):
    return pipeline("image-classification", model=folder, device="cpu")


def same(first, second):
    return [each["label"] for each in first] == [each["label"] for each in second] and np.allclose(
        [each["score"] for each in first], [each["score"] for each in second], atol=1e-6
    )


# --- results -------------------------------------------------------------------------------------------------------------


def test_the_documented_dictionaries(classify, folder):
    picture = photograph()
    result = classify(picture)
    assert [set(each) for each in result] == [{"score", "label"}] * 5
    model, processor = CvtForImageClassification.from_pretrained(folder), CvtImageProcessor.from_pretrained(folder)
    with torch.no_grad():
        scores = model(**processor(picture, return_tensors="pt")).logits.softmax(-1)[0]
    expected = sorted(({"label": NAMES[i], "score": float(score)} for i, score in enumerate(scores)), key=lambda each: -each["score"])
    assert same(result, expected[:5])
    assert same(classify(picture, top_k=2), expected[:2])
    assert same(classify(picture, top_k=100), expected)
    assert all(type(each["score"]) is float and type(each["label"]) is str for each in result)


def test_equal_to_transformers(classify, folder):
    transformers = pytest.importorskip("transformers")
    processor = transformers.AutoImageProcessor.from_pretrained(folder, backend="pil")
    theirs = transformers.pipeline("image-classification", model=str(folder), image_processor=processor, device="cpu")
    pictures = [photograph(seed=1), photograph(60, 90, seed=2)]
    for options in ({}, {"top_k": 3}, {"top_k": 99}, {"function_to_apply": "sigmoid"}, {"function_to_apply": "none"}):
        for ours, expected in zip(classify(pictures, **options), theirs(pictures, **options), strict=True):
            assert same(ours, expected)


def test_kinds_of_pictures(classify, tmp_path):
    picture = photograph()
    path = tmp_path / "picture.png"
    picture.save(path)
    expected = classify(picture)
    content, array = path.read_bytes(), np.array(picture)
    tensor = torch.from_numpy(array)
    # arrays of several kinds are one picture each, though Python would iterate over some of them
    for source in (path, str(path), content, bytearray(content), memoryview(content), array, array / 255, tensor, tensor.permute(2, 0, 1)):
        assert same(classify(source), expected)
    with pytest.raises(UnreadablePicture, match="one picture per array"):
        classify(tensor[None])
    with path.open("rb") as file:
        assert same(classify(file), expected)
    assert same(classify(images=path), expected)


def test_lists_and_batches(classify):
    pictures = [photograph(seed=seed) for seed in range(5)]
    one_by_one = [classify(picture) for picture in pictures]
    for batch_size in (1, 2, 5, 9):
        results = classify(pictures, batch_size=batch_size)
        assert isinstance(results, list)
        assert all(same(*pair) for pair in zip(results, one_by_one, strict=True))
    assert classify([]) == []
    assert isinstance(classify(pictures[:1])[0], list)


def test_batches_go_through_the_model_together(classify):
    seen = []
    hook = classify.model.register_forward_pre_hook(lambda _, args, kwargs: seen.append(len(kwargs["pixel_values"])), with_kwargs=True)
    classify([photograph()] * 5, batch_size=2)
    hook.remove()
    assert seen == [2, 2, 1]


def test_generators_are_read_as_they_are_needed(classify):
    read = []

    def pictures():
        for seed in range(100):
            read.append(seed)
            yield photograph(seed=seed)

    results = classify(pictures(), batch_size=3)
    assert read == []
    first = next(results)
    assert read == [0, 1, 2]
    assert same(first, classify(photograph(seed=0)))
    next(results), next(results), next(results)
    assert read == [0, 1, 2, 3, 4, 5]


def test_a_bad_picture_among_many_is_numbered(classify):
    pictures = [photograph(), photograph(), b"nothing", photograph()]
    with pytest.raises(UnreadablePicture, match=r"^Picture 3: This file is not a picture"):
        classify(pictures, batch_size=2)
    with pytest.raises(UnreadablePicture, match=r"^This file is not a picture"):
        classify(b"nothing")


def test_how_logits_become_scores():
    processor, picture = CvtImageProcessor(size=32), photograph()
    cases = [({}, "softmax"), ({"num_labels": 1}, "sigmoid"), ({"problem_type": "multi_label_classification"}, "sigmoid")]
    cases += [({"problem_type": "regression"}, "none"), ({"problem_type": "single_label_classification"}, "softmax")]
    for changes, expected in cases:
        model = tiny_model(**changes)
        classify = pipeline("image-classification", model, processor)
        assert classify(picture) == classify(picture, function_to_apply="default") == classify(picture, function_to_apply=expected)
        with torch.no_grad():
            logits = model(processor(picture, "pt").pixel_values).logits[0]
        best = {"softmax": logits.softmax(0), "sigmoid": logits.sigmoid(), "none": logits}[expected].max()
        assert classify(picture)[0]["score"] == pytest.approx(float(best), abs=1e-6)


# --- options -------------------------------------------------------------------------------------------------------------


def test_model_processor_device_and_dtype(folder):
    expected = pipeline(model=str(folder), device=-1)(photograph())
    half = pipeline("image-classification", model=folder, dtype=torch.float16, device="cpu")
    assert (half.dtype, half.device.type) == (torch.float16, "cpu")
    assert [each["label"] for each in half(photograph())] == [each["label"] for each in expected]
    assert half(photograph())[0]["score"] == pytest.approx(expected[0]["score"], abs=0.01)
    assert pipeline(model=folder, torch_dtype="bfloat16").dtype == torch.bfloat16
    assert pipeline(model=folder).device.type == ("cuda" if torch.cuda.is_available() else "cpu")
    model = CvtForImageClassification.from_pretrained(folder)
    assert same(pipeline(model=model, image_processor=folder)(photograph()), expected)
    assert pipeline(model=model, image_processor=CvtImageProcessor(size=64), dtype="float16").model.dtype == torch.float16
    with pytest.raises(ValueError, match="needs its image_processor"):
        pipeline(model=model)
    with pytest.raises(ValueError, match="There is no device 'cuda:63' here"):
        pipeline(model=folder, device=63)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"top_k": 0}, "top_k"),
        ({"batch_size": 0}, "batch_size"),
        ({"batch_size": 1.5}, "batch_size"),
        ({"top_k": "5"}, "top_k"),
        ({"top_k": True}, "top_k"),
        ({"function_to_apply": "relu"}, "relu"),
        ({"function_to_apply": 3}, "'3'"),
    ],
)
def test_options_that_cannot_be_used(classify, folder, options, words):
    with pytest.raises(ValueError, match=words):
        classify(photograph(), **options)
    with pytest.raises(ValueError, match=words):  # at once, not with the first picture
        pipeline(model=folder, device="cpu", **options)


def test_numbers_of_other_libraries_are_numbers(classify):
    assert len(classify(photograph(), top_k=np.int64(2))) == 2
    assert len(classify([photograph()] * 3, batch_size=np.int32(2))) == 3


def test_other_tasks_and_models_without_classes_are_refused():
    with pytest.raises(ValueError, match="'object-detection'"):
        pipeline("object-detection")
    with pytest.raises(ValueError, match="no classes"):
        pipeline(model=tiny_model(num_labels=0), image_processor=CvtImageProcessor())
    with pytest.raises(ValueError, match="no folder or file"):
        pipeline(model="./absent")


# --- addresses -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def web():
    """A web server whose paths say how it behaves."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            kind = self.path.strip("/")
            if kind == "silent":
                time.sleep(3)
                return
            if kind == "drip-headers":
                for _ in range(30):
                    self.wfile.write(b"H")
                    self.wfile.flush()
                    time.sleep(0.1)
                return
            if kind in ("moved", "local"):
                self.send_response(302)
                self.send_header("Location", "/picture" if kind == "moved" else Path(__file__).as_uri())
                self.end_headers()
                return
            self.send_response(404 if kind == "absent" else 200)
            content = encoded(photograph(), "PNG")
            if kind == "short":
                self.send_header("Content-Length", str(len(content) * 2))
            self.end_headers()
            for _ in range(30 if kind in ("drip", "endless") else 1):
                self.wfile.write(content[:10] if kind == "drip" else content * (1000 if kind == "endless" else 1))
                self.wfile.flush()
                if kind == "drip":
                    time.sleep(0.1)

        def log_message(self, *args):
            pass

        def handle_one_request(self):
            with contextlib.suppress(OSError):  # the client has gone
                super().handle_one_request()

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_a_picture_from_the_web(classify, web):
    expected = classify(photograph())
    assert same(classify(f"{web}/picture"), expected)
    assert same(classify([f"{web}/moved", photograph()])[0], expected)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("absent", "127.0.0.1 answered 404"),
        ("silent", "within 0.3 seconds"),
        ("drip", "within 0.3 seconds"),
        ("drip-headers", "within 0.3 seconds"),
        ("short", "interrupted"),
        ("local", "127.0.0.1"),
    ],
)
def test_addresses_that_deliver_nothing(classify, web, path, words):
    started = time.monotonic()
    with pytest.raises(UnreadablePicture, match=words):
        classify(f"{web}/{path}", timeout=None if path == "local" else 0.3)
    assert time.monotonic() - started < 1.5


def test_no_more_is_read_than_allowed(web):
    with pytest.raises(UnreadablePicture, match="larger than 1 MB"):
        fetch(f"{web}/endless", max_bytes=1_000_000)


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf"), "soon"])
def test_a_timeout_that_is_no_time(classify, web, timeout):
    with pytest.raises(ValueError, match="timeout must be a positive number"):
        classify(f"{web}/picture", timeout=timeout)


@pytest.mark.parametrize("address", ["http://[::1", "http://[bad]/x.png"])
def test_what_is_no_address(classify, address):
    with pytest.raises(UnreadablePicture, match="not a valid web address"):
        classify(address)


def test_no_server(classify):
    with pytest.raises(UnreadablePicture, match="could not be reached"):
        classify("http://127.0.0.1:9/picture.png")


# --- Hugging Face's documented examples, with another import line ---------------------------------------------------------


def test_documented_config_and_model():
    from cvt import CvtConfig, CvtModel

    configuration = CvtConfig()
    model = CvtModel(configuration)
    assert model.config is configuration
    assert sum(each.numel() for each in model.parameters()) > 19_000_000


def test_documented_image_classification(folder):
    from cvt import CvtForImageClassification as AutoModelForImageClassification
    from cvt import CvtImageProcessor as AutoImageProcessor

    name, image = str(folder), Image.fromarray(np.asarray(photograph()))
    image_processor = AutoImageProcessor.from_pretrained(name)
    model = AutoModelForImageClassification.from_pretrained(name, torch_dtype=torch.float16, device_map="auto")
    inputs = image_processor(image, return_tensors="pt").to(model.device)
    with torch.no_grad():
        logits = model(**inputs).logits
    predicted_class_id = logits.argmax(dim=-1).item()
    assert model.config.id2label[predicted_class_id] in NAMES.values()


def test_documented_pipeline(folder, web):
    from cvt import pipeline

    gpu_or_cpu = 0 if torch.cuda.is_available() else -1
    pipe = pipeline(task="image-classification", model=str(folder), torch_dtype=torch.float16, device=gpu_or_cpu)
    output = pipe(images=f"{web}/picture")
    assert output[0]["label"] in NAMES.values()
    assert 0 < output[0]["score"] <= 1
