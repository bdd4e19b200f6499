"""python -m cvt.ablations on a CPU, with few pictures and steps: what it trains, measures, resumes, merges and packs."""

import hashlib
import json
from zipfile import ZipFile

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from cvt import CvtForImageClassification, CvtImageProcessor
from cvt.ablations import __main__ as command
from cvt.ablations import family, runs
from cvt.ablations.pictures import SHIFTS, Pictures, shifted, synthetic
from cvt.ablations.speed import speeds
from cvt.evaluate import predict
from cvt.training.data.reading import PictureSet

NAMES = ["ant", "bee", "cat"]
SMALL = {"embed_dim": (8, 16, 16), "num_heads": (1, 2, 2), "depth": (1, 1, 1)}


@pytest.fixture(autouse=True)
def small(monkeypatch):
    for name, value in SMALL.items():
        monkeypatch.setitem(family.ARCHITECTURE, name, value)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder, random = tmp_path_factory.mktemp("data"), np.random.default_rng(0)
    for part, count in (("train", 6), ("val", 1)):
        for label, name in enumerate(NAMES):
            (folder / part / name).mkdir(parents=True)
            for number in range(count):
                values = random.integers(0, 100, (64, 64, 3), dtype=np.uint8) + np.uint8(60 * label)
                Image.fromarray(values).save(folder / part / name / f"{number}.png")
    return folder


def call(data, out, *more):
    command.main(["--data", str(data), "--out", str(out), "--device", "cpu", "--batch-size", "6", *map(str, more)])


def test_runs_are_trained_measured_resumed_merged_and_packed(data, tmp_path, capsys, monkeypatch):
    out, options = tmp_path / "out", ("--members", "circular,baseline", "--seeds", 2, "--epochs", 1)
    call(data, out, *options, "--minutes", 0)
    assert "Stopped before the end of run 1 of 4, baseline-0" in capsys.readouterr().out
    call(data, out, *options)
    lines = [line for line in capsys.readouterr().out.splitlines() if "pictures/s" in line]
    assert [line.split()[1] for line in lines] == ["baseline-0:", "circular-0:", "baseline-1:", "circular-1:"]

    record = json.loads((out / "circular-0/run.json").read_text())
    model, processor = (each.from_pretrained(out / "circular-0") for each in (CvtForImageClassification, CvtImageProcessor))
    assert (model.config.padding_mode, list(model.config.id2label.values())) == ("circular", NAMES)
    assert {value.dtype for value in load_file(out / "circular-0/model.safetensors").values()} == {torch.float16, torch.int64}
    assert record["parameters"] == model.num_parameters()
    assert (record["steps"], record["recipe"]["seed"], record["hardware"]) == (3, 0, "cpu")
    files = sorted((data / "val").glob("*/*.png"))
    labels = torch.tensor([NAMES.index(file.parent.name) for file in files])
    inputs = processor([Image.open(file) for file in files], return_tensors="pt")
    with torch.inference_mode():
        named = model(**inputs).logits.argmax(1)
    assert record["accuracies"]["top1_64"] == pytest.approx((named == labels).float().mean().item())
    assert model.config.evaluation == {"top1": round(record["accuracies"]["top1_64"], 4), "pictures": len(files)}

    monkeypatch.setattr(runs, "trainer", None)  # a finished run is not trained again
    call(data, out, *options)
    assert len([line for line in capsys.readouterr().out.splitlines() if "pictures/s" in line]) == 4

    command.main(["--summary", str(out), "--pack", str(tmp_path / "packed")])
    made = json.loads((out / "table.json").read_text())
    assert [(row["name"], row["seeds"]) for row in made["members"]] == [("baseline", [0, 1]), ("circular", [0, 1])]
    digest = hashlib.sha256((out / "circular-0/model.safetensors").read_bytes()).hexdigest()
    assert made["members"][1]["sha256"] == digest
    with ZipFile(tmp_path / "packed/family-1.zip") as archive:
        names = set(archive.namelist())
    models = {f"{member}-0/{file}" for member in ("baseline", "circular") for file in ("config.json", "model.safetensors")}
    assert models | {"table.json", "circular-1/run.json"} <= names
    assert "circular-1/model.safetensors" not in names


