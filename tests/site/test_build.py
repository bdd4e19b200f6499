"""What the builder of the page without a server takes and refuses, and how its files are put together."""

from __future__ import annotations

import gzip
import io
import tarfile

import pytest

from cvt.processor import CvtImageProcessor
from tests.draw.test_payload import photo
from tests.helpers import tiny_model
from visualize.alone.bundle import needed
from visualize.container import unpack
from visualize.explore import explore
from visualize.maps.inside import inside_payload
from visualize.site.build import build
from visualize.site.examples import write_examples
from visualize.site.runtime import FILES, VERSION, write_runtime

MODEL, PROCESSOR = tiny_model(), CvtImageProcessor(size=32)


def test_a_folder_with_other_files_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(ValueError, match="holds other files"):
        build(tmp_path)
    assert [each.name for each in tmp_path.iterdir()] == ["thesis.txt"]


def test_the_page_with_a_server_has_a_web_address(tmp_path):
    with pytest.raises(ValueError, match="begins with https://"):
        build(tmp_path, server="javascript:alert(1)")


def test_the_runtime_is_that_of_the_pinned_version_or_none(tmp_path):
    archive = tmp_path / "package.tgz"
    with tarfile.open(archive, "w:gz") as file:
        for name in FILES:
            member = tarfile.TarInfo(f"package/dist/{name}")
            member.size = 4
            file.addfile(member, io.BytesIO(b"evil"))
    folder = tmp_path / "folder"
    (folder / "dist").mkdir(parents=True)
    for name in FILES:
        (folder / "dist" / name).write_bytes(b"evil")
    for package in (archive, folder):
        with pytest.raises(ValueError, match=f"is not that of version {VERSION}: its integrity is sha512-"):
            write_runtime(tmp_path / "out", package)
    assert not (tmp_path / "out").exists()
    with pytest.raises(ValueError, match="cannot be read"):
        write_runtime(tmp_path / "out", tmp_path / "nothing.tgz")


def test_without_a_network_the_builder_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9/")  # where nothing answers
    with pytest.raises(ValueError, match=r"cannot be fetched from http://127\.0\.0\.1:9/onnxruntime-web/-/.*--runtime; `npm pack"):
        write_runtime(tmp_path / "out")


def test_an_examples_files_are_its_result_and_its_blocks(tmp_path):
    picture = tmp_path / "cat.png"
    photo().save(picture)
    values = write_examples(tmp_path, MODEL, PROCESSOR, [picture], {"model": "mine"})
    assert values["cat"] == {**values["cat"], "key": "example-cat", "example": "cat", "file": "examples/cat.png", "model": "mine"}
    seen = explore(MODEL, PROCESSOR, picture)
    read = {file.name: gzip.decompress(file.read_bytes()) for file in (tmp_path / "examples").glob("*.gz")}
    assert unpack(read["cat.gz"])[0]["original"] == list(seen.original_size)
    for stage, depth in enumerate(MODEL.config.depth):
        for block in range(depth):
            weights = gzip.decompress((tmp_path / f"inside/{stage}.{block}.gz").read_bytes())
            header, arrays = unpack(read[f"cat.inside.{stage}.{block}.gz"] + weights)
            wanted, expected = unpack(inside_payload(MODEL, PROCESSOR, seen, stage, block))
            assert header == wanted
            assert {name: array.tobytes() for name, array in arrays.items()} == {name: each.tobytes() for name, each in expected.items()}


def test_what_runs_first_is_found_by_its_imports():
    found = needed(["site/main.js"])
    assert {"choices.js", "shared/page.js", "words/sentences/site.js"} <= found
    assert not found & {"breaking/main.js", "model/model.js"}  # which come later
