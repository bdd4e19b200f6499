"""Processes that run models while the server runs another: the answers are the same, and whose process ends is told so."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("gradio")

from tests import serving
from tests.helpers import ROOT
from visualize.app.command import arguments
from visualize.page import workers
from visualize.page.models import room
from visualize.page.workbench import start_workers

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are forked on Linux only")


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folders = [tmp_path_factory.mktemp("workers") / name for name in ("first", "second")]
    for seed, folder in enumerate(folders):
        serving.save_random_model(folder, seed=seed, embed_dim=(8, 16, 32), depth=(1, 1, 2), image_size=64)
    return [str(folder) for folder in folders]


def begun(models, *more, **options):
    command = [sys.executable, "-m", "tests.page.workers.program", *models, *more]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True, **options)


@pytest.fixture(scope="module")
def report(models):
    """What the program prints."""
    program = begun(models, stderr=subprocess.PIPE)
    out, errors = program.communicate(timeout=240)
    assert program.returncode == 0, errors
    return json.loads(out.splitlines()[-1])


def close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_who_is_alone_is_answered_by_the_server_itself(report):
    assert report["alone"] == 0
    assert len(set(report["processes"])) == 3


def test_while_the_server_is_busy_workers_give_the_same_answers(report):
    assert report["used"] == ["compute_here"] * 9 + ["_classes"] * 6
    assert report["names"] == ["first", "second"]
    for found, expected in zip(report["explored"], report["plain"]["explored"], strict=True):
        close(found, expected)
    first, second = report["explored"][0], report["explored"][3]  # one picture by both models
    assert np.abs(np.subtract(first, second)).max() > 0.1
    assert np.abs(np.subtract(first[:10], report["explored"][6][:10])).max() > 1e-3  # with a head switched off
    for found, expected in zip(report["classes"], report["plain"]["classes"], strict=True):
        assert [label for label, _ in found] == [label for label, _ in expected]
        close([probability for _, probability in found], [probability for _, probability in expected])
    for found, expected in zip(report["knocked"], report["plain"]["knocked"], strict=True):
        assert found["label"] == expected["label"]
        close(found["logit"], expected["logit"])


def test_what_takes_the_servers_own_caches_stays_there(report):
    assert report["variant"] == report["means"] == 0


def test_an_error_of_a_worker_arrives_as_it_is(report):
    assert report["no such head"] == report["plain"]["no such head"]
    assert report["no such head"].startswith("InterventionError: ")
    assert report["fails"] == ["KeyError: 'unexpected'", "OSError: a fault of its own"]


def test_many_at_once_each_get_their_own_answer(report):
    for found, expected in zip(report["many"], report["plain"]["classes"] * 4, strict=True):
        assert [label for label, _ in found] == [label for label, _ in expected]
        close([probability for _, probability in found], [probability for _, probability in expected])
    assert report["many used"] > len(report["used"])
    assert report["running"] == [0, 0]


def test_a_worker_that_ends_is_said_and_without_any_the_server_goes_on(report):
    gone = "Refused: The process that ran the model ended. Try again; if this was a large model or picture, try a smaller one."
    assert report["ends"] == [gone, "answered", gone, "NoWorker:"]
    close(report["none left"], report["plain"]["none left"])


def test_a_model_that_changed_on_the_disk_is_still_the_one_that_the_server_has(tmp_path):
    for seed, name in enumerate(("a/same", "b/same", "c/other", "d/other")):
        serving.save_random_model(tmp_path / name, seed=seed, embed_dim=(8, 16, 32), depth=(1, 1, 2), image_size=64)
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tests.page.workers.changed"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
    before, after = json.loads(done.stdout)
    for model, same in zip(before, after, strict=True):
        for found, expected in zip(same, model, strict=True):
            assert [label for label, _ in found] == [label for label, _ in expected]
            close([probability for _, probability in found], [probability for _, probability in expected])


def ends(what):
    """What the program of such a name prints, and its log."""
    command = [sys.executable, "-m", "tests.page.workers.ends", what]
    # its errors are read until the last of its processes has ended
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
    return done.stdout, done.stderr


def test_a_worker_that_ended_meanwhile_or_whose_answer_finds_no_memory_gets_nobody_anothers_answer():
    told, log = ends("report")
    told = json.loads(told)
    assert told["the other"] is True, log
    assert told["none"] == "NoWorker"  # so that the server answers by itself
    assert told["waiters"] == ["NoWorker"] * 9 + ["Refused"]  # nobody waits for ever
    assert told["unsent"] == [True] * 4 + [2]  # a request that could not be sent costs no worker
    assert told["no memory"] == ["MemoryError", "b", "c"]
    assert told["shared"] == [True, False]  # the objects that a collection would copy, until the end
    assert told["too long"] == ["Refused", True, False]  # one that does not answer is ended, and the other goes on


def test_where_the_system_gives_fewer_processes_there_are_fewer_workers(monkeypatch, caplog):
    class Full:
        def start(self):
            raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(workers.multiprocessing.get_context("fork"), "Process", lambda **options: Full())
    with pytest.raises(workers.NoWorker):
        workers.Workers(2, dict).run(len)  # the server answers by itself
    assert "0 of 2 workers could be started: [Errno 11] Resource temporarily unavailable" in caplog.text


def test_an_end_is_no_fault_in_the_log():
    assert ends("killed") == ("", "")


def test_workers_end_with_a_server_that_is_killed(models):
    program = begun(models, "wait", start_new_session=True)
    processes = json.loads(program.stdout.readline())
    for number in (signal.SIGINT, signal.SIGKILL):
        alive = [each for each in processes if Path(f"/proc/{each}").exists()]
        assert len(alive) == 2  # what is meant for the server does not end them
        for each in processes if number == signal.SIGINT else [program.pid]:
            os.kill(each, number)
    program.communicate()
    deadline = time.monotonic() + 60
    while any(running(each) for each in processes):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def running(process):
    """Whether it is there, and not only waits for somebody to take note of its end."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_their_number_is_by_cores_and_memory_and_can_be_chosen(monkeypatch, tmp_path):
    monkeypatch.setattr(workers, "memory_of", lambda device: workers.ENOUGH_BYTES)
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    monkeypatch.setattr(room, "QUOTA", str(tmp_path / "cpu.max"))
    for allowed, quota, expected in (
        (1, "", 0),
        (2, "", 2),
        (3, "max 100000", 3),
        (64, "", 4),
        (64, "200000 100000", 2),  # a container with two cores' time
        (64, "50000 100000", 0),
        (2, "800000 100000", 2),
    ):
        monkeypatch.setattr(os, "sched_getaffinity", lambda process, allowed=allowed: set(range(allowed)))
        Path(room.QUOTA).write_text(quota)
        assert workers.suggested() == arguments([]).workers == expected
    assert arguments(["--workers", "7"]).workers == 7
    monkeypatch.setenv("CVT_WORKERS", "5")
    assert arguments([]).workers == 5
    monkeypatch.setattr(workers, "memory_of", lambda device: workers.ENOUGH_BYTES - 1)
    assert workers.suggested() == 0
    monkeypatch.setattr(workers, "memory_of", lambda device: workers.ENOUGH_BYTES)
    assert workers.suggested() == 2
    monkeypatch.setattr(sys, "platform", "darwin")
    assert workers.suggested() == 0


