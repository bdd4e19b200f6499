"""The models of a page: loaded when asked for, each once and side by side, within a bound, and what happens where one cannot be had."""

from __future__ import annotations

import errno
import gc
import json
import threading
import weakref

import pytest
import torch

pytest.importorskip("gradio")

from starlette.applications import Starlette
from starlette.testclient import TestClient

from cvt.files.hub import EMBEDDED as EMBEDDED_FOLDER
from tests import serving
from tests.files.fake_hub import FakeHub, in_place_of_the_hub
from tests.page.models.loading import Loading
from visualize.page.models import room
from visualize.page.models.offers import BEST, CHECKPOINTS, EMBEDDED, best_here, offers
from visualize.page.requests import Request
from visualize.page.routes import routes
from visualize.page.words.sentences import say
from visualize.page.workbench import Workbench

SMALL = {"embed_dim": (8, 16, 32), "depth": (1, 1, 2)}
FISH, BIRDS = "someone/fish", "someone/birds"


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Folders of three small models."""
    root = tmp_path_factory.mktemp("models")
    for seed, name in enumerate(("fish", "birds", "mice")):
        serving.save_random_model(root / name, kind=name, seed=seed, **SMALL)
    return root


@pytest.fixture
def hub(monkeypatch, tmp_path, saved):
    """A Hub with two of them; its cache is empty."""
    server = FakeHub()
    in_place_of_the_hub(server, monkeypatch, tmp_path / "cache")
    for name in (FISH, BIRDS):
        server.publish(name, saved / name.split("/")[1])
    yield server
    server.go.set()
    server.close()


@pytest.fixture
def workbench(hub, saved):
    return Workbench([str(saved / "mice"), FISH, BIRDS], "cpu")


def state(workbench: Workbench, name: str) -> str:
    return workbench.models.entry(name)["state"]


def test_what_can_be_chosen_is_all_there_is_and_each_once(saved):
    found = offers([str(saved / "mice"), BEST])
    names = list(found)
    assert names[:3] == ["mice", BEST, EMBEDDED]
    assert len(names) == 1 + 1 + len(CHECKPOINTS) + 8
    assert [name for name in names if name.startswith("microsoft/")] == [f"microsoft/cvt-{end}" for end, *_ in CHECKPOINTS]
    assert found["ablations/linear"].quick
    # the authors' files have 19,984,168 and 276,745,448 numbers, by the tensors that transformers lists for them
    assert found[BEST].download_bytes == pytest.approx(80e6, rel=0.005)
    assert found["microsoft/cvt-w24-384-22k"].download_bytes == pytest.approx(1.108e9, rel=0.005)


def test_a_download_is_seen_stopped_and_goes_on_where_it_stopped(workbench, hub):
    assert (state(workbench, FISH), workbench.models.entry(FISH)["bytes"]) == ("absent", None)
    hub.hold_after = 20_000
    first = Loading(workbench.models, FISH)
    assert first.downloads.wait(20)
    assert state(workbench, FISH) == "loading"
    assert 0 < workbench.models.entry(FISH)["share"] < 1
    first.close()
    assert state(workbench, FISH) == "absent"
    hub.hold_after = None
    hub.go.set()
    second = Loading(workbench.models, FISH)
    assert second.end()["state"] == "ready"
    spans = hub.gets("model.safetensors")
    assert spans[0] is None
    assert int(spans[1].removeprefix("bytes=").rstrip("-")) >= 20_000
    assert workbench.loaded(FISH).config.id2label[0] == "fish 0"


def test_the_same_model_is_loaded_once_and_until_nobody_waits(workbench, hub):
    hub.hold_after = 20_000
    one, two = (Loading(workbench.models, FISH) for _ in range(2))
    assert one.downloads.wait(20)
    assert two.downloads.wait(20)
    one.close()
    assert state(workbench, FISH) == "loading"
    hub.go.set()
    assert two.end()["state"] == "ready"
    assert one.told[-1] != two.told[-1]
    assert hub.gets("model.safetensors") == [None]


def test_nobody_waits_for_anothers_download(workbench, hub):
    hub.hold_after = 20_000
    slow = Loading(workbench.models, FISH)
    assert slow.downloads.wait(20)
    hub.hold_after = None
    assert workbench.loaded(BIRDS).name == BIRDS  # side by side
    assert workbench.loaded("mice").name == "mice"
    assert workbench.loaded("ablations/mean").config.num_labels == 200
    assert state(workbench, FISH) == "loading"
    slow.close()


def test_a_program_waits_a_while_and_is_then_told_how_far_it_is(workbench, hub):
    hub.hold_after = 20_000
    with pytest.raises(ValueError, match=f"{FISH} is still being loaded"):
        workbench.models.loaded(FISH, wait=0.01)
    assert state(workbench, FISH) == "loading"  # for when it asks again
    hub.go.set()
    assert workbench.models.loaded(FISH, wait=20).name == FISH


def refusal(workbench: Workbench, name: str) -> str:
    """Why a model cannot be had, which the list says, too."""
    loading = Loading(workbench.models, name)
    loading.thread.join(20)
    entry = workbench.models.entry(name)
    assert entry["state"] == "failed"
    assert entry["sentence"] == str(loading.problem)
    assert "/" not in entry["sentence"].replace(name, "")  # no path of this machine
    return entry["sentence"]


def test_a_model_that_cannot_be_had_is_said_and_can_be_tried_again(workbench, hub, monkeypatch):
    hub.private[FISH] = "hf_secret"
    assert "“someone/fish”, or does not give it to this server" in refusal(workbench, FISH)
    del hub.private[FISH]
    hub.corrupt = True
    assert "damaged" in refusal(workbench, FISH)
    hub.corrupt = False

    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device", "/home/somebody/.cache/huggingface")

    with monkeypatch.context() as patch:
        patch.setattr("cvt.files.download._append", full)
        assert "(No space left on device)" in refusal(workbench, FISH)
    with monkeypatch.context() as patch:
        patch.setattr("cvt.files.checkpoint.read_tensors", lambda *args: [][0])
        assert refusal(workbench, FISH) == say("model_failed", name=FISH)
    assert workbench.models.names[0] == "mice"  # with which the page goes on
    assert Loading(workbench.models, FISH).end()["sentence"] is None
    assert workbench.loaded(FISH).name == FISH


def test_a_folder_that_goes_away_is_said_like_any_other_failure(saved, tmp_path):
    serving.save_random_model(tmp_path / "stick", **SMALL)
    workbench = Workbench([str(saved / "mice"), str(tmp_path / "stick")], "cpu")
    assert state(workbench, "stick") == "here"
    (tmp_path / "stick").rename(tmp_path / "elsewhere")
    assert state(workbench, "stick") == "absent"
    assert "no folder or file" in refusal(workbench, "stick")


def test_without_a_network_what_is_here_is_had(workbench, hub, caplog, monkeypatch):
    assert workbench.loaded(BIRDS).name == BIRDS
    hub.close()
    again = Workbench([None, BIRDS, FISH], "cpu")
    assert state(again, BIRDS) == "here"
    assert again.loaded(BIRDS).config.id2label[0] == "birds 0"
    unreachable = "is not on this machine, and the Hugging Face Hub cannot be reached. Try again later, or choose another model."
    assert refusal(again, FISH) == f"“someone/fish” {unreachable}"
    assert refusal(again, "microsoft/cvt-21") == f"“CvT-21, 224 px” {unreachable}"  # as the menu calls it
    assert "config.json of 'someone/fish'" in caplog.text  # whoever runs the server reads more
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert refusal(again, FISH) == "“someone/fish” is not on this machine, and this server downloads nothing. Choose another model."


def test_memory_is_bounded_and_what_is_used_stays(saved, hub):
    workbench = Workbench([str(saved / "mice"), FISH, BIRDS], "cpu")
    models, freed = workbench.models, []
    models.loaded(FISH)
    one = models._kept.nbytes
    assert one > 0
    models._kept.max_bytes, models._kept._freed = int(1.5 * one), lambda: freed.append(gc.collect())
    with models.using():
        fish, birds = models.loaded(FISH), models.loaded(BIRDS)
        assert models.loaded(FISH) is fish  # in use: beyond the bound for now
        assert (models.loaded(BIRDS), models._kept.nbytes) == (birds, 2 * one)
        assert freed == []
    assert [state(workbench, name) for name in ("mice", FISH, BIRDS)] == ["ready", "here", "ready"]  # the least recently used has gone
    assert (models._kept.nbytes, len(freed)) == (one, 1)
    birds.model_of(Request(model=BIRDS, picture="", architecture=birds.config.replace(depth=(1, 2, 2))))
    held = [weakref.ref(each.model) for each in (fish, birds)]
    for thread in threading.enumerate():  # runners that warm up hold their models
        if "warm_up" in thread.name:
            thread.join(20)
    del fish, birds
    assert models.loaded(FISH).name == FISH
    gc.collect()
    assert [each() for each in held] == [None, None]  # nothing keeps them, their variants neither


def test_a_model_larger_than_the_bound_is_refused_before_it_is_downloaded(workbench, hub):
    workbench.models._kept.max_bytes = 1000
    assert "models may take 1.00 kB here" in refusal(workbench, FISH)
    assert hub.gets("model.safetensors") == []
    assert workbench.loaded().name == "mice"  # the first one is there all the same


def test_models_take_half_of_a_small_containers_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(room, "LIMITS", (str(tmp_path / "none"), str(tmp_path / "max")))
    for limit, expected in (("1000000", 500_000), ("max", None), ("9" * 19, None)):
        (tmp_path / "max").write_text(f"{limit}\n")
        found = room.room_for_models(torch.device("cpu"))
        assert found == expected if expected else 500_000 < found <= room.MOST


def test_the_routes_say_what_can_be_chosen_and_load_it(workbench):
    with TestClient(Starlette(routes=routes(workbench))) as client:
        listed = client.get("/models").json()
        assert [each["name"] for each in listed["models"]] == list(workbench.models.offers)
        assert (listed["first"], listed["instead"]) == ("mice", None)
        assert listed["models"][0].items() >= {"title": "mice", "state": "ready", "bytes": 0, "sentence": None}.items()
        lines = [json.loads(line) for line in client.post("/models/load", json={"name": FISH}).text.splitlines()]
        assert all(set(line) == {"step", "share"} for line in lines[:-1])
        assert lines[-1]["result"] == workbench.models.entry(FISH)
        for asked in (0, [], {}, {"name": 3}, {"name": "someone/else"}, {"name": ["mice"]}):
            answer = client.post("/models/load", json=asked)
            assert json.loads(answer.text)["error"].startswith("There is no model ")
        opened = client.post("/laboratory/open", json={"query": f"model={BIRDS}&stage=3&block=2"}).json()
        assert (opened["needs"], opened["model"], opened["view"]["model"]) == (BIRDS, "mice", None)
        client.post("/models/load", json={"name": BIRDS})
        opened = client.post("/laboratory/open", json={"query": f"model={BIRDS}&stage=3&block=2"}).json()
        assert (opened["needs"], opened["model"], opened["notices"]) == (None, BIRDS, [])


def test_a_model_that_would_take_hours_for_a_picture_is_refused(saved, tmp_path):
    serving.save_random_model(tmp_path / "vast", **SMALL)
    settings = tmp_path / "vast" / "preprocessor_config.json"
    settings.write_text(json.dumps(json.loads(settings.read_text()) | {"size": {"height": 4000, "width": 4000}, "crop_pct": None}))
    workbench = Workbench([str(saved / "mice"), str(tmp_path / "vast")], "cpu")
    assert refusal(workbench, "vast") == say("model_too_slow", name="vast", side=4000)


def test_a_damaged_model_ends_the_start_only_where_no_other_can_be_had(saved, hub, tmp_path, monkeypatch):
    damaged = tmp_path / "damaged"
    serving.save_random_model(damaged, **SMALL)
    (damaged / "model.safetensors").write_bytes(b"x" * 100)
    assert Workbench([str(damaged), str(saved / "mice")], "cpu").names == ["mice", "damaged"]
    Workbench(FISH, "cpu")
    hub.close()
    cached = next((tmp_path / "cache").rglob("snapshots/*/config.json")).resolve()
    cached.write_bytes(cached.read_bytes()[:50])
    workbench = Workbench(FISH, "cpu")
    told = workbench.models.listed()
    assert (told["first"], workbench.loaded().source) == (EMBEDDED, None)
    assert told["instead"].startswith(f"config.json in '{FISH}'")
    assert told["instead"].endswith(f"The page begins with {EMBEDDED} instead.")
    with pytest.raises(ValueError, match="There is no folder or file 'nowhere'"):  # of whoever typed it
        Workbench("./nowhere", "cpu")
    monkeypatch.setattr("cvt.files.hub.EMBEDDED", tmp_path / "gone")
    with pytest.raises(ValueError, match="The built-in model is missing"):
        Workbench([str(damaged), None], "cpu")


def test_a_space_opens_with_cvt_13_where_it_is_here(hub, monkeypatch):
    assert EMBEDDED_FOLDER.is_dir()
    assert best_here() == [None]
    monkeypatch.setenv("SPACE_ID", "somebody/cvt-explorer")
    assert best_here() == [None]
    hub.repositories[BEST] = hub.repositories[FISH]
    Workbench(None, "cpu").loaded(BEST)
    assert best_here() == [BEST, None]
    monkeypatch.delenv("SPACE_ID")
    assert best_here() == [None]
