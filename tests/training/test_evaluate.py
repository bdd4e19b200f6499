"""The command that measures a model: on which pictures, what it says and writes, and how it is refused."""

import csv
import io
import json
import shutil
import sys
import unicodedata

import numpy as np
import pytest
import torch
from PIL import Image

from cvt import CvtForImageClassification, CvtImageProcessor
from cvt import evaluate as evaluate_module
from cvt.evaluate import class_numbers, in_words, main, normalized, predict, predictions, tables
from cvt.training.data import places
from cvt.training.data.data import find, find_both, find_held_out
from cvt.training.data.reading import middle_square, read
from cvt.training.data.unseen import unseen
from cvt.training.measures import evaluate
from cvt.training.result import write_held_out
from tests.helpers import tiny_config, tiny_model
from tests.training.test_measures import NAMES, answers


def write_pictures(root, classes, count, side=40):
    generator = np.random.default_rng(0)
    for number, name in enumerate(classes):
        (root / name).mkdir(parents=True)
        for index in range(count):
            values = generator.integers(0, 100, (side, side + 9, 3))
            values[..., number % 3] += 30 * number
            Image.fromarray(values.clip(0, 255).astype(np.uint8)).save(root / name / f"{index}.png")
    return root


@pytest.mark.parametrize(
    "settings", [{}, {"do_normalize": False}, {"do_rescale": False}, {"image_mean": 0.3, "image_std": (0.1, 0.2, 0.3)}]
)
def test_values_are_exactly_the_processors(settings):
    processor = CvtImageProcessor(size=24, **settings)
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (50, 40, 3), dtype=np.uint8))
    cut = torch.from_numpy(np.array(processor.cut(picture))).permute(2, 0, 1)[None]
    assert torch.equal(normalized(cut, processor), processor(picture, return_tensors="pt").pixel_values)


def test_logits_are_those_of_the_model_on_the_processors_pixels(tmp_path):
    root = write_pictures(tmp_path / "d", ["dog", "cat"], 5)
    model = tiny_model(id2label={0: "ant", 1: "dog", 2: "cat"}, num_labels=None)
    processor = CvtImageProcessor(size=32, crop_pct=0.9)
    measured = predictions(model, processor, find(root), batch_size=3)
    assert measured.labels.tolist() == [2] * 5 + [1] * 5  # the model's numbers
    with torch.inference_mode():
        for name, logits in zip(measured.names, measured.logits, strict=True):
            assert torch.allclose(logits, model(**processor(root / name, return_tensors="pt")).logits[0], atol=1e-5)
    assert measured.speed > 0
    with pytest.raises(ValueError, match="does not know 1 of the 2 classes, for example 'eel'"):
        class_numbers(("dog", "eel"), model.config)
    with pytest.raises(ValueError, match="does not resize"):
        predictions(model, CvtImageProcessor(do_resize=False), find(root))
    bear = tiny_model(id2label={0: unicodedata.normalize("NFD", "Bär"), 1: "dog"}, num_labels=None).config
    assert class_numbers(("dog", unicodedata.normalize("NFC", "Bär")), bear) == [1, 0]
    assert predict(model, processor, torch.zeros(1, 3, 32, 32, dtype=torch.uint8))[0].shape == (1, 3)


def test_what_is_said_names_the_worst_first():
    logits, labels = answers()
    result = evaluate(logits, labels, NAMES)
    assert f"top-1 {result.top1:.1%}, top-5 {result.top5:.1%}" in in_words(result, 96, 12.3)
    shares = [int(line.split()[2].rstrip("%")) for line in tables(result).splitlines()[1 : len(NAMES) + 1]]
    assert shares == sorted(shares)
    assert f"{result.confused[0][2]} ×  {result.confused[0][0]} → {result.confused[0][1]}" in tables(result)
    assert "top-5" not in in_words(evaluate(logits[:, :3], labels.clamp(max=2), NAMES[:3]), 96, 1)


