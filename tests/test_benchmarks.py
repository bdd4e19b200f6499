"""The benchmarks' own arithmetic, and that their cases run: no times are judged here."""

import pytest

from benchmarks import page
from benchmarks.__main__ import row
from benchmarks.cases import Case, exploring, forward
from benchmarks.paired import Pairs, pairs
from visualize.page.link.choices import TABLE


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


@pytest.mark.parametrize(
    ("at_most", "goal", "verdict"), [(False, 1.9, "reached"), (False, 2.1, "missed"), (True, 2.1, "reached"), (True, 1.9, "missed")]
)
def test_a_row_says_whether_the_goal_was_reached(at_most, goal, verdict):
    case = Case("what", "this", "that", lambda rounds: None, 1, goal, at_most)
    line = row(case, Pairs(first=(0.5, 2.0, 2.0), second=(1.0, 4.0, 4.0)))
    assert line == f"| what | this: 2.00 s | that: 4.00 s | 2.00 (2.00–2.00) | {'≤' if at_most else '≥'} {goal:.2f}: {verdict} |"


def test_cvt_13_runs_beside_transformers_and_computes_the_same():
    pytest.importorskip("transformers")
    assert min(forward(1, 2).ratios) > 0  # it raises if the logits differ


def test_a_first_map_may_take_the_pass_and_a_third_and_a_quarter_of_a_second():
    found = [page.Round(plain=0.1, page=each, asked=0.2, arrived=0.25) for each in (0.3, 0.37, 0.5)]
    assert page.first_map_row("m", found) == ("| m | 100 ms | 200 ms | 250 ms | 370 ms | -10 ms: reached |", False)
    assert page.first_map_row("m", found[2:])[1]


@pytest.mark.parametrize(("times", "verdict"), [([0.001, 0.016, 0.5], "reached"), ([0.001, 0.017, 0.017], "missed")])
def test_a_frame_is_judged_by_its_median(times, verdict):
    line, missed = page.frame_row("hovering", times)
    assert line.startswith(f"| hovering | 3 | {times[1] * 1000:.1f} ms | {times[2] * 1000:.1f} ms |")
    assert verdict in line
    assert missed == (verdict == "missed")


def test_what_is_chosen_for_the_frames_are_choices_that_the_page_has():
    for choice in page.CHOICES.values():
        for name, value in choice.items():
            assert name in ("stage", "zoom") or value in TABLE[name].values or (TABLE[name].default is False and value is True), name


def test_exploring_runs():
    assert min(exploring(2).ratios) > 0
