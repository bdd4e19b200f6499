"""The page's server from outside: the API, the routes, bad pictures, and people who do not see each other's results."""

import json
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("gradio")

from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

import app
from cvt import CvtForImageClassification, CvtImageProcessor
from cvt.pictures import MAX_PIXELS, open_picture
from tests import serving
from visualize.container import unpack
from visualize.page.api.table import ENDPOINTS, TOOLS
from visualize.page.breaking.api import ENDPOINTS as EXPERIMENTS
from visualize.page.workbench import Workbench

PHOTO = str(app.EXAMPLES[0])


@pytest.fixture(scope="module")
def client(served):
    return Client(served, verbose=False)


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    serving.save_random_model(folder)
    return str(folder)


@pytest.fixture(scope="module")
def workbench(model_folder):
    return Workbench(model_folder, "cpu", kept=app.EXAMPLES)


def test_predict_gives_the_models_own_five_classes(client, model_folder):
    answer = client.predict(handle_file(PHOTO), api_name="/predict")
    model, processor = CvtForImageClassification.from_pretrained(model_folder), CvtImageProcessor.from_pretrained(model_folder)
    logits = model(**processor(open_picture(PHOTO), return_tensors="pt")).logits[0].detach()
    best = logits.softmax(-1).topk(5)
    assert [each["label"] for each in answer["confidences"]] == [model.config.id2label[index] for index in best.indices.tolist()]
    assert [each["confidence"] for each in answer["confidences"]] == pytest.approx(best.values.tolist(), rel=1e-4)


def test_explore_gives_exact_weights_and_a_picture_of_them(client, workbench):
    answer, picture = client.predict(handle_file(PHOTO), 2, 1, 2, 5, 9, overview=True, api_name="/explore")
    stage = serving.explore(workbench, PHOTO).exploration.stages[1]
    expected = stage.blocks[0].weights([stage.query_index(4, 8)])[1, 0]
    np.testing.assert_allclose(np.ravel(answer["weights"]), expected, rtol=1e-4)
    assert answer["sentence"] == (
        "Stage 2, block 1, head 2: how strongly the token at row 5, column 9 attends to each of the 12×12 key cells."
    )
    assert answer["query_grid"] == [24, 24]
    assert answer["key_grid"] == [12, 12]
    assert Image.open(picture).width >= 600
    assert answer["notes"] == []


def test_explore_says_what_was_done_to_the_picture(client, tmp_path):
    Image.new("RGB", (700, 100)).save(tmp_path / "panorama.png")
    answer, _ = client.predict(handle_file(str(tmp_path / "panorama.png")), 1, 1, 0, 1, 1, api_name="/explore")
    assert answer["notes"] == ["The model saw only the middle square of 700×100 pixels."]


def test_explore_asks_for_the_cls_token_where_there_is_one(client):
    answer, _ = client.predict(handle_file(PHOTO), 3, 8, 0, 0, 0, api_name="/explore")
    assert np.sum(answer["weights"]) + answer["cls_weight"] == pytest.approx(1, abs=1e-5)
    assert "the cls token attends to" in answer["sentence"]


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        ((None, 1, 0, 1, 1), "Give stage, block, head, row and column as whole numbers."),
        ((4, 1, 0, 1, 1), "There is no stage 4 in this model: choose 1 to 3."),
        ((2, 3, 0, 1, 1), "There is no block 3 in stage 2: choose 1 to 2."),
        ((2, 1, 3, 1, 1), "There is no head 3 in stage 2: choose 1 to 2, or 0 for their mean."),
        ((2, 1, 0, 0, 0), "Stage 2 has no cls token: choose a row and a column, counted from 1."),
        ((2, 1, 0, 25, 1), "Stage 2 has 24×24 tokens: there is none at row 25, column 1."),
    ],
)
def test_explore_says_what_there_is_not(client, place, sentence):
    with pytest.raises(AppError, match=sentence.replace("?", r"\?")):
        client.predict(handle_file(PHOTO), *place, api_name="/explore")


def test_a_program_may_choose_the_model_by_name(model_folder, tmp_path):
    serving.save_random_model(tmp_path / "birds", kind="bird", seed=1)
    with serving.app_of(Workbench([model_folder, str(tmp_path / "birds")], "cpu")) as address:
        client = Client(address, verbose=False)
        assert client.predict(handle_file(PHOTO), api_name="/predict")["label"].startswith("class ")
        assert client.predict(handle_file(PHOTO), "birds", api_name="/predict")["label"].startswith("bird ")
        place = {"stage": 2, "block": 1, "head": 1, "row": 1, "column": 1}
        weights = [
            client.predict(handle_file(PHOTO), **place, **more, api_name="/explore")[0]["weights"] for more in ({}, {"model": "birds"})
        ]
        assert not np.allclose(*weights)
        with pytest.raises(AppError, match="There is no model 'cats' here: choose "):
            client.predict(handle_file(PHOTO), "cats", api_name="/predict")