def save_model_and_pictures(root, side=32):
    """A model for 32×32 pixels and pictures, of which it classifies about four in five correctly at ``side``."""
    generator, names = np.random.default_rng(0), ["ant", "bee", "cat"]
    measured = {"evaluation": {"top1": 0.5, "calibration_error": 0.5, "of": "before"}}
    model = tiny_model(tiny_config(id2label=dict(enumerate(names)), num_labels=None, extra=measured))
    colours = generator.integers(0, 256, (120, 4, 4, 3), dtype=np.uint8)
    pictures = [Image.fromarray(each).resize((40, 40), Image.Resampling.BICUBIC) for each in colours]
    with torch.inference_mode():
        values = CvtImageProcessor(size=side, crop_pct=1.0)(pictures, return_tensors="pt")
        model.classifier.weight.mul_(20)
        model.classifier.bias.sub_(model(**values).logits.mean(0))  # as drawn, it would name the same class everywhere
        named = model(**values).logits.argmax(1).tolist()
    assert min(map(named.count, range(3))) > 10
    for index, picture in enumerate(pictures):
        folder = root / "data" / "valid" / names[named[index] if generator.random() < 0.7 else index % 3]
        folder.mkdir(parents=True, exist_ok=True)
        picture.save(folder / f"{index}.png")
    model.half().save_pretrained(root / "model")
    CvtImageProcessor(size=32, crop_pct=1.0).save_pretrained(root / "model")
    return root


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    return save_model_and_pictures(tmp_path_factory.mktemp("saved"))


