"""Training data: found, checked before anything is decoded, split, and read as the model will see it."""

import io
import json
import os
import unicodedata
from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from cvt.processor import CvtImageProcessor
from cvt.train import describe
from cvt.training.data.data import find, find_both, find_held_out, split
from cvt.training.data.reading import as_processed, check_classes, middle_square, read


def picture(width=20, height=20, seed=0):
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))


def folders(path, counts, **size):
    """A folder of class folders with so many pictures each."""
    for label, (name, count) in enumerate(counts.items()):
        (path / name).mkdir(parents=True)
        for index in range(count):
            picture(seed=100 * label + index, **size).save(path / name / f"{index}.png")
    return path


def encoded(seed=0):
    file = io.BytesIO()
    picture(seed=seed).save(file, "PNG")
    return file.getvalue()


def parquet(file, labels, names=None, images=None):
    file.parent.mkdir(parents=True, exist_ok=True)
    images = images or [{"bytes": encoded(index), "path": None} for index in range(len(labels))]
    table = pa.table({"image": pa.array(images, pa.struct([("bytes", pa.binary()), ("path", pa.string())])), "label": labels})
    if names:
        features = {"info": {"features": {"label": {"names": names, "_type": "ClassLabel"}}}}
        table = table.replace_schema_metadata({"huggingface": json.dumps(features)})
    pq.write_table(table, file)
    return file


def test_folders_are_classes_and_what_is_no_picture_is_passed_over(tmp_path):
    root = folders(tmp_path / "d", {"dog": 2, "cat": 3})
    (root / "cat" / "notes.txt").write_text("x")
    (root / "cat" / "._0.png").write_text("x")  # macOS leaves such
    (root / ".git").mkdir()
    (root / "dog" / "more").mkdir()
    picture().save(root / "dog" / "more" / "deep.JPG", "JPEG")
    listing = find(root)
    assert listing.classes == ("cat", "dog")
    assert listing.names == ("cat/0.png", "cat/1.png", "cat/2.png", "dog/0.png", "dog/1.png", "dog/more/deep.JPG")
    assert listing.labels == (0, 0, 0, 1, 1, 1)
    assert [file.name for file in listing.walk()] == [name.split("/")[-1] for name in listing.names]
    assert listing.counts() == [3, 3]
    other = listing.numbered_as(("dog", "cat"))
    assert [other.classes[label] for label in other.labels] == [listing.classes[label] for label in listing.labels]


@pytest.mark.parametrize("trouble", ["missing", "file", "no folders", "one class", "empty class", "one picture", "no share"])
def test_what_cannot_be_trained_on_is_said_before_anything_is_read(tmp_path, trouble):
    root, share = tmp_path / "data", 0.1
    if trouble == "file":
        root.write_text("x")
    elif trouble == "no folders":
        root.mkdir()
        picture().save(root / "a.png")
    elif trouble != "missing":
        counts = {"one class": {"cat": 3}, "one picture": {"cat": 3, "dog": 1}}.get(trouble, {"cat": 3, "dog": 3})
        folders(root, counts)
        if trouble == "empty class":
            (root / "eel").mkdir()
            (root / "eel" / "read me.txt").write_text("x")
    words = {
        "missing": "no pictures at 'data'", "file": "is one file", "no folders": "into a folder with the class's name",
        "one class": "only one class, 'cat'", "empty class": "class 'eel' has no picture", "one picture": "'dog' has only one picture",
        "no share": "choose a number between 0 and 1",
    }  # fmt: skip
    with pytest.raises(ValueError, match=words[trouble]):
        find_both(root, 0, 0 if trouble == "no share" else share)


def test_a_tenth_of_each_class_is_held_out_and_follows_from_the_seed(tmp_path):
    listing = find(folders(tmp_path / "d", {"cat": 40, "dog": 5, "eel": 2}))
    training, held_out = split(listing, seed=0)
    assert held_out.counts() == [4, 1, 1]
    assert training.counts() == [36, 4, 1]
    assert sorted(training.names + held_out.names) == sorted(listing.names)
    assert [file.name for file in held_out.walk()] == [name.split("/")[-1] for name in held_out.names]
    assert split(listing, seed=0)[1].names == held_out.names
    assert split(listing, seed=1)[1].names != held_out.names
    assert split(listing, seed=0, share=0.5)[1].counts() == [20, 2, 1]