def test_a_containers_share_of_its_machine_bounds_the_threads_of_a_pass(monkeypatch, tmp_path):
    monkeypatch.setattr(room, "QUOTA", str(tmp_path / "cpu.max"))
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(6)
        monkeypatch.setattr(os, "cpu_count", lambda: 16)
        monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(16)))
        room.stay_within_cores()
        assert torch.get_num_threads() == 6
        Path(room.QUOTA).write_text("250000 100000")
        room.stay_within_cores()
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_a_number_that_is_none_or_cannot_be_is_refused_in_words(monkeypatch, capsys):
    for wrong in ("-1", "65", "two", "1.5", "", "9" * 5000):
        with pytest.raises(SystemExit):
            arguments([f"--workers={wrong}"])
        assert "argument --workers: must be a number from 0 to 64" in capsys.readouterr().err
    monkeypatch.setattr(sys, "platform", "win32")
    assert arguments(["--workers=0"]).workers == 0
    with pytest.raises(SystemExit):
        arguments(["--workers=2"])
    assert "argument --workers: must be 0 on this system" in capsys.readouterr().err


def test_there_are_none_where_they_are_not_wanted_or_a_gpu_runs_the_models(monkeypatch):
    assert start_workers(0, [None], "cpu") is None
    monkeypatch.setattr("visualize.page.workbench.gpu.LENDS", True)
    assert start_workers(2, [None], "cpu") is None
