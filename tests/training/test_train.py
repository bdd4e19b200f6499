"""Training as a command: going on after a kill, several processes, and the way from a folder of pictures to the app."""

import csv
import json
import re
import socket
import time
import unicodedata

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from cvt import CvtConfig, CvtForImageClassification, CvtImageProcessor
from cvt.train import EMBEDDED_ARCHITECTURE, accumulate_on_cpu, arguments, main, phases, recipe_of, starting_point
from cvt.training.batches import Batches
from cvt.training.recipe import FINE_TUNING, LEAST_STEPS, Recipe
from cvt.training.result import draw_curves
from cvt.training.start import IMAGENET_MEAN, IMAGENET_STD, load_teacher
from tests.helpers import tiny_config, tiny_model
from tests.training.apart import started
from tests.training.test_trainer import SAME_FOR_PARTS, assert_same_gradients

CLASSES = ("ant", "bee", "cat")


def test_the_recipe_of_the_embedded_model_is_the_default():
    options = arguments(["--data", "tiny-imagenet", "--out", "OUT"])
    start = starting_point(options)
    assert recipe_of(options, start) == Recipe(
        phases=(((96,), 100.0),), batch_size=1024, learning_rate=2.5e-3, muon_learning_rate=0.012, weight_decay=0.05,
        warmup=0.03, label_smoothing=0.1, mix=0.8, plain=0.0, area=(0.3, 1.0), color=0.3, blur=0.3, randaugment=7.0,
        ema_decay=0.9995, accumulate=1, clip=1.0, seed=0,
    )  # fmt: skip
    assert start.config == CvtConfig(**EMBEDDED_ARCHITECTURE)
    assert (start.source, start.processor.side, start.processor.crop_pct) == (None, 96, 1.0)
    shipped = CvtForImageClassification.from_pretrained().config
    assert [getattr(shipped, name) for name in EMBEDDED_ARCHITECTURE] == [getattr(start.config, name) for name in EMBEDDED_ARCHITECTURE]


def test_another_input_is_trained_in_the_same_proportion(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(tiny_config(image_size=48).to_dict()))
    options = arguments(f"--data D --out OUT --config {tmp_path / 'config.json'}".split())
    assert recipe_of(options, starting_point(options)).phases == (((48,), 100.0),)


@pytest.mark.parametrize(("batch", "pictures", "processes", "parts"), [
    (1024, 10**5, 1, 16), (1024, 10**5, 2, 8), (1024, 300, 1, 4), (1024, 20, 1, 1), (32, 10**5, 1, 1), (200, 10**5, 1, 2),
    (101, 10**5, 1, 1),
])  # fmt: skip
def test_a_cpu_takes_large_batches_in_parts(batch, pictures, processes, parts):
    assert accumulate_on_cpu(Recipe(batch_size=batch), pictures, processes).accumulate == parts


def test_too_little_memory_is_one_sentence(monkeypatch, tmp_path):
    def exhausted(*_):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate …")

    monkeypatch.setattr("cvt.train.train", exhausted)
    with pytest.raises(SystemExit, match="--accumulate"):
        main(["--data", str(tmp_path), "--out", str(tmp_path / "out")])


def test_phases_in_words():
    assert phases("32:3,64/96:0.5") == (((32,), 3.0), ((64, 96), 0.5))
    with pytest.raises(Exception, match="not a list of side:epochs"):
        phases("96")


