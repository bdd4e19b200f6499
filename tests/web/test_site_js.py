"""The page without a server reads links as Python does: the same view, and the same words for what cannot be used."""

from __future__ import annotations

import json
import random
from dataclasses import fields
from pathlib import Path
from urllib.parse import quote, quote_plus

from tests.helpers import run_in_node, tiny_config
from visualize.page.link.choices import TABLE
from visualize.page.link.permalink import decode
from visualize.page.link.view import View
from visualize.site.facts import link_facts

CONFIG, SIDE = tiny_config(qkv_projection_method=("dw_bn", "avg", "linear")), 32
MODEL, EXAMPLES = "mine", ["red_panda", "été & co"]
# values of the keys that are neither named nor flags, valid and not
VALUES = {
    "model": [MODEL, "ablations/linear", ""],
    "picture": [*EXAMPLES, "../koala", "<img src=x onerror=alert(1)>"],
    "seed": ["0", "2147483647", "2147483648", "-1", "1.0", "٣"],
    "which": ["1", "5", "6", "0"],
    "preset": ["kv-stride-1", "none"],
    "ablation": ["linear", "baseline"],
    "lesson": ["heads", "https://example.org/a.yaml", "https://a b", "UP"],
    "step": ["1", "12", "13"],
    "off": [
        "3.3.head2", "last.last.attention,1.1.mlp", "3.all.block", "2.1.query_conv", "2.1.key_conv", "1.1.value_conv", "3.1.value_conv",
        "1.1.head1,1.1.head1", "1.1.block,1.1.mlp", "1.1.mlp,1.1.block", "1.1.head", "1.1.mlp2", "4.1.mlp", "1.2.mlp", "1.01.mlp", "",
        "3.all.head1,3.all.head2,3.all.head3," * 12, "last.1.mlp_residual,,x", "1.1.head0",
    ],
    "hidden": ["upload", "seed,upload", "upload,nothing", "", "upload,upload"],
    "stage": ["1", "3", "4", "x"],
    "block": ["1", "3", "4"],
    "head": ["0", "3", "4"],
    "channel": ["1", "24", "25"],
    "row": ["1", "2", "8", "9", "512", "513"],
    "col": ["1", "2", "8", "9", "512", "513"],
}  # fmt: skip
STRANGE = ["nothing=1", "__theme=dark", "utm_source=a", "viewed=1", "%FF=%FE", "=a", "a", "&&", "constructor=1", "row", "s1.=2", "s0.kv=1"]


def links(count: int) -> list[str]:
    """Links of a few parts each, and some that are strange as a whole."""
    drawn = random.Random(0)
    keys = [name for name, choice in TABLE.items() if choice.key not in ("side",)]

    def part() -> str:
        if drawn.random() < 0.1:
            return drawn.choice(STRANGE)
        choice = TABLE[drawn.choice(keys)]
        values = VALUES.get(choice.name) or [*choice.values, "no such"] if choice.default is not False else ["0", "1", "2"]
        written = drawn.choice((quote, quote_plus))(drawn.choice(values), safe=drawn.choice(("", ",/.")))
        return f"{choice.key}={written}"

    made = ["&".join(part() for _ in range(drawn.randint(1, 5))) for _ in range(count)]
    return ["", "?", "??row=1&col=1", "x" * 5000, "é=" * 1999, "&".join(f"k{each}=1" for each in range(9)), "row=1&row=2&col=1", *made]


def test_links_are_read_as_the_server_reads_them(tmp_path):
    cases = []
    for query in links(1500):
        view, notices = decode(query, CONFIG, [MODEL], EXAMPLES, SIDE)
        assert view.architecture is None
        shown = {each.name: getattr(view, each.name) for each in fields(View) if each.name != "architecture"}
        cases.append({"query": query, "view": shown, "notices": notices})
    assert sum(bool(each["notices"]) for each in cases) > 300
    assert sum(not each["notices"] for each in cases) > 300
    facts = link_facts(CONFIG, SIDE, MODEL, EXAMPLES)
    (tmp_path / "links.json").write_text(json.dumps({"facts": facts, "cases": cases}), encoding="utf-8")
    run_in_node(Path(__file__).parent / "site", SITE_CASES=tmp_path)