def bad_pictures(folder: Path) -> dict[str, Path]:
    Image.fromarray(np.zeros((60, 60, 3), np.uint8)).save(folder / "whole.png")
    whole = (folder / "whole.png").read_bytes()
    Image.new("1", (13000, 13000)).save(folder / "huge.png", compress_level=1)
    contents = {
        "truncated.png": whole[: len(whole) // 2],
        "empty.png": b"",
        "text.jpg": b"this is no picture",
        "drawing.svg": b'<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0h9"/></svg>',
        "photo.heic": b"\0\0\0\x18ftypheic" + bytes(64),
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return {name: folder / name for name in [*contents, "huge.png"]}


def test_a_bad_picture_gets_one_sentence_without_paths(client, tmp_path):
    starts = {
        "truncated.png": "This picture is damaged",
        "empty.png": "This file is empty",
        "text.jpg": "This file is not a picture",
        "drawing.svg": "This is an SVG drawing",
        "photo.heic": "This is a HEIC picture",
        "huge.png": f"This picture has more than {MAX_PIXELS // 1_000_000} million pixels",
    }
    for name, path in bad_pictures(tmp_path).items():
        with pytest.raises(AppError) as raised:
            client.predict(handle_file(str(path)), api_name="/predict")
        message = str(raised.value)
        assert message.startswith(starts[name]), (name, message)
        assert "/" not in message, message
        assert "\n" not in message.strip(), message


def test_no_picture_gets_a_sentence(client):
    with pytest.raises(AppError, match="Give a picture"):
        client.predict(None, api_name="/predict")


def test_only_the_named_endpoints_are_public(client):
    names = {"predict", "explore", *EXPERIMENTS, *ENDPOINTS}
    assert set(client.view_api(return_format="dict")["named_endpoints"]) == {f"/{name}" for name in names}
    assert names == set(TOOLS)


def get(address: str) -> bytes:
    with urllib.request.urlopen(address, timeout=30) as answer:
        return answer.read()


def test_results_need_their_key(workbench):
    with serving.app_of(workbench) as address:
        first, second = (serving.explore(workbench, str(path)) for path in app.EXAMPLES[:2])
        assert first.key != second.key
        header, arrays = unpack(get(f"{address}/explorer/data/{first.key}"))
        assert header["top"][0]["label"] == first.exploration.top(1)[0][0]
        np.testing.assert_array_equal(arrays["pixels"], first.exploration.pixels)
        _, arrays_of_block = unpack(get(f"{address}/explorer/data/{first.key}/2/7"))
        assert {name.split("/")[0] for name in arrays_of_block} == {"2.7"}
        for wrong in ("nobody", f"{first.key}/7/0", f"{first.key}x"):
            with pytest.raises(urllib.error.HTTPError) as raised:
                get(f"{address}/explorer/data/{wrong}")
            assert raised.value.code == 404
            assert set(json.loads(raised.value.read())) == {"error"}
        assert b"export" in get(f"{address}/modules/explorer/main.js")
        with pytest.raises(urllib.error.HTTPError):
            get(f"{address}/modules/explorer/../workbench.py")


def test_an_example_is_computed_once_for_everyone(workbench):
    again = [serving.explore(workbench, str(app.EXAMPLES[2])).key for _ in range(3)]
    assert len(set(again)) == 1
    with open(app.EXAMPLES[2], "rb") as file:  # the same picture as somebody's own upload is theirs alone
        own = serving.explore(workbench, file.read()).key
    assert own not in again


def test_a_result_that_fell_out_of_the_store_is_computed_again(model_folder):
    workbench = Workbench(model_folder, "cpu", kept=app.EXAMPLES[:1])
    workbench.store.max_items = 1
    key = serving.explore(workbench, PHOTO).key
    first = workbench.payload(key)
    serving.explore(workbench, str(app.EXAMPLES[1]))
    assert key not in workbench.store
    assert workbench.payload(key) == first
    with pytest.raises(KeyError):
        workbench.payload("a key that was never given")


def test_the_command_line_explains_itself_and_reads_the_environment(monkeypatch, capsys):
    with pytest.raises(SystemExit, match="0"):
        app.arguments(["--help"])
    shown = capsys.readouterr().out
    for word in ("--model", "--device", "--host", "--port", "CVT_MODEL", "CVT_DEVICE", "GRADIO_SERVER_NAME", "GRADIO_SERVER_PORT"):
        assert word in shown
    monkeypatch.setenv("CVT_MODEL", "some/model")
    monkeypatch.setenv("GRADIO_SERVER_PORT", "8001")
    options = app.arguments([])
    assert (options.model, options.port, options.host, options.device) == (["some/model"], 8001, "127.0.0.1", "auto")
    assert app.arguments(["--port", "9"]).port == 9


@pytest.mark.parametrize(
    ("given", "environment", "models"),
    [
        ([], None, [None]),
        ([], "", [None]),
        ([], "a, embedded ,b/c", ["a", None, "b/c"]),
        (["--model", "embedded", "--model", "x"], "a,b", [None, "x"]),
    ],
)
def test_models_come_from_the_command_line_or_else_from_the_environment(monkeypatch, given, environment, models):
    if environment is None:
        monkeypatch.delenv("CVT_MODEL", raising=False)
    else:
        monkeypatch.setenv("CVT_MODEL", environment)
    assert app.arguments(given).model == models


def test_what_cannot_start_says_why_in_one_line(monkeypatch):
    monkeypatch.setattr("sys.argv", ["app.py", "--device", "warp", "--port", "47860"])
    with pytest.raises(SystemExit, match=r"^CvT Explorer cannot start: There is no device 'warp'"):
        app.main()
    monkeypatch.setattr("sys.argv", ["app.py", "--device", "cuda:99", "--port", "47860"])
    with pytest.raises(SystemExit, match=r"^CvT Explorer cannot start: There is no device 'cuda:99' here: choose one of auto, cpu"):
        app.main()  # tests/test_imports.py has a whole program that cannot start