def write_pictures(root, count=20, classes=CLASSES, side=40):
    generator = np.random.default_rng(0)
    for number, name in enumerate(classes):
        (root / name).mkdir(parents=True)
        for index in range(count):
            values = generator.integers(0, 90, (side, side + 8, 3))
            values[..., number % 3] += 150
            Image.fromarray(values.clip(0, 255).astype(np.uint8)).save(root / name / f"{index}.jpg")
    return root


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Pictures of three colours, an architecture, and a trained model that knows two other things."""
    root = tmp_path_factory.mktemp("training")
    write_pictures(root / "pictures")
    (root / "architecture.json").write_text(json.dumps(tiny_config(drop_path_rate=(0.0, 0.1, 0.2)).to_dict()))
    tiny_model(tiny_config(id2label={0: "left", 1: "right"}, num_labels=None)).save_pretrained(root / "model")
    CvtImageProcessor(size=32, crop_pct=1.0, image_mean=0.4, image_std=0.2).save_pretrained(root / "model")
    return root


def command(folder, out, *more):
    """What the command is given."""
    return [
        *("--data", str(folder / "pictures"), "--out", str(out), "--config", str(folder / "architecture.json"), "--device", "cpu"),
        *map(str, more),
    ]


def test_killed_at_any_moment_it_ends_with_the_same_weights(folder, tmp_path):
    settings = ["--phases", "16/24:3,32:1", "--batch-size", "16", "--randaugment", "6", "--save-every", "0"]
    whole = started(command(folder, tmp_path / "whole", *settings), tmp_path / "whole.txt")
    killed, state = command(folder, tmp_path / "killed", *settings), tmp_path / "killed" / "state.pt"
    stops = []
    for saves in (1, 3):
        process = started(killed, tmp_path / "killed.txt")
        for _ in range(saves):
            before = state.stat().st_mtime_ns if state.exists() else 0
            while not state.exists() or state.stat().st_mtime_ns == before:
                assert process.exitcode is None
                time.sleep(0.001)
        process.kill()
        process.join()
        stops.append(torch.load(state)["step"])
    (tmp_path / "killed" / ".state.pt.abcd1234").write_bytes(b"half")  # as a kill while writing leaves it
    last = started(killed, tmp_path / "killed.txt")
    for process in (last, whole):
        process.join()
        assert process.exitcode == 0
    assert f"Resuming from step {stops[1]}" in (tmp_path / "killed.txt").read_text()
    assert 0 < stops[0] < stops[1] < 13
    for name in ("whole", "killed"):
        with open(tmp_path / name / "history.csv", newline="") as file:
            assert [int(row["step"]) for row in csv.DictReader(file)] == list(range(1, 14))
    states = [torch.load(tmp_path / name / "state.pt") for name in ("whole", "killed")]
    for part in ("model", "average"):
        assert all(torch.equal(value, states[1][part][name]) for name, value in states[0][part].items())
    assert (tmp_path / "whole" / "model.safetensors").read_bytes() == (tmp_path / "killed" / "model.safetensors").read_bytes()
    assert not list((tmp_path / "killed").glob(".*"))


def test_two_processes_learn_what_one_does(tmp_path, monkeypatch):
    """In the surroundings that torchrun makes."""
    write_pictures(tmp_path / "pictures", count=14)
    (tmp_path / "architecture.json").write_text(json.dumps(tiny_config(**SAME_FOR_PARTS).to_dict()))
    settings = ["--phases", "16:1", "--batch-size", "16", "--precision", "float32", "--muon-learning-rate", "0", "--mix", "0.5"]
    settings += ["--clip", "1e9"]  # which would hide the gradient's size
    with socket.create_server(("127.0.0.1", 0)) as free:
        world = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free.getsockname()[1])}
    processes = [
        started(command(tmp_path, tmp_path / "two", *settings), tmp_path / f"{rank}.txt", RANK=rank, LOCAL_RANK=rank, **world)
        for rank in "01"
    ]
    for process in processes:
        process.join()
        assert process.exitcode == 0
    assert "Held out: 3 pictures" in (tmp_path / "0.txt").read_text()
    assert (tmp_path / "1.txt").read_text() == ""  # one of them speaks
    monkeypatch.setattr("cvt.training.result.draw_curves", lambda out: "")
    main(command(tmp_path, tmp_path / "one", *settings))
    states = [torch.load(tmp_path / name / "state.pt") for name in ("one", "two")]
    assert [state["step"] for state in states] == [2, 2]
    assert_same_gradients(*states)
    losses = []
    for name in ("one", "two"):
        with open(tmp_path / name / "history.csv", newline="") as file:
            losses.append([float(row["loss"]) for row in csv.DictReader(file)])
    assert losses[0] == pytest.approx(losses[1], abs=1e-4)


def test_from_a_folder_to_the_app_and_to_transformers(folder, tmp_path, capsys):
    from transformers import CvtForImageClassification as Theirs

    from tests import serving
    from visualize.page.workbench import Workbench

    out = tmp_path / "out"
    main(["--data", str(folder / "pictures"), "--out", str(out), "--init", str(folder / "model"), "--phases", "32:8", "--batch-size", "16"])
    said = capsys.readouterr().out
    assert "54 pictures of 3 classes for training, 6 held out\n  ant: 18 and 2\n" in said
    assert "Held out: 6 pictures at 32×32: top-1 100.0%" in said
    assert f"python app.py --model {out}" in said
    assert "curves.png" in said
    with Image.open(out / "curves.png") as curves:
        assert curves.width > 300
    with open(out / "held_out.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 6
    assert all(row["named"] == row["class"] == row["picture"].split("/")[0] for row in rows)
    record = json.loads((out / "training.json").read_text())
    assert (record["steps"], record["pictures"], record["recipe"]["batch_size"]) == (27, 54, 16)
    workbench = Workbench(str(out))
    shown = serving.explore(workbench, folder / "pictures" / "bee" / "3.jpg").exploration
    assert shown.top(1)[0][0] == "bee"
    assert workbench.loaded().config.extra["evaluation"]["top1"] == 1.0
    assert workbench.loaded().processor.image_mean == [0.4] * 3
    theirs = Theirs.from_pretrained(out, dtype=torch.float32).eval()
    assert theirs.config.id2label == {0: "ant", 1: "bee", 2: "cat"}
    x = workbench.loaded().processor(folder / "pictures" / "cat" / "0.jpg", return_tensors="pt").pixel_values
    with torch.inference_mode():
        assert torch.allclose(theirs(x).logits, CvtForImageClassification.from_pretrained(out)(x).logits, atol=1e-5)
    assert all(value.dtype != torch.float32 for value in load_file(out / "model.safetensors").values())


def test_known_classes_keep_their_classifier(folder, tmp_path):
    tiny_model(tiny_config(id2label=dict(enumerate(["cat", "ant", "bee"])), num_labels=None)).save_pretrained(tmp_path / "model")
    CvtImageProcessor(size=32).save_pretrained(tmp_path / "model")
    options = arguments(["--data", "x", "--out", "y", "--init", str(tmp_path / "model"), "--drop-path", "0.3"])
    start = starting_point(options)
    assert start.order(CLASSES) == ("cat", "ant", "bee")
    assert recipe_of(options, start) == Recipe(**{**vars(FINE_TUNING), "phases": (((32,), 12.0),)})
    saved = load_file(tmp_path / "model" / "model.safetensors")
    kept, new = start.build(("cat", "ant", "bee"), 0), start.build(("cat", "ant", "dog"), 0)
    assert kept.config.drop_path_rate == (0.0, 0.0, 0.3)
    assert torch.equal(kept.classifier.weight, saved["classifier.weight"])
    assert new.classifier.weight.abs().max() < 0.2 < saved["classifier.weight"].abs().max()
    assert torch.equal(new.classifier.weight, start.build(("cat", "ant", "dog"), 0).classifier.weight)
    assert torch.equal(new.layernorm.weight, saved["layernorm.weight"])


@pytest.mark.parametrize(("wrong", "words"), [
    (["--data", "nowhere"], "no pictures at 'nowhere'"), (["--phases", "2:1"], "too small"), (["--mix", "2"], "choose a value from 0 to 1"),
    (["--init", "embedded"], "leave out --config"), (["--config", "none.json"], "architecture file 'none.json'"),
    (["--accumulate", "7"], "multiple of 14"), (["--device", "abacus"], "no device"), (["--precision", "float16"], "needs a CUDA GPU"),
    (["--teacher", "MODEL"], "has other classes"), (["--held-out", "1.5"], "between 0 and 1"), (["--drop-path", "1"], "below 1"),
    (["--out", "FILE"], "--out is a file, 'file'"), (["--data", "~nobody-here/x"], "no pictures at 'x'"),
    (["--config", "ARCHITECTURE", "--out", "SAME"], "folder of --config, which would be overwritten"), (["--out", "BYTES"], "not UTF-8"),
    (["--out", ""], "an empty name"), (["--out", "INSIDE"], "inside --data"),
    (["--teacher", "MODEL", "--out", "MODEL"], "folder of --teacher, which would be overwritten"),
    (["--measurements", "-1"], "0 or more"), (["--phases", "32:inf"], "epochs above 0"), (["--phases", "32:nan"], "epochs above 0"),
    (["--batch-size", "1"], "a value of 2 or more"), (["--device", "meta"], "no device"), (["--config", "GREY"], "num_channels must be 3"),
    (["--teacher", "COARSE"], "teacher .* cannot take pictures of 8×8 pixels"),
])  # fmt: skip
def test_what_cannot_work_is_one_sentence_before_training_starts(folder, tmp_path, wrong, words, capsys):
    (tmp_path / "file").write_text("x")
    (tmp_path / "grey.json").write_text(json.dumps(tiny_config(num_channels=1).to_dict()))
    coarse = tiny_config(id2label=dict(enumerate(CLASSES)), num_labels=None, patch_stride=(4, 4, 4), patch_padding=(0, 0, 0))
    named = {"MODEL": str(folder / "model"), "FILE": str(tmp_path / "file"), "GREY": str(tmp_path / "grey.json")}
    named |= {"COARSE": str(tmp_path / "coarse"), "INSIDE": str(folder / "pictures" / "out")}
    named |= {"ARCHITECTURE": str(tmp_path / "grey.json"), "SAME": str(tmp_path), "BYTES": str(tmp_path / "K\udce4fer")}
    if "COARSE" in wrong:
        CvtForImageClassification(coarse).save_pretrained(tmp_path / "coarse")
        CvtImageProcessor(size=32, image_mean=IMAGENET_MEAN, image_std=IMAGENET_STD).save_pretrained(tmp_path / "coarse")
        wrong = [*wrong, "--phases", "8:1"]
    given = [*command(folder, tmp_path / "out"), *(named.get(each, each) for each in wrong)]
    with pytest.raises(SystemExit) as exit:
        main(given)
    assert re.search(words, str(exit.value.code) + capsys.readouterr().err)
    assert not (tmp_path / "out" / "state.pt").exists()


def test_unreadable_pictures_stop_or_are_skipped(folder, tmp_path, capsys, monkeypatch):
    write_pictures(tmp_path / "pictures", count=4)
    (tmp_path / "pictures" / "ant" / "0.jpg").write_bytes(b"nothing")
    (tmp_path / "architecture.json").write_text((folder / "architecture.json").read_text())
    monkeypatch.setattr("cvt.training.result.draw_curves", lambda out: "")
    given = [*command(tmp_path, tmp_path / "out", "--phases", "16:1")]
    with pytest.raises(SystemExit, match=r"1 of \d+ pictures cannot be read; .*\n  ant/0.jpg: "):
        main(given)
    main([*given, "--skip-unreadable"])
    said = capsys.readouterr().out
    assert "1 unreadable pictures were skipped" in said
    assert "New weights learn little from so few pictures" in said


def test_curves_need_a_history(tmp_path):
    from visualize.draw.curves import main as draw

    with pytest.raises(SystemExit, match=r"no history\.csv"):
        draw([str(tmp_path)])
    (tmp_path / "history.csv").write_text("step,colour\n1,red\n")
    with pytest.raises(SystemExit, match="nothing to draw"):
        draw([str(tmp_path)])
    assert "could not be drawn (This history has nothing to draw" in draw_curves(tmp_path)
    assert not list(tmp_path.glob("*.png"))


def saved_model(folder, classes, processor=None, **changes):
    tiny_model(tiny_config(id2label=dict(enumerate(classes)), num_labels=None), **changes).save_pretrained(folder)
    (processor or CvtImageProcessor(size=32)).save_pretrained(folder)
    return str(folder)


@pytest.mark.parametrize("settings", [{}, {"do_normalize": False}, {"do_rescale": False}, {"rescale_factor": 0.01}])
def test_training_sees_pictures_as_the_processor_makes_them(folder, tmp_path, monkeypatch, settings):
    made = []

    def caught(*given, **more):
        made.append(Batches(*given, **more))
        raise ValueError("enough was seen")

    monkeypatch.setattr("cvt.train.Batches", caught)
    processor = CvtImageProcessor(size=32, crop_pct=1.0, **settings)
    source = saved_model(tmp_path / "model", ("left", "right"), processor)
    with pytest.raises(SystemExit, match="enough was seen"):
        main(["--data", str(folder / "pictures"), "--out", str(tmp_path / "out"), "--init", source, "--device", "cpu"])
    picture = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    seen = made[0].normalize(torch.from_numpy(picture).permute(2, 0, 1)[None] / 255)
    expected = processor(Image.fromarray(picture), return_tensors="pt").pixel_values
    assert torch.allclose(seen, expected, rtol=1e-5, atol=1e-5)


def test_a_model_for_pictures_of_any_size_is_refused_before_they_are_read(folder, tmp_path, monkeypatch):
    source = saved_model(tmp_path / "model", CLASSES, CvtImageProcessor(size=32, do_resize=False))
    monkeypatch.setattr("cvt.train.read", lambda *_: pytest.fail("pictures were read"))
    with pytest.raises(SystemExit, match="does not resize pictures"):
        main(["--data", str(folder / "pictures"), "--out", str(tmp_path / "out"), "--init", source])


def test_names_may_be_stored_in_either_unicode_form(tmp_path):
    apart = tuple(unicodedata.normalize("NFD", name) for name in ("Käfer", "Bär"))
    start = starting_point(arguments(["--data", "x", "--out", "y", "--init", saved_model(tmp_path / "model", apart)]))
    assert start.order(("Bär", "Käfer")) == ("Käfer", "Bär")
    saved = load_file(tmp_path / "model" / "model.safetensors")
    assert torch.equal(start.build(("Käfer", "Bär"), 0).classifier.weight, saved["classifier.weight"])
    assert load_teacher(str(tmp_path / "model"), ("Bär", "Käfer"), start.processor, {32}).classifier.weight.shape[0] == 2


def test_a_teacher_may_number_its_classes_in_another_order(tmp_path):
    source = saved_model(tmp_path / "teacher", ("cat", "ant", "bee"))
    teacher = load_teacher(source, CLASSES, CvtImageProcessor(size=32), {32})
    x = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        own = CvtForImageClassification.from_pretrained(source)(x).logits
        assert torch.equal(teacher(x).logits, own[:, [1, 2, 0]])


def test_a_few_pictures_make_no_short_training(tmp_path, monkeypatch):
    monkeypatch.setattr("cvt.training.result.draw_curves", lambda out: "")
    write_pictures(tmp_path / "pictures", count=6)
    source = saved_model(tmp_path / "model", ("left", "right"))
    given = f"--data {tmp_path / 'pictures'} --init {source} --device cpu --minutes 0".split()
    main([*given, "--out", str(tmp_path / "default")])
    main([*given, "--out", str(tmp_path / "chosen"), "--phases", "32:12"])
    assert [json.loads((tmp_path / name / "training.json").read_text())["of"] for name in ("default", "chosen")] == [LEAST_STEPS, 12]


def test_resuming_needs_the_same_weights_to_start_from_not_for_the_same_notes(tmp_path, monkeypatch):
    monkeypatch.setattr("cvt.training.result.draw_curves", lambda out: "")
    write_pictures(tmp_path / "pictures", count=6)
    source = saved_model(tmp_path / "model", ("left", "right"))
    given = f"--data {tmp_path / 'pictures'} --out {tmp_path / 'out'} --phases 16:4 --batch-size 8 --device cpu".split()
    main([*given, "--init", source, "--minutes", "0"])
    noted = json.loads((tmp_path / "model" / "config.json").read_text()) | {"evaluation": {"top1": 0.5}}
    (tmp_path / "model" / "config.json").write_text(json.dumps(noted))
    monkeypatch.chdir(tmp_path)
    main([*given, "--init", "model", "--minutes", "0"])  # named otherwise, and measured since
    assert torch.load(tmp_path / "out" / "state.pt")["step"] > 0
    saved_model(tmp_path / "model", ("left", "right"), seed=5)
    with pytest.raises(SystemExit, match="a different starting point"):
        main([*given, "--init", source])
    with pytest.raises(SystemExit, match="--out is the folder of --init, which would be overwritten"):
        main([*given, "--init", "out"])


def test_what_transformers_cannot_open_is_said_at_the_start(folder, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("cvt.training.result.draw_curves", lambda out: "")
    (tmp_path / "architecture.json").write_text(json.dumps(tiny_config(cls_token=(False,) * 3).to_dict()))
    main([*command(folder, tmp_path / "out"), "--config", str(tmp_path / "architecture.json"), "--phases", "16:1", "--minutes", "0"])
    assert "transformers does not have a last stage without cls token" in capsys.readouterr().out


@pytest.mark.parametrize(("saved", "words"), [(False, "to start again: nothing was saved"), (True, "to resume from the last saved step")])
def test_an_interruption_says_what_was_saved(tmp_path, monkeypatch, saved, words):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("cvt.train.train", interrupted)
    if saved:
        (tmp_path / "state.pt").write_bytes(b"")
    with pytest.raises(SystemExit, match=words):
        main(["--data", "x", "--out", str(tmp_path)])


def test_a_place_that_cannot_be_written_to_is_known_before_anything_is_read(folder, tmp_path, monkeypatch):
    def refused(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("cvt.training.data.places.TemporaryFile", refused)
    monkeypatch.setattr("cvt.train.read", lambda *_: pytest.fail("pictures were read"))
    with pytest.raises(SystemExit, match=r"Nothing can be written to 'out' \(Permission denied\): choose another --out"):
        main(command(folder, tmp_path / "out"))
