"""The benchmarks' own arithmetic, and that their cases run: no times are judged here."""

import json
import sys

import pytest
import torch

from benchmarks import first_load, growth, memory, page, peers, speed, started
from benchmarks.__main__ import main
from benchmarks.cases import exploring, slider_step
from benchmarks.paired import Pairs, Rounds, interleaved, pairs
from benchmarks.profile import KINDS, kind
from benchmarks.rows import Row, amount, faster, in_time, longer
from visualize.page.link.choices import TABLE


class Ticking:
    """A clock that only actions move, each by the seconds of its own."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now

    def taking(self, *seconds):
        """An action that takes these, one after the other and over again."""
        calls = 0

        def action():
            nonlocal calls
            self.now += seconds[calls % len(seconds)]
            calls += 1

        return action


def test_what_is_slower_is_less_than_once_as_fast():
    clock = Ticking()
    actions = {"peer": clock.taking(2.0), "slower": clock.taking(4.0), "faster": clock.taking(0.5), "same": clock.taking(2.0)}
    rounds = interleaved(actions, rounds=5, warmup=2, clock=clock)
    assert {name: len(times) for name, times in rounds.times.items()} == dict.fromkeys(actions, 5)
    assert {name: rounds.speed(name, "peer").ratio for name in actions} == {"peer": 1, "slower": 0.5, "faster": 4, "same": 1}
    assert rounds.median("slower") == 4.0


def test_ratios_are_of_the_same_round_so_that_a_machine_that_slows_down_hits_both():
    clock = Ticking()
    actions = {"ours": clock.taking(1.0, 10.0, 100.0), "theirs": clock.taking(3.0, 30.0, 300.0)}
    rounds = interleaved(actions, rounds=3, warmup=0, clock=clock)
    assert rounds.speed("ours", "theirs").ratios == [3.0, 3.0, 3.0]


def test_every_action_is_first_equally_often():
    calls = []
    interleaved({name: lambda name=name: calls.append(name) for name in "abc"}, rounds=6, warmup=0)
    order = ["".join(calls[start : start + 3]) for start in range(0, len(calls), 3)]
    assert order == ["abc", "bca", "cab"] * 2


def test_both_run_in_every_round_and_take_turns_at_being_first():
    calls = []
    result = pairs(lambda: calls.append("a"), lambda: calls.append("b"), rounds=4, warmup=1)
    assert len(result.first) == len(result.second) == 4
    assert sorted(calls[:2]) == ["a", "b"]  # the warm-up
    assert ["".join(calls[2 + 2 * number : 4 + 2 * number]) for number in range(4)] in (["ab", "ba"] * 2, ["ba", "ab"] * 2)


def test_the_ratio_is_the_median_of_the_rounds_own_ratios():
    times = Pairs(first=(1.0, 2.0, 10.0), second=(2.0, 2.0, 30.0))
    assert times.ratios == [1.0, 2.0, 3.0]
    assert (times.ratio, times.spread, times.medians) == (2.0, (1.5, 2.5), (2.0, 2.0))


def test_a_row_says_which_way_its_ratio_goes_and_whether_the_target_was_reached():
    times = Pairs(first=(0.5, 2.0, 2.0), second=(1.0, 4.0, 4.0))
    words = "2.00 (2.00–2.00) × as fast as that (2.00 s against 4.00 s)"
    assert str(faster("what", "that", times, 1.9)) == f"| what | {words} | ≥ 1.9 × as fast | reached |"
    assert faster("what", "that", times, 2.1).reached is False
    assert faster("what", "that", times).reached is None
    words = "2.00 (2.00–2.00) × as long as that (4.00 s against 2.00 s)"
    assert str(longer("what", "that", times, 1.9)) == f"| what | {words} | ≤ 1.9 × as long | **missed** |"
    assert longer("what", "that", times, 2.1).reached
    assert amount("what", "3 MB", 3, "≤ 3 MB", 3).reached
    assert not amount("what", "2/s", 2, "≥ 3/s", 3, more=True).reached
    assert [in_time(each) for each in (2, 0.5, 0.0123, 0.00097)] == ["2.00 s", "500.0 ms", "12.3 ms", "0.97 ms"]


def test_targets_on_a_gpu_are_about_seconds_and_pictures_per_second():
    def of(batch, **seconds):
        names = {"plain": peers.PLAIN, "runner": peers.RUNNER, "captured": peers.CAPTURED, "peer": peers.TRANSFORMERS}
        return speed.Speeds(batch, Rounds({names[name]: (each,) * 3 for name, each in seconds.items()}), {})

    found = speed.targets(of(1, plain=0.008, runner=0.0009, captured=0.0012, peer=0.008), "cuda")
    assert [row.reached for row in found] == [True, False, True, False]
    assert [row.reached for row in speed.targets(of(64, plain=0.012, runner=0.004, peer=0.009), "cuda")] == [False, True]
    assert [row.reached for row in speed.targets(of(256, plain=0.02, runner=0.0143, peer=0.026), "cuda")] == [True, False]


@pytest.fixture
def tiny():
    return peers.lively_model(speed.CvtConfig(**speed.QUICK)), torch.randn(2, 3, 32, 32)


@pytest.mark.parametrize("name", [name for name in peers.PEERS if name != peers.COMPILED])
def test_every_peer_computes_the_same(name, tiny):
    model, x = tiny
    with torch.inference_mode():
        found = peers.PEERS[name](model, x)(x)
        speed.check(name, found, model(x).logits, 1e-4)
        with pytest.raises(RuntimeError, match="times cannot be compared"):
            speed.check(name, found, model(-x).logits, 1e-4)


def test_a_peer_that_is_not_installed_is_left_out_in_a_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    config = speed.CvtConfig(**speed.QUICK)
    found = speed.speeds(config, 1, (32, 32), "cpu", [peers.PLAIN, peers.OPENVINO], rounds=2, pause=0)
    assert list(found.rounds.times) == [peers.PLAIN]
    assert "OpenVINO was not timed: the package openvino is not installed." in speed.table(found)[-1]


def test_the_harness_runs_and_writes_json(tmp_path, capsys):
    assert main(["--quick", "--json", str(tmp_path / "numbers.json")]) == 0
    values = json.loads((tmp_path / "numbers.json").read_text(encoding="utf-8"))
    assert values["machine"]["threads"] == torch.get_num_threads()
    assert values["machine"]["processor"] in capsys.readouterr().out
    assert [each["batch"] for each in values["speed"]] == [1, 8]
    for each in values["speed"]:
        assert set(each["seconds"]) | set(each["missing"]) == set(peers.PEERS) - {peers.COMPILED, peers.CAPTURED}
        assert min(each["seconds"].values()) > 0
        assert set(each["times_as_fast_as"][peers.TRANSFORMERS]) == set(each["seconds"])
        assert each["times_as_fast_as"][peers.TRANSFORMERS][peers.TRANSFORMERS] == 1
    assert values["failed"] == {}


def test_a_part_that_fails_is_reported_and_the_others_go_on(monkeypatch, capsys):
    def broken():
        yield Row("first", "1")
        raise ValueError("no such thing")

    monkeypatch.setattr("benchmarks.__main__.parts", lambda *_: [("one", broken), ("two", lambda: [Row("second", "2")])])
    assert main([]) == 1
    out = capsys.readouterr().out
    assert "| first | 1 | – | – |" in out
    assert "This part ended there: ValueError: no such thing" in out
    assert "| second | 2 | – | – |" in out


def test_growth_ends_a_series_at_its_bound_and_draws_what_there_is(tmp_path, monkeypatch):
    asked = []

    def alone(work, most_seconds, most_bytes):
        asked.append((work.who, work.batch, work.size, work.config["depth"]))
        return "not within 1 s" if work.who == peers.PLAIN else memory.Taken(work.batch / 10, 2 * 10**6, 10**6)

    monkeypatch.setattr(growth, "alone", alone)
    values = growth.report(tmp_path, "cpu", quick=True, most_seconds=1, most_bytes=1e9)
    assert len(asked) == len(values) == 3 * (1 + 2 * (len(growth.WHO) - 1))
    assert json.loads((tmp_path / "growth.json").read_text()) == values
    assert values[0] == {"series": "resolution", "who": peers.PLAIN, "value": 64, "problem": "not within 1 s"}
    assert values[1] == {"series": "resolution", "who": peers.RUNNER, "value": 64, "seconds": 0.1, "bytes": 10**6}
    assert (tmp_path / "growth.png").read_bytes()[:4] == b"\x89PNG"


def test_a_pass_alone_in_its_process_says_what_it_took():
    work = memory.Pass(memory.HOOKED, dict(speed.QUICK), 1, (32, 32))
    taken = memory.alone(work)
    assert isinstance(taken, memory.Taken), taken
    assert 0 <= taken.own < taken.peak
    assert taken.peak > 50e6  # PyTorch alone takes more
    assert memory.alone(work, most_seconds=0) == "not within 0 s"
    assert memory.alone(work, most_bytes=1e6) == "more than 0.001 GB"


def test_a_process_is_idle_when_it_uses_no_processor(monkeypatch):
    ticks = iter([0, 50, 90, 91, 200])  # in hundredths of a second
    monkeypatch.setattr(started, "QUIET", 2.0)
    monkeypatch.setattr(started.time, "sleep", lambda seconds: None)
    monkeypatch.setattr(started, "processor_ticks", lambda process: next(ticks))
    started.wait_until_idle(1)
    assert next(ticks) == 200


def test_the_first_load_is_judged_by_its_bytes_and_by_what_was_asked_for_twice(monkeypatch):
    monkeypatch.setattr(first_load, "first_load", lambda: (2_600_000, ["/icon"]))
    assert [(row.measured, row.reached) for row in first_load.rows()] == [("2.60 MB", False), ("/icon", False)]
    monkeypatch.setattr(first_load, "first_load", lambda: (2_400_000, []))
    assert [(row.measured, row.reached) for row in first_load.rows()] == [("2.40 MB", True), ("nothing", True)]


def test_operators_are_told_by_kind():
    names = {
        "aten::addmm": "matrix products",
        "aten::mkldnn_convolution": "convolutions",
        "aten::native_batch_norm": "BatchNorm",
        "aten::native_layer_norm": "LayerNorm",
        "aten::_scaled_dot_product_flash_attention_for_cpu": "attention",
        "aten::gelu": "activation",
        "aten::cat": "copies and concatenations",
        "aten::add_": "additions and products",
        "aten::view": "all else",
    }
    assert {name: kind(name) for name in names} == names
    assert set(names.values()) == {*KINDS, "all else"}


def test_a_first_map_is_judged_against_its_own_rounds_pass():
    found = [page.Round(plain=0.1, page=each, asked=0.2, arrived=0.22) for each in (0.2, 0.245, 0.5)]
    row = page.first_map_row("m", found, page.Goal(1, 0.15))
    told = "245.0 ms (-5 ms; pass 100.0 ms, maps requested at 200.0 ms, received at 220.0 ms)"
    assert str(row) == f"| dropped picture → drawn maps, m | {told} | ≤ the pass + 150 ms | reached |"
    assert not page.first_map_row("m", found[1:], page.Goal(1, 0.15)).reached
    assert str(page.Goal(1.3, 0.25)) == "≤ 1.3 × the pass + 250 ms"
    assert str(page.GPU_GOAL) == "≤ 120 ms"


@pytest.mark.parametrize(("times", "verdict"), [([0.001, 0.016, 0.5], True), ([0.001, 0.017, 0.017], False)])
def test_a_frame_is_judged_by_its_median(times, verdict):
    row = page.frame_row("hovering", times)
    assert row.measured == f"{times[1] * 1000:.1f} ms (slowest of 3: {times[2] * 1000:.1f} ms)"
    assert row.reached == verdict


def test_what_is_chosen_for_the_frames_are_choices_that_the_page_has():
    for choice in page.CHOICES.values():
        for name, value in choice.items():
            assert name in ("stage", "zoom") or value in TABLE[name].values or (TABLE[name].default is False and value is True), name


def test_what_is_computed_runs():
    assert min(exploring(2).ratios) > 0
    assert slider_step(2) > 0


@pytest.mark.parametrize("wrong", ["--people=-1", "--processes=0", "--seconds=0", "--sessions=-1", "--browsers=-2"])
def test_a_load_that_cannot_be_is_refused_before_anything_is_started(wrong, capsys):
    load = pytest.importorskip("benchmarks.load.__main__", reason="needs gradio", exc_type=ImportError)
    with pytest.raises(SystemExit):
        load.arguments([wrong])
    assert "must be more than 0" in capsys.readouterr().err


@pytest.mark.parametrize("cores", [0, -1, 10_000])
def test_cores_for_the_server_that_leave_none_to_the_people_are_refused(cores):
    load = pytest.importorskip("benchmarks.load.__main__", reason="needs gradio", exc_type=ImportError)
    with pytest.raises(SystemExit, match="at least 1 and leave one to the people"):
        load.bound(cores)
