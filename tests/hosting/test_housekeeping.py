"""What visits leave behind is given back, and nobody notices."""

from __future__ import annotations

from datetime import datetime, timedelta

import httpx
import pytest
from PIL import Image

pytest.importorskip("gradio")

from gradio_client import Client

import app
from benchmarks.load.sessions import visit
from tests import serving
from visualize.app.running.housekeeping import forget_sessions
from visualize.page import workbench as of_workbench
from visualize.page.requests import Request


@pytest.fixture
def pictures(tmp_path):
    paths = [tmp_path / f"{number}.png" for number in range(3)]
    for number, path in enumerate(paths):
        Image.effect_noise((96, 96), 30 + 20 * number).convert("RGB").save(path)
    return paths


def test_sessions_and_results_are_forgotten_and_computed_again_for_whoever_comes_back(random_app, pictures, monkeypatch):
    workbench, address = random_app
    demo, now = serving.demo_of(address), datetime.now()
    forget_sessions(demo, now)  # those of other tests
    with httpx.Client(base_url=address) as browser:
        for picture in pictures:
            visit(f"{address}/", picture)
        key, maps = next((key, browser.get(f"/explorer/data/{key}").content) for key in reversed(list(workbench.store._items)))
        assert len(demo.state_holder.session_data) >= len(pictures)
        assert forget_sessions(demo, now) == 0  # all are new
        assert forget_sessions(demo, datetime.now() + timedelta(seconds=of_workbench.UNUSED_SECONDS + 1)) >= len(pictures)
        assert not demo.state_holder.session_data
        assert not demo.state_holder.time_last_used
        workbench.tidy()
        assert key in workbench.store
        monkeypatch.setattr(of_workbench, "UNUSED_SECONDS", 0.0)
        workbench.tidy()
        assert (len(workbench.store), workbench.store.nbytes) == (0, 0)
        again = browser.get(f"/explorer/data/{key}")
        assert (again.status_code, again.content) == (200, maps)
    visit(f"{address}/", pictures[0])
    expected = dict(workbench.classes(Request(model=workbench.names[0], picture=str(app.EXAMPLES[0]))))
    answer = Client(address, verbose=False).predict({"path": str(app.EXAMPLES[0].resolve())}, api_name="/predict")
    assert {each["label"]: each["confidence"] for each in answer["confidences"]} == pytest.approx(expected, abs=1e-4)
