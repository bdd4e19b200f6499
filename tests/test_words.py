"""The page's sentences and tables: true numbers, nothing of a stranger's text unescaped."""

import re
from types import SimpleNamespace

import pytest

pytest.importorskip("gradio")

import app
from cvt.cost import cost
from cvt.variants import variant
from tests.helpers import tiny_config
from visualize import words


def bench(**changes):
    config = tiny_config(image_size=64, **changes)
    return SimpleNamespace(config=config, side=64, name="<b>mine</b>")


def test_costs_are_those_of_the_variant_beside_the_models_own():
    own = bench()
    config = variant(own.config, {0: {"stride_kv": 1}, 2: {"depth": 6}})
    table = words.costs(own, config)
    rows = {name: re.findall("<td>(.*?)</td>", cells) for name, cells in re.findall('<tr><th scope="row">(.*?)</th>(.*?)</tr>', table)}
    grids = config.grids(64, 64)
    assert rows["Query grid"][:3] == [f"{q[0]}×{q[1]}" for q, _ in grids]
    assert rows["Key grid"][:3] == [f"{k[0]}×{k[1]}" for _, k in grids]
    before, after = cost(own.config, 64, 64), cost(config, 64, 64)
    share = after.parameters / before.parameters - 1
    assert rows["Parameters"][-1] == f"{share:.1%} more"
    assert after.attention_entries > before.attention_entries


@pytest.mark.parametrize(
    ("value", "before", "words_"), [(5, 5, "the same"), (11, 10, "10.0% more"), (9, 10, "10.0% fewer"), (30, 10, "3.0 × as many")]
)
def test_changes_in_words(value, before, words_):
    assert words._change(value, before) == words_


def test_what_comes_from_outside_is_escaped():
    assert "<b>mine</b>" not in words.header(bench())
    assert "&lt;b&gt;mine" in words.header(bench())
    assert "<script>" not in words.status("<script>alert(1)</script>", problem=True)


def test_accuracy_is_said_only_where_it_was_measured():
    config = tiny_config()
    assert words.accuracy(config) == ""
    assert words.accuracy(config.replace(extra={"evaluation": {"top1": "high"}})) == ""
    assert "names 41% correctly" in words.accuracy(config.replace(extra={"evaluation": {"top1": 0.4125}}))


def test_every_example_has_an_author_and_a_licence():
    text = words.credits(app.EXAMPLES)
    for path in app.EXAMPLES:
        assert path.is_file()
        assert re.search(rf"{path.stem.replace('_', ' ')}: [^;]+ \(<a href=\"https://[^\"]+\"[^>]*>[^<]+</a>\)", text), path.stem


def test_an_example_without_a_source_is_refused(tmp_path):
    (tmp_path / "SOURCES.md").write_text("| `other.jpg` | x | y | Somebody | [CC0-1.0](https://example.org) | z |\n")
    with pytest.raises(ValueError, match=r"does not say where mine\.jpg comes from"):
        words.credits([tmp_path / "mine.jpg"])
