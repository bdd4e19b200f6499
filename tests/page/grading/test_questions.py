"""A lesson's questions for programs: asked and graded as the page's own scripts do it, which run in Node beside them."""

from __future__ import annotations

import json
from itertools import product
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cvt import ablations
from cvt.processor import CvtImageProcessor
from tests.helpers import ROOT, run_in_node, tiny_model
from visualize.draw.payload import payload
from visualize.page.grading.case import Case
from visualize.page.grading.questions import MEASURES, Question
from visualize.page.laboratory.describe import about, describe
from visualize.page.lessons import measures as table
from visualize.page.requests import Request
from visualize.page.workbench import Workbench

TOGETHER = "3.2.head4,2.all.mlp"
GIVEN: dict[str, tuple[Any, ...]] = {  # what each parameter of a measure is given, in turn; None leaves it out
    "stage": (1, "last", 5),
    "block": (1, "last", 9),
    "head": (0, 1, 7),
    "token": ("held", "cls"),
    "right": (None, 16, 700),
    "down": (None, 5),
    "padding": (None, "circular"),
    "off": (None, TOGETHER, "1.1.block", "9.1.mlp", "1.1.block,1.1.mlp"),
    "preset": ("no-overlap", "nothing-of-the-kind"),
    "member": ("linear", "no-overlap", "baseline", "nobody"),
    "members": ("baseline,cls-first,mean", "nobody,linear"),
    "side": (64, 65),
}


def asks() -> list[dict[str, Any]]:
    """Every measure with what it may take, one thing changed at a time and some together."""
    found = []
    for name, measure in table.MEASURES.items():
        for values in product(*(GIVEN[each] for each in measure.takes)):
            chosen = {each: value for each, value in zip(measure.takes, values, strict=True) if value is not None}
            if set(measure.takes) - set(measure.optional) - set(chosen):
                continue
            if "off" in chosen and set(chosen) & {"right", "down", "padding"}:
                continue  # the parts come first
            more = {"count": 3} if measure.kind == table.CELLS else {}
            found.append({"text": "What?", "kind": measure.kind, "measure": {"name": name, **chosen}, **more})
    return found


def answers(ask: dict[str, Any], asked: dict[str, Any]) -> list[tuple[str, Any]]:
    """Some answers to it, as a program gives them and as the scripts do."""
    if "options" in asked:
        return [(each["value"], each["value"]) for each in asked["options"]]
    if "scale" in asked:
        least, most = asked["scale"]["least"], asked["scale"]["most"]
        return [(f"{value:.3f}", round(value, 3)) for value in np.linspace(least, most, 5).tolist()]
    rows, columns = asked["grid"]["shape"]
    last = rows * columns - 1
    chosen = [[0, 1, 2], [last, last, last // 2], [last // 2, last // 3, 0]]
    return [(json.dumps([[each // columns + 1, each % columns + 1] for each in cells]), cells) for cells in chosen]


def written(workbench: Workbench, key: str, folder, name: str) -> dict[str, Any]:
    """All questions about a result, with what else the scripts need to find the same."""
    case, loaded = Case(workbench, key), workbench.loaded()
    questions: list[dict[str, Any]] = []
    for ask in asks():
        question = Question(ask, case)
        asked = question.asked()
        graded = []
        if asked["impossible"] is None:
            graded = [{"answer": answer, "given": given, "grade": question.graded(answer)} for answer, given in answers(ask, asked)]
        questions.append({"ask": ask, "asked": asked, "graded": graded})
    (folder / f"{name}.bin").write_bytes(payload(case.seen))
    if "no-overlap" in case.presets:
        (folder / f"{name}-no-overlap.bin").write_bytes(payload(case.variant("no-overlap")))
    known = [(*json.loads(each), answer) for each, answer in case._answers.items()]
    described = {each["name"]: describe(loaded.config, loaded.side, each) for each in about(loaded.config, loaded.side)["presets"]}
    return {
        "questions": questions,
        "answers": [{"name": each, "asked": asked, "answer": answer} for each, asked, answer in known],
        "about": about(loaded.config, loaded.side),
        "described": described,
    }


@pytest.fixture(scope="module")
def picture(tmp_path_factory):
    path = tmp_path_factory.mktemp("picture") / "photo.png"
    small = np.random.default_rng(0).integers(0, 256, (10, 12, 3), np.uint8)
    Image.fromarray(small).resize((64, 64), Image.Resampling.BICUBIC).save(path)
    return str(path)


KINDS = {
    "three": {},
    "one": {
        "patch_sizes": (16,), "patch_stride": (16,), "patch_padding": (0,), "embed_dim": (8,), "num_heads": (1,), "depth": (1,),
        "cls_token": (False,), "num_labels": 1,
    },
}  # fmt: skip


def test_every_measure_asks_and_grades_as_the_page_does(tmp_path, picture):
    found = {}
    for name, changes in KINDS.items():
        tiny_model(**changes).save_pretrained(tmp_path / name)
        CvtImageProcessor(size=32, crop_pct=1.0).save_pretrained(tmp_path / name)
        workbench = Workbench(str(tmp_path / name), "cpu", kept=[])
        key = workbench.explore(Request(model=workbench.names[0], picture=picture)).key
        found[name] = written(workbench, key, tmp_path, name)
    asked = [each["asked"]["impossible"] for model in found.values() for each in model["questions"]]
    assert min(asked.count(None), len(asked) - asked.count(None)) > 100
    assert set(MEASURES) == set(table.MEASURES)
    (tmp_path / "asked.json").write_text(json.dumps({"models": found, "ablations": ablations.table()}, default=np.generic.item))
    run_in_node(ROOT / "tests/web/grading", QUESTIONS=tmp_path)
