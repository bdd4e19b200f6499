"""The laboratory's modules, tested by Node's own runner against what the server computes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from cvt import ablations
from cvt.architecture.amounts import in_bytes, in_words
from cvt.architecture.cost import cost
from cvt.architecture.settings import MAX_STAGES, SETTINGS
from cvt.architecture.variants import architecture, stage_settings, variant
from tests.helpers import run_in_node, tiny_config
from visualize.page.laboratory.describe import about, describe
from visualize.page.words.architecture import value_words
from visualize.page.words.laboratory import amount_change
from visualize.web import laboratory

TESTS = Path(__file__).parent / "laboratory"


def jsonable(value: Any) -> Any:
    return json.loads(json.dumps(value))


def paddings() -> list[dict]:
    """What becomes of the padding of a conv embedding after one or two changes of its kernel and stride."""
    config, cases = tiny_config(), []
    for stage in range(3):
        for name, values in (("patch_sizes", (1, 2, 5, 16)), ("patch_stride", (1, 3, 16))):
            for value in values:
                changed = variant(config, {stage: {name: value}})
                cases.append({"stage": stage, "name": name, "value": value, "padding": changed.patch_padding[stage]})
                other, back = ("patch_stride", 4) if name == "patch_sizes" else ("patch_sizes", 9)
                both = variant(config, {stage: {name: value, other: back}})
                cases.append({"stage": stage, "name": name, "value": value, "then": [other, back], "padding": both.patch_padding[stage]})
                own = getattr(config, name)[stage]
                cases.append(
                    {"stage": stage, "name": name, "value": value, "then": [name, own], "padding": config.patch_padding[stage]}
                )  # fmt: skip
    return cases


def counts() -> list[list[dict]]:
    """The stages of architectures of 1 to 4, each with the cls token in its last stage."""
    config, found = tiny_config(), []
    for count in range(1, MAX_STAGES + 1):
        stages = [{"cls_token": index == count - 1} for index in range(count)]
        found.append(stage_settings(architecture(config, stages)))
    return found


def amounts() -> list[dict]:
    rng = np.random.default_rng(0)
    near = [0, 1, 999, 1000, 9994, 9995, 9996, 99_949, 99_950, 999_499, 999_500, 10**6, 123_456_789, 10**9, 10**12]
    drawn = [int(10 ** rng.uniform(0, 14)) for _ in range(200)]
    return [{"count": count, "words": in_words(count), "bytes": in_bytes(count)} for count in near + drawn]


def costs() -> list[dict]:
    """What architectures cost beside their baseline, and how the server's sentences say the change of each amount."""
    base, cases = tiny_config(), []
    before = cost(base, 32, 32)
    described = describe(base, 32, {"stages": stage_settings(base)})["variant"]
    for changes in ({0: {"stride_kv": 1}}, {0: {"stride_kv": 1}, 1: {"stride_kv": 1}}, {2: {"depth": 5}}, {1: {"qkv_bias": False}}, {}):
        config = variant(base, changes)
        after = cost(config, 32, 32)
        keys = [amount_change(*pair) for pair in zip(*([stage.keys for stage in each.stages] for each in (after, before)), strict=True)]
        all_keys = amount_change(*(sum(stage.keys for stage in each.stages) for each in (after, before)))
        amounts = {"keys": all_keys, "multiply-adds": amount_change(after.macs, before.macs)}
        amounts["parameters"] = amount_change(after.parameters, before.parameters)
        shown = describe(base, 32, {"stages": stage_settings(config)})["variant"]
        cases.append({"before": described, "after": shown, "keys": keys, "amounts": amounts})
    return cases


def test_the_modules_in_node(tmp_path):
    cases = {"about": about(tiny_config(), 32), "paddings": paddings(), "counts": counts()}
    (tmp_path / "architecture.json").write_text(json.dumps(cases))
    (tmp_path / "costs.json").write_text(json.dumps(costs()))
    (tmp_path / "words.json").write_text(json.dumps(amounts()))
    values = [{"value": value, "words": value_words(value)} for setting in SETTINGS.values() for value in setting.values]
    (tmp_path / "values.json").write_text(json.dumps([*values, {"value": (7, 3), "words": value_words((7, 3))}]))
    (tmp_path / "ablations.json").write_text(json.dumps(ablations.table()))
    run_in_node(TESTS, LABORATORY_CASES=tmp_path)


def test_the_template_holds_what_the_scripts_look_for():
    html = laboratory.LABORATORY_HTML
    assert "${" not in html, "the page's host would fill these in"
    assert "{{" not in html
    assert "<script" not in html
    found = set(re.findall(r'data-ref="(\w+)"', (laboratory.STATIC / "laboratory.html").read_text(encoding="utf-8")))
    wanted = set()
    for file in laboratory.STATIC.glob("*.js"):
        text = file.read_text(encoding="utf-8")
        wanted |= set(re.findall(r"\bref\.(\w+)", text))
        for names in re.findall(r"const \{([^}]+)\} = (?:this\.)?ref;", text):
            wanted |= {name.split(":")[0].strip() for name in names.split(",")}
    assert wanted <= found, wanted - found
    assert found <= wanted, found - wanted


def test_every_setting_is_in_a_named_group():
    text = (laboratory.STATIC / "controls.js").read_text(encoding="utf-8")
    for name in SETTINGS:
        assert f'"{name}"' in text, name
