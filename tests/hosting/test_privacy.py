"""What becomes of people's pictures: they are deleted when the page says so, and no log names them."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import httpx
import pytest
from PIL import Image

pytest.importorskip("gradio")

from gradio.route_utils import delete_files_created_by_app
from gradio.utils import get_upload_folder
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

import app
from tests import serving
from visualize.app.running import discreet
from visualize.page.intake import DELETED_AFTER, LOOKED_EVERY
from visualize.page.words.head import kept


@pytest.fixture
def upload(served, tmp_path):
    """The path of a picture that somebody sent, under its own name."""
    Image.new("RGB", (30, 30), "teal").save(tmp_path / "Ann on holiday.png")
    with (tmp_path / "Ann on holiday.png").open("rb") as file:
        (path,) = httpx.post(f"{served}/gradio_api/upload", files={"files": ("Ann on holiday.png", file)}).json()
    return Path(path)


def test_pictures_are_deleted_in_the_time_that_the_page_says(served, upload, monkeypatch):
    demo = serving.demo_of(served)
    assert demo.delete_cache == (LOOKED_EVERY, DELETED_AFTER) == (600, 1800)
    sentence = kept(DELETED_AFTER, LOOKED_EVERY)
    assert sentence == "Your own pictures are deleted from the server within 40 minutes."
    assert httpx.get(served).text.count(sentence) == 2  # where a picture is chosen, and in what is told of the page
    delete_files_created_by_app(demo, DELETED_AFTER)
    assert upload.exists()
    delete_files_created_by_app(demo, -1)  # as if that time had passed
    assert not upload.exists()


def test_no_log_names_a_picture(random_app, tmp_path, caplog, capfd, monkeypatch, upload):
    workbench, served = random_app
    monkeypatch.setattr(logging.getLogger("cvt_explorer"), "filters", [])
    monkeypatch.setattr(discreet, "LOGS", ("cvt_explorer",))
    discreet.keep_discreet()
    seen = []

    def fails(request, *_):
        seen.append(request.picture)
        raise FileNotFoundError(2, "No such file", request.picture)

    monkeypatch.setattr(workbench, "classes", fails)
    with caplog.at_level(logging.DEBUG, "cvt_explorer"):
        program = Client(served, verbose=False)
        for name in ("Ann on holiday.png", "Bob.png"):
            Image.new("RGB", (30, 30), "red" if name[0] == "A" else "blue").save(tmp_path / name)
            with pytest.raises(AppError):
                program.predict(handle_file(tmp_path / name), api_name="/predict")
        httpx.get(f"{served}/gradio_api/file={upload}")
        httpx.get(f"{served}/explorer/data/Ann?name=Bob")
    told = caplog.text + "".join(capfd.readouterr())
    assert [Path(path).suffix for path in seen] == [".png"] * 2
    assert "FileNotFoundError" in told  # the failure itself is told, and where
    assert "(a picture)" in told
    for secret in ("Ann", "Bob", *map(str, seen), get_upload_folder(), os.path.basename(os.path.dirname(seen[0]))):
        assert secret not in told, secret
    assert app.launch_settings(workbench)["enable_monitoring"] is False


def test_paths_are_taken_out_with_spaces_and_without_quotes():
    log, told = logging.getLogger("test.discreet"), []
    log.addFilter(discreet.Discreet("/up/loads"))
    log.addHandler(type("Kept", (logging.Handler,), {"emit": lambda self, record: told.append(self.format(record))})())
    log.propagate = False
    log.warning("%r, %s and %s", "/up/loads/x/Ann on holiday.png", "/up/loads/y/Bob.png", "/usr/lib/kept")
    try:
        raise OSError(2, "No such file", "/up/loads/x/Ann's dog.png")
    except OSError:
        log.exception("a picture failed")
    assert told[0] == "'(a picture)', (a picture) and /usr/lib/kept"
    assert "Ann" not in told[1]
    assert "OSError: [Errno 2]" in told[1] or "FileNotFoundError: [Errno 2]" in told[1]