def test_the_command_measures_at_any_side_and_writes_a_table(saved, capsys):
    main(["--model", str(saved / "model"), "--data", str(saved / "data"), "--side", "32", "48", "--table", str(saved / "table.csv")])
    said = capsys.readouterr().out
    assert "120 pictures at 32×32: top-1 " in said
    assert "120 pictures at 48×48: top-1 " in said
    assert "most often confused" in said
    with open(saved / "table.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == ["ant", "bee", "cat"]
    assert sum(int(row["named"]) for row in rows) == 120


def test_the_command_folds_a_temperature_in(saved, capsys):
    main(["--model", str(saved / "model"), "--data", str(saved / "data"), "--calibrate", str(saved / "honest")])
    assert "Temperature " in capsys.readouterr().out
    before, after = (CvtForImageClassification.from_pretrained(saved / name) for name in ("model", "honest"))
    written = json.loads((saved / "honest" / "config.json").read_text())
    details = written["calibration"]
    assert details["pictures"] == 120
    assert torch.allclose(after.classifier.weight, before.classifier.weight / details["temperature"], rtol=2e-3, atol=1e-4)
    assert CvtForImageClassification.from_pretrained(saved / "honest", dtype="auto").dtype == torch.float16
    listing = find(saved / "data" / "valid")
    processor = CvtImageProcessor.from_pretrained(saved / "honest")
    results = [
        evaluate(each.logits, each.labels, ["ant", "bee", "cat"]) for each in (predictions(m, processor, listing) for m in (before, after))
    ]
    assert results[1].top1 == results[0].top1
    now = {"top1": round(results[0].top1, 4), "top5": 1.0, "calibration_error": details["calibration_error"], "pictures": 120}
    assert written["evaluation"] == now  # nothing of the earlier measurement
    assert results[1].loss < results[0].loss


def test_a_model_calibrated_at_a_side_is_written_for_it(tmp_path):
    root = save_model_and_pictures(tmp_path, side=48)
    main(["--model", str(root / "model"), "--data", str(root / "data"), "--side", "48", "32", "--calibrate", str(root / "larger")])
    assert CvtImageProcessor.from_pretrained(root / "larger").side == 48
    assert CvtForImageClassification.from_pretrained(root / "larger").config.image_size == 48
    calibration = json.loads((root / "larger" / "config.json").read_text())["evaluation"]
    assert calibration["top1"] > 0.7  # measured at 48; at 32 it is right by chance


@pytest.fixture
def trained(saved, tmp_path):
    """A folder of 120 pictures without parts, and a model whose training held 101 of them out."""
    shutil.copytree(saved / "model", tmp_path / "model")
    shutil.copytree(saved / "data" / "valid", tmp_path / "data")
    names = find(tmp_path / "data").names[19:]
    rows = "".join(f"{name},{name.split('/')[0]},ant,0.5000\n" for name in names)
    (tmp_path / "model" / "held_out.csv").write_text("picture,class,named,confidence\n" + rows)
    return tmp_path


def evaluated(root, *more, model="model", data="data"):
    main(["--model", str(root / model), "--data", str(root / data), *more])


def test_pictures_that_the_model_was_trained_on_are_not_measured(trained, capsys):
    evaluated(trained, "--table", str(trained / "table.csv"))
    said = capsys.readouterr().out
    assert "Evaluated on the 101 pictures held out from its training, of 120 (--all uses all)." in said
    assert "101 pictures at 32×32" in said
    with open(trained / "table.csv", newline="") as file:
        counted = {row["name"]: int(row["pictures"]) for row in csv.DictReader(file)}
    everything = find(trained / "data")
    held_out = everything.only(set(range(19, 120)))
    assert counted == dict(zip(held_out.classes, held_out.counts(), strict=True))
    evaluated(trained, "--all")
    said = capsys.readouterr().out
    assert "Evaluated on all 120 pictures: it may have been trained on some of them." in said
    assert "120 pictures at 32×32" in said


def test_a_temperature_is_fitted_to_pictures_held_out_and_the_list_of_them_is_handed_on(trained, capsys):
    evaluated(trained, "--calibrate", str(trained / "honest"))
    assert json.loads((trained / "honest" / "config.json").read_text())["evaluation"]["pictures"] == 101
    capsys.readouterr()
    evaluated(trained, model="honest")
    assert "Evaluated on the 101 pictures" in capsys.readouterr().out
    first = find(trained / "data").names[19]
    assert (trained / "honest" / "held_out.csv").read_text().splitlines()[:2] == ["picture,class", f"{first},{first.split('/')[0]}"]
    with pytest.raises(SystemExit, match="leave out --all"):
        evaluated(trained, "--all", "--calibrate", str(trained / "other"))


def test_pictures_named_as_held_out_are_all_measured(trained, capsys):
    (trained / "parts").mkdir()
    (trained / "data").rename(trained / "parts" / "val")
    rows = (trained / "model" / "held_out.csv").read_text()
    (trained / "model" / "held_out.csv").write_text(rows.replace("\n", "\nval/").removesuffix("val/"))
    evaluated(trained, data="parts")
    said = capsys.readouterr().out
    assert "120 pictures at 32×32" in said
    assert "Evaluated on" not in said


def test_other_pictures_are_all_measured_and_missing_ones_are_told_of(trained, capsys):
    first = trained / "data" / find(trained / "data").names[30]
    first.unlink()
    evaluated(trained)
    said = capsys.readouterr().out
    assert "Only 100 of the 101 pictures held out from its training are here: it is evaluated on all 119" in said
    for file in find(trained / "data").walk():
        file.rename(file.with_name(f"new {file.name}"))
    evaluated(trained)
    said = capsys.readouterr().out
    assert "None of the 101 pictures held out from its training are here: it is evaluated on all 119" in said
    assert "119 pictures at 32×32" in said


@pytest.mark.parametrize("part", ["", "train"])
def test_what_a_training_writes_is_what_is_measured(tmp_path, part):
    write_pictures(tmp_path / "data" / part, ["Bär", "cat, puss"], 20)
    _, held_out = find_both(tmp_path / "data", 3)
    write_held_out(tmp_path / "held_out.csv", read(held_out, middle_square(32)), torch.zeros(len(held_out), 2))
    listing, sentence = unseen(find_held_out(tmp_path / "data"), str(tmp_path))
    assert listing.names == held_out.names
    assert sentence.startswith("Evaluated on the 4 pictures held out from its training, of 40")


def test_pictures_of_the_same_names_but_other_classes_are_others(trained, capsys):
    names = find(trained / "data").names
    rows = "".join(f"{name},{'ant' if index < 40 else name.split('/')[0]}\n" for index, name in enumerate(names[19:]))
    (trained / "model" / "held_out.csv").write_text("picture,class\n" + rows)
    evaluated(trained)
    assert "of the 101 pictures held out from its training are here: it is evaluated on all 120" in capsys.readouterr().out


def test_a_list_of_another_models_held_out_pictures_goes(trained):
    (trained / "model" / "held_out.csv").rename(trained / "list")
    (trained / "honest").mkdir()
    (trained / "list").rename(trained / "honest" / "held_out.csv")
    evaluated(trained, "--calibrate", str(trained / "honest"))
    assert not (trained / "honest" / "held_out.csv").exists()


@pytest.mark.parametrize("name", ["table", "config.json", "held_out.csv", "history.csv"])
def test_a_table_takes_no_other_files_place(trained, name):
    with pytest.raises(SystemExit, match=r"choose a name such as table\.csv, not"):
        evaluated(trained, "--table", str(trained / "model" / name))


@pytest.mark.parametrize(("error", "words"), [
    (PermissionError(13, "Permission denied"), r"a file cannot be read \(Permission denied\)"), (KeyboardInterrupt(), "Stopped"),
])  # fmt: skip
def test_what_ends_a_measurement_is_one_sentence(trained, monkeypatch, error, words):
    def ended(*_, **__):
        raise error

    monkeypatch.setattr(evaluate_module.CvtForImageClassification, "from_pretrained", ended)
    with pytest.raises(SystemExit, match=words):
        evaluated(trained)


@pytest.mark.parametrize("content", [b"picture\n\xff\n", b"", b"picture,class\n", b"garbage\n1\n"])
def test_a_damaged_list_of_pictures_held_out_is_not_passed_over(trained, content):
    (trained / "model" / "held_out.csv").write_bytes(content)
    with pytest.raises(SystemExit, match=r"held_out\.csv.* is damaged: evaluate all pictures with --all"):
        evaluated(trained)
    evaluated(trained, "--all")


def test_pictures_outside_any_class_are_told_of_when_measuring(trained, capsys):
    shutil.copy(next(iter(find(trained / "data").walk())), trained / "data" / "loose.png")
    evaluated(trained)
    assert "1 picture lies in 'data' outside any class folder" in capsys.readouterr().out


@pytest.mark.parametrize(("option", "there", "words"), [
    ("--table", "model", "--table is a folder, 'model'"), ("--calibrate", "file", "--calibrate is a file, 'file'"),
    ("--table", "file/t.csv", "Nothing can be written to 't.csv' .Not a directory.: choose another --table"),
    ("--calibrate", "file/m", "Nothing can be written to 'm' .Not a directory.: choose another --calibrate"),
    ("--table", "locked/t.csv", "written to 't.csv' .Permission denied."),
    ("--calibrate", "locked/m", "written to 'm' .Permission denied."), ("--calibrate", "data/m", "--calibrate is inside --data"),
])  # fmt: skip
def test_a_place_that_cannot_be_written_is_refused_before_measuring(trained, monkeypatch, option, there, words):
    def locked(dir):
        if dir.name == "locked":
            raise PermissionError(13, "Permission denied", str(dir))
        return tempfile(dir=dir)

    tempfile = places.TemporaryFile
    monkeypatch.setattr(places, "TemporaryFile", locked)
    monkeypatch.setattr(evaluate_module, "predictions", None)
    (trained / "file").write_text("")
    (trained / "locked").mkdir()
    with pytest.raises(SystemExit, match=words):
        evaluated(trained, option, str(trained / there))
    assert not any((trained / "locked").iterdir())


@pytest.mark.parametrize("option", ["--table", "--calibrate"])
def test_a_place_that_is_full_in_the_end_is_one_sentence(trained, monkeypatch, option):
    def full(path):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(evaluate_module, "replacing", full)
    monkeypatch.setattr("cvt.files.saving.replacing", full)
    with pytest.raises(SystemExit, match=r"Nothing can be written to .x.csv. \(No space left on device\): choose another " + option):
        evaluated(trained, option, str(trained / "x.csv"))


def test_a_terminal_without_a_letter_does_not_stop_it(trained, monkeypatch):
    plain = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", plain)
    evaluated(trained)
    plain.flush()
    assert b"101 pictures at 32?32" in plain.buffer.getvalue()


@pytest.mark.parametrize(("wrong", "words"), [
    (["--data", "nowhere"], "no pictures at 'nowhere'"), (["--side", "1"], "too small"),
    (["--model", "no/such/model"], "no folder or file"),
    (["--device", "abacus"], "no device 'abacus'"), (["--batch-size", "0"], "1 or more"),
])  # fmt: skip
def test_what_cannot_be_measured_is_one_sentence(saved, wrong, words):
    with pytest.raises(SystemExit, match=words):
        main(["--model", str(saved / "model"), "--data", str(saved / "data"), *wrong])
