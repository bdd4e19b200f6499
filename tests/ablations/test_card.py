"""The family's model card: every number of its tables, and what it calls clear or not clear, is the table's."""

import re
from pathlib import Path

import pytest

from cvt import ablations

ROOT = Path(__file__).parents[2]
CARD = (ROOT / "cvt/ablations/README.md").read_text(encoding="utf-8")
TABLE = ablations.table()
MEMBERS = TABLE["members"]
SIDES = {"64×64": "top1_64", "96×96": "top1_96", "128×128": "top1_128", "Shifted": "shifted", "Not changed": "stays"}


def table(*headings):
    """A Markdown table of the accuracies under these headings, for the whole family."""
    columns = [cell for heading in headings for cell in (heading, "Difference")]
    lines = [f"| Member | {' | '.join(columns)} |", "|---" * (1 + len(columns)) + "|"]
    for row in MEMBERS:
        cells = [cell for heading in headings for cell in cells_of(row["measures"][SIDES[heading]])]
        lines.append(f"| `{row['name']}` | {' | '.join(cells)} |")
    return "\n".join(lines)


def cells_of(measure):
    found = f"{100 * measure['mean']:.1f} ± {100 * measure['sd']:.1f}"
    if "difference" not in measure:
        return found, ""
    apart, low, high = (f"{100 * value:+.1f}".replace("-", "−") for value in (measure["difference"], *measure["interval"]))
    return found, f"{f'**{apart}**' if measure['significant'] else apart} ({low} to {high})"


def costs():
    lines = ["| Member | Parameters | Multiply-adds |", "|---|---|---|"]
    return "\n".join([*lines, *(f"| `{row['name']}` | {row['parameters']:,} | {row['macs']:,} |" for row in MEMBERS)])


@pytest.mark.parametrize("block", [table("64×64", "96×96"), table("128×128", "Shifted"), table("Not changed"), costs()])
def test_the_cards_numbers_are_the_tables(block):
    assert f"\n\n{block}\n\n" in CARD


def test_what_the_card_calls_clear_is_what_the_interval_says():
    clear, unclear = (re.search(rf"\*\*{words}\*\*: (.+?)\n- ", CARD, re.S)[1] for words in ("Clear[^*]+", "No clear[^*]+"))
    for row in MEMBERS[1:]:
        found = row["measures"]["top1_64"]
        assert (f"`{row['name']}`" in clear, f"`{row['name']}`" in unclear) == (found["significant"], not found["significant"])
        if found["significant"]:
            assert f"`{row['name']}` {'gains' if found['difference'] > 0 else 'loses'}" in clear
    for name, others in re.findall(r"`([\w-]+)` (?:gains|loses) (?:.+?) \(also (.+?)\)", clear, re.S):
        measures = next(row["measures"] for row in MEMBERS if row["name"] == name)
        said = {"at 96": "top1_96", "at 128": "top1_128", "shifted": "shifted", "unchanged": "stays"}
        assert {each for words, each in said.items() if words in others} == {
            each for each in said.values() if measures[each]["significant"]
        }


def test_how_it_was_trained_is_what_the_table_says():
    recipe = TABLE["recipe"]
    runs = sum(len(row["seeds"]) for row in MEMBERS)
    assert f"All {runs} runs took {TABLE['minutes']} GPU minutes" in CARD
    assert TABLE["hardware"] == ["NVIDIA H200"]
    assert f"PyTorch {TABLE['torch'][0]}, {TABLE['precision']}" in CARD
    assert f"{TABLE['epochs']:.0f} epochs at 64 pixels; {TABLE['steps']:,} steps of {recipe['batch_size']:,} pictures" in CARD
    assert f"Muon ({recipe['muon_learning_rate']})" in CARD
    assert f"AdamW ({1000 * recipe['learning_rate']:g}e-3)" in CARD
    assert f"crops of {100 * recipe['area'][0]:.0f} to {100 * recipe['area'][1]:.0f} %" in CARD
    assert f"smoothed by {recipe['label_smoothing']}" in CARD
    assert f"average of the weights ({recipe['ema_decay']})" in CARD
    assert f"warm-up over {100 * recipe['warmup']:.0f} %" in CARD
    assert f"of {len(MEMBERS[1:]) * len(SIDES)} intervals" in CARD
    reach = max(high - low for low, high in (row["measures"]["top1_64"]["interval"] for row in MEMBERS[1:])) / 2
    assert f"below about {100 * reach:.1f} points" in CARD


def test_the_card_lists_every_member_with_its_question_and_its_links_lead_somewhere():
    for row in MEMBERS:
        assert re.search(rf"^\| `{row['name']}` \| .+ \| {re.escape(row['question'])} \|$", CARD, re.M)
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", CARD):
        assert (ROOT / "cvt/ablations" / target).exists(), target