def test_named_parts_are_taken_as_they_are_named(tmp_path):
    for name, count in (("train", 3), ("validation", 2)):
        folders(tmp_path / "d" / name, {"cat": count, "dog": count})
    training, held_out = find_both(tmp_path / "d", 0)
    assert training.counts() == [3, 3]
    assert held_out.counts() == [2, 2]
    assert held_out.names[0] == "validation/cat/0.png"
    assert find_held_out(tmp_path / "d").names == held_out.names
    folders(tmp_path / "d" / "validation" / "x", {"y": 1})
    with pytest.raises(ValueError, match="different classes, for example 'x', which is only among those held out: both parts need"):
        find_both(tmp_path / "d", 0)


def test_parts_are_named_in_capitals_or_not(tmp_path):
    for name, count in (("Train", 3), ("VAL", 2)):
        folders(tmp_path / "d" / name, {"cat": count, "dog": count})
    training, held_out = find_both(tmp_path / "d", 0)
    assert (training.counts(), held_out.counts()) == ([3, 3], [2, 2])
    assert (training.held_out, held_out.held_out, find_held_out(tmp_path / "d").held_out) == (False, True, True)
    parquet(tmp_path / "p" / "Train-0.parquet", [1, 0, 1], ["cat", "dog"])
    parquet(tmp_path / "p" / "Val-0.parquet", [0, 1], ["cat", "dog"])
    assert [len(part) for part in find_both(tmp_path / "p", 0)] == [3, 2]


@pytest.mark.parametrize("classes", [{"cat": 3, "dog": 3}, {"cat": 3, "dog": 3, "eel": 2}])
def test_parts_of_other_names_do_not_become_classes(tmp_path, classes):
    folders(tmp_path / "d" / "train", {"cat": 3, "dog": 3})
    folders(tmp_path / "d" / "holdout", classes)
    for look in (lambda: find_both(tmp_path / "d", 0), lambda: find(tmp_path / "d")):
        with pytest.raises(ValueError, match=r"'holdout' and 'train' hold the same folders, such as 'cat'.*Name the parts train and val"):
            look()


def test_classes_may_hold_folders(tmp_path):
    for name in ("cat", "dog"):
        folders(tmp_path / "d" / name, {"images": 2})
    assert find(tmp_path / "d").counts() == [2, 2]
    folders(tmp_path / "e" / "cat", {"front": 2, "back": 1})
    folders(tmp_path / "e" / "dog", {"front": 2, "side": 1})
    assert find(tmp_path / "e").counts() == [3, 3]


def test_train_alone_is_split(tmp_path):
    root = folders(tmp_path / "d" / "Train", {"cat": 20, "dog": 20}).parent
    training, held_out = find_both(root, 0)
    assert training.classes == ("cat", "dog")
    assert (training.counts(), held_out.counts()) == ([18, 18], [2, 2])
    assert training.names[0].startswith("Train/cat/")
    everything = find_held_out(root)
    assert set(training.names + held_out.names) == set(everything.names)
    assert not everything.held_out


def test_a_part_laid_out_in_another_way_is_told_what_is_needed(tmp_path):
    """As the original tiny-imagenet-200: val/images, and the classes in a text file."""
    root = tmp_path / "tiny"
    for name in ("n01443537", "n01629819"):
        folders(root / "train" / name, {"images": 2})
    folders(root / "val", {"images": 4})
    (root / "val" / "val_annotations.txt").write_text("val_0.JPEG\tn01443537\n")
    with pytest.raises(ValueError, match=r"'images', which is only among those held out: .* one folder per class"):
        find_both(root, 0)


def test_names_that_are_not_utf8_are_refused_before_they_are_to_be_written(tmp_path):
    root = folders(tmp_path / "d", {"cat": 2, "dog": 2})
    try:
        os.rename(root / "cat", os.fsencode(root) + b"/K\xe4fer")
    except OSError:
        pytest.skip("this file system holds no such names")
    with pytest.raises(ValueError, match=r"The name 'K\\xe4fer' is not UTF-8") as error:
        find(root)
    str(error.value).encode()
    os.rename(os.fsencode(root) + b"/K\xe4fer", root / "cat")
    os.rename(root / "cat" / "0.png", os.fsencode(root) + b"/cat/\xfc.png")
    with pytest.raises(ValueError, match=r"The name 'cat/\\xfc.png' is not UTF-8"):
        find(root)