def test_a_stopped_run_goes_on_and_ends_as_one_that_was_not_stopped(data, tmp_path, monkeypatch):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    options = ("--members", "positions", "--seeds", 1, "--epochs", 1)
    call(data, whole, *options)
    run = runs.Trainer.run
    with monkeypatch.context() as patch:  # out of time at the first report
        patch.setattr(runs.Trainer, "run", lambda self, report, seconds: run(self, report, seconds=-1.0))
        call(data, parts, *options)
    assert [(parts / "positions-0" / name).exists() for name in ("state.pt", "run.json")] == [True, False]
    call(data, parts, *options)
    assert [(parts / "positions-0" / name).exists() for name in ("state.pt", "run.json")] == [False, True]
    one, other = (load_file(folder / "positions-0/model.safetensors") for folder in (whole, parts))
    assert all(torch.allclose(value.float(), other[name].float(), atol=2e-3) for name, value in one.items())


def test_shares_part_the_runs_and_keep_the_seeds_in_order():
    every = runs.planned(family.FAMILY, 3)
    assert [run.name for run in every[7:9]] == ["circular-0", "baseline-1"]
    halves = [runs.planned(family.FAMILY, 3, (part, 2)) for part in (1, 2)]
    assert sorted(run.name for half in halves for run in half) == sorted(run.name for run in every)
    assert [run.seed for run in halves[1]] == sorted(run.seed for run in halves[1])


@pytest.mark.parametrize("shift", SHIFTS)
def test_a_shift_moves_the_content_and_reflects_what_comes_in(shift):
    pictures = torch.arange(2 * 3 * 64 * 64).view(2, 3, 64, 64).float()
    padded = torch.nn.functional.pad(pictures, (8, 8, 8, 8), mode="reflect")
    down, right = shift
    assert torch.equal(shifted(pictures, down, right), padded[:, :, 8 - down : 72 - down, 8 - right : 72 - right])


def test_what_is_measured_on_shifted_pictures():
    torch.manual_seed(0)
    model = CvtForImageClassification(family.MEMBERS["mean"].config(NAMES)).eval()
    x = torch.randint(0, 256, (5, 3, 64, 64), dtype=torch.uint8)
    labels = torch.tensor([0, 1, 2, 0, 1])
    found = runs.measured(model, Pictures(PictureSet(x, labels, (), tuple(NAMES)), "", {64: x}, labels))
    named = [predict(model, runs.processor(), shifted(x, *shift))[0].argmax(1) for shift in ((0, 0), *SHIFTS)]
    assert found["top1_64"] == pytest.approx((named[0] == labels).float().mean().item())
    assert found["shifted"] == pytest.approx(torch.stack([each == labels for each in named[1:]]).float().mean().item())
    assert found["stays"] == pytest.approx(torch.stack([each == named[0] for each in named[1:]]).float().mean().item())


def test_members_can_be_measured_for_speed():
    members, cpu = family.FAMILY[4:6], torch.device("cpu")
    found = list(speeds(members, synthetic(cpu, 32, 3), cpu, compiled=True, steps=1, batch_size=4))
    assert [member.name for member, _, _ in found] == ["cls-first", "mean"]
    assert all(speed > 0 for _, speed, _ in found)


def test_what_cannot_be_is_refused_in_a_sentence(data, tmp_path):
    for given, words in (
        (["--data", str(data)], "needs --data and --out"),
        (["--data", str(data), "--out", str(tmp_path / "o"), "--members", "baseline,other"], "no member 'other'"),
        (["--summary", str(tmp_path)], "no finished run of the baseline"),
    ):
        with pytest.raises(SystemExit, match=words):
            command.main(given)
    with pytest.raises(SystemExit):
        command.arguments(["--share", "3/2"])