def test_names_in_either_unicode_form_are_the_same(tmp_path):
    bear = [unicodedata.normalize(form, "Bär") for form in ("NFC", "NFD")]
    folders(tmp_path / "d" / "train", {bear[0]: 2, "Bat": 2})
    folders(tmp_path / "d" / "val", {bear[1]: 2, "Bat": 2})
    training, held_out = find_both(tmp_path / "d", 0)
    assert training.classes == held_out.classes == ("Bat", bear[0])
    assert held_out.names[2].endswith(f"{bear[1]}/0.png")  # as the file is called
    assert all(file.exists() for file in held_out.walk())
    assert find(parquet(tmp_path / "a.parquet", [0, 1], [bear[1], "Bat"])).classes == (bear[0], "Bat")
    both = tmp_path / "e"
    folders(both, {bear[0]: 2})
    if not (both / bear[1]).exists():  # as where the file system tells them apart
        folders(both, {bear[1]: 2})
        with pytest.raises(ValueError, match="Two classes of 'e' have the same name, 'Bär'"):
            find(both)


@pytest.mark.parametrize("locked", ["d", "d/cat", "d/cat/deep"])
def test_a_folder_that_cannot_be_read_is_said_to_be_so(tmp_path, monkeypatch, locked):
    root = folders(tmp_path / "d", {"cat": 2, "dog": 2})
    folders(root / "cat", {"deep": 2})
    scandir = os.scandir

    def guarded(path="."):
        if os.fspath(path) == str(tmp_path / locked):
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", guarded)
    for look in (find, find_held_out, lambda path: find_both(path, 0)):
        with pytest.raises(ValueError, match=f"^'{locked.split('/')[-1]}' cannot be read .Permission denied.: you need permission"):
            look(root)


def test_a_folder_in_a_locked_one_is_said_to_be_so(tmp_path, monkeypatch):
    def stat(path, **_):
        raise PermissionError(13, "Permission denied", os.fspath(path))

    monkeypatch.setattr("pathlib.Path.stat", stat)
    with pytest.raises(ValueError, match=r"'d' cannot be read .Permission denied.: .* the folders that it lies in"):
        find_both(tmp_path / "d", 0)


def test_hidden_folders_in_a_class_are_passed_over(tmp_path):
    root = folders(tmp_path / "d", {"cat": 2, "dog": 2})
    folders(root / "cat", {".thumbnails": 3})
    assert find(root).counts() == [2, 2]


def test_pictures_outside_any_class_are_told_of(tmp_path):
    root = folders(tmp_path / "d", {"cat": 4, "dog": 4})
    assert find(root).notes == ()
    for name in ("a.png", "b.png"):
        picture().save(root / name)
    training, held_out = find_both(root, 0)
    sentence = "2 pictures lie in 'd' outside any class folder and will not be used, such as 'a.png'."
    assert training.notes == held_out.notes == (sentence,)
    assert describe(training, held_out).splitlines()[-1] == sentence
    (root / "a.png").unlink()
    assert find(root).notes[0].startswith("1 picture lies in 'd'")


def test_a_link_that_leads_nowhere_is_no_missing_class(tmp_path):
    root = folders(tmp_path / "d", {"cat": 2, "dog": 2})
    (root / "eel").symlink_to(tmp_path / "gone")
    with pytest.raises(ValueError, match="'eel' is a broken link"):
        find_both(root, 0)
    (root / "eel").unlink()
    (root / "dog" / "9.png").symlink_to(tmp_path / "gone.png")
    with pytest.raises(ValueError, match=r"1 of 5 pictures cannot be read.*\n  dog/9.png: "):
        read(find(root), middle_square(16))


def test_a_class_may_be_called_train(tmp_path):
    training, held_out = find_both(folders(tmp_path / "d", {"car": 3, "train": 3}), 0)
    assert training.classes == held_out.classes == ("car", "train")


def test_parquet_in_hugging_faces_layout(tmp_path):
    parquet(tmp_path / "data" / "train-0.parquet", [1, 0, 1], ["cat", "dog"])
    parquet(tmp_path / "data" / "train-1.parquet", [0], ["cat", "dog"])
    parquet(tmp_path / "data" / "validation-0.parquet", [0, 1], ["cat", "dog"])
    training, held_out = find_both(tmp_path, 0)
    assert training.classes == ("cat", "dog")
    assert training.labels == (1, 0, 1, 0)
    assert training.names[-1] == "train-1.parquet:0"
    assert list(training.walk()) == [encoded(0), encoded(1), encoded(2), encoded(0)]
    assert list(training.only({1, 3}).walk()) == [encoded(1), encoded(0)]
    assert held_out.labels == (0, 1)
    pictures = read(training, middle_square(64))
    assert torch.equal(pictures.pictures[1], torch.from_numpy(np.array(picture(seed=1))).permute(2, 0, 1))


def test_class_names_beside_the_parquet_files(tmp_path):
    file = parquet(tmp_path / "all.parquet", [0, 1, 1])
    with pytest.raises(ValueError, match=r"put a classes\.json"):
        find(file)
    (tmp_path / "classes.json").write_text(json.dumps([{"wnid": "n1", "names": "cat, puss"}, "dog"]))
    assert find(file).classes == ("cat, puss", "dog")
    (tmp_path / "classes.json").write_text('["ant", "ant", "cat"]')
    with pytest.raises(ValueError, match=r"Two classes of 'classes\.json' have the same name, 'ant'"):
        find(file)
    (tmp_path / "classes.json").write_text("[{]")
    with pytest.raises(ValueError, match="metadata or its classes"):
        find(file)


def test_damage_inside_a_parquet_file_is_one_sentence(tmp_path):
    file = parquet(tmp_path / "a.parquet", [0, 1, 0, 1], ["cat", "dog"])
    listing = find(file)
    column = pq.read_metadata(file).row_group(0).column(0)
    content = bytearray(file.read_bytes())
    start = column.dictionary_page_offset or column.data_page_offset
    content[start : start + column.total_compressed_size] = b"\xff" * column.total_compressed_size
    file.write_bytes(content)
    with pytest.raises(ValueError, match=r"'a.parquet' cannot be read completely: it is damaged or incomplete"):
        list(listing.walk())


def test_parquet_files_that_hold_paths_instead_of_pictures(tmp_path):
    paths = [{"bytes": None, "path": f"{index}.png"} for index in range(4)]
    file = parquet(tmp_path / "a.parquet", [0, 1, 0, 1], ["cat", "dog"], paths)
    with pytest.raises(ValueError, match=r"'a.parquet' contains the pictures' paths, not the pictures"):
        find(file)
    paths[0]["bytes"] = encoded()
    listing = find(parquet(tmp_path / "a.parquet", [0, 1, 0, 1], ["cat", "dog"], paths))
    with pytest.raises(ValueError, match=r"3 of 4 .*\n  a.parquet:1: The parquet file does not contain this picture"):
        read(listing, middle_square(16))


@pytest.mark.parametrize("trouble", ["label", "none", "columns", "kind", "damaged"])
def test_parquet_files_that_cannot_be_used(tmp_path, trouble):
    file = tmp_path / "a.parquet"
    if trouble in ("label", "none"):
        parquet(file, [0, 5 if trouble == "label" else None], ["cat", "dog"])
    elif trouble == "columns":
        pq.write_table(pa.table({"picture": [b"x"], "label": [0]}), file)
    elif trouble == "kind":
        parquet(file, ["cat", "dog"])
    else:
        parquet(file, [0, 1], ["cat", "dog"])
        file.write_bytes(file.read_bytes()[:100])
    words = {
        "label": "Row 1 of 'a.parquet' has the label 5", "none": "has the label None", "columns": "no column 'image'",
        "kind": "no column 'label' of whole numbers", "damaged": "damaged or incomplete",
    }  # fmt: skip
    with pytest.raises(ValueError, match=words[trouble]):
        find(file)


def test_without_pyarrow_a_sentence_says_what_to_install(tmp_path, monkeypatch):
    file = parquet(tmp_path / "a.parquet", [0, 1], ["cat", "dog"])
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(ValueError, match="pip install pyarrow"):
        find(file)


def test_unreadable_pictures_stop_or_are_skipped_and_counted(tmp_path):
    root = folders(tmp_path / "d", {"cat": 3, "dog": 3})
    (root / "cat" / "0.png").write_bytes(b"")
    (root / "dog" / "holiday.heic").write_bytes(b"\0\0\0\x18ftypheic" + b"\0" * 20)
    (root / "dog" / "1.png").write_bytes((root / "dog" / "1.png").read_bytes()[:200])
    with pytest.raises(ValueError, match="3 of 7 pictures cannot be read") as error:
        read(find(root), middle_square(16))
    assert "cat/0.png: This file is empty" in str(error.value)
    assert "dog/holiday.heic: This is a HEIC picture" in str(error.value)
    assert "--skip-unreadable" in str(error.value)
    pictures = read(find(root), middle_square(16), skip_unreadable=True)
    assert pictures.skipped == 3
    assert pictures.names == ("cat/1.png", "cat/2.png", "dog/0.png", "dog/2.png")
    assert pictures.labels.tolist() == [0, 0, 1, 1]
    for file in (root / "cat").iterdir():
        file.write_bytes(b"")
    with pytest.raises(ValueError, match="None of the pictures of the class 'cat'"):
        check_classes(read(find(root), middle_square(16), skip_unreadable=True))
    for file in (root / "dog").iterdir():
        file.write_bytes(b"")
    with pytest.raises(ValueError, match="None of the 7 pictures"):
        read(find(root), middle_square(16), skip_unreadable=True)


def test_the_middle_square_is_read_and_one_small_picture_makes_no_other_small(tmp_path):
    root = folders(tmp_path / "d", {"cat": 1}, width=60, height=40)
    (root / "dog").mkdir()
    picture(10, 10).save(root / "dog" / "small.png")
    pictures = read(find(root), middle_square(30))
    assert pictures.pictures.shape == (2, 3, 30, 30)
    whole = Image.open(root / "cat" / "0.png").crop((10, 0, 50, 40)).resize((30, 30), Image.Resampling.BICUBIC)
    assert torch.equal(pictures.pictures[0], torch.from_numpy(np.array(whole)).permute(2, 0, 1))
    assert read(find(root), middle_square(100)).side == 40  # nothing is gained by more


def test_a_large_jpeg_is_read_nearly_as_if_whole(tmp_path):
    smooth = picture(8, 8).resize((1200, 900), Image.Resampling.BICUBIC)
    smooth.getexif()[0x0112] = 6  # lies on its side
    root = tmp_path / "d"
    for name in ("cat", "dog"):
        (root / name).mkdir(parents=True)
        smooth.save(root / name / "0.jpg", quality=95, exif=smooth.getexif())
    quick = read(find(root), middle_square(64)).pictures[0].float()
    exact = Image.open(root / "cat" / "0.jpg").transpose(Image.Transpose.ROTATE_270).crop((0, 150, 900, 1050)).resize((64, 64), 3)
    assert (quick - torch.from_numpy(np.array(exact)).permute(2, 0, 1)).abs().mean() < 2


def test_held_out_pictures_are_cut_as_the_processor_does(tmp_path):
    root = folders(tmp_path / "d", {"cat": 2, "dog": 2}, width=50, height=70)
    processor = CvtImageProcessor(size=24, crop_pct=0.9)
    pictures = read(find(root), as_processed(processor))
    for name, own in zip(pictures.names, pictures.pictures, strict=True):
        assert np.array_equal(own.permute(1, 2, 0).numpy(), np.asarray(processor.cut(Image.open(root / name))))


def test_many_pictures_keep_their_order(tmp_path):
    labels = [index % 3 for index in range(600)]
    images = [{"bytes": encoded(index % 7), "path": None} for index in range(600)]
    pictures = read(find(parquet(tmp_path / "a.parquet", labels, ["a", "b", "c"], images)), middle_square(20))
    expected = torch.stack([torch.from_numpy(np.array(picture(seed=index))).permute(2, 0, 1) for index in range(7)])
    assert torch.equal(pictures.pictures, expected[torch.arange(600) % 7])
    assert pictures.labels.tolist() == labels
    assert Counter(pictures.names).most_common(1)[0][1] == 1
