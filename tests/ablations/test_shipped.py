"""The trained models of the family that the project has: each is its member's, belongs to the table's numbers, and can be loaded."""

import hashlib
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from cvt import CvtForImageClassification, ablations
from cvt.ablations import shipped
from cvt.ablations.family import FAMILY, MEMBERS, SHIPPED_SEED
from cvt.ablations.summary import MEASURES
from cvt.ablations.welch import difference
from cvt.architecture.cost import cost
from tests.helpers import pixels

TABLE = ablations.table()
ROWS = {row["name"]: row for row in TABLE["members"]}
CLASSES = tuple(CvtForImageClassification.config_class.from_pretrained().id2label.values())
loaded = cache(ablations.load)


def test_the_table_has_every_member_in_the_familys_order_with_its_words():
    assert [(row["name"], row["title"], row["question"]) for row in TABLE["members"]] == [(m.name, m.title, m.question) for m in FAMILY]
    for row in TABLE["members"]:
        assert row["seeds"] == [0, 1, 2]
        for name in MEASURES:  # all else follows from the values
            found, baseline = (each["measures"][name] for each in (row, ROWS["baseline"]))
            assert (found["mean"], found["sd"]) == pytest.approx((np.mean(found["values"]), np.std(found["values"], ddof=1)))
            if row is not ROWS["baseline"]:
                apart = difference(found["values"], baseline["values"])
                assert found["difference"] == pytest.approx(found["mean"] - baseline["mean"])
                assert found["interval"] == pytest.approx([apart.low, apart.high])
                assert found["significant"] == (not apart.low <= 0 <= apart.high)


@pytest.mark.parametrize("name", MEMBERS)
def test_a_members_model_is_what_the_table_says(name):
    model, processor = loaded(name)
    row = ROWS[name]
    weights = shipped.TABLE.parent / "weights" / name / "model.safetensors"
    assert hashlib.sha256(weights.read_bytes()).hexdigest() == row["sha256"]
    assert model.config.replace(extra={}) == MEMBERS[name].config(CLASSES)
    top1 = row["measures"]["top1_64"]["values"][row["seeds"].index(SHIPPED_SEED)]
    assert model.config.evaluation == {"top1": pytest.approx(top1, abs=5e-5), "pictures": 5000}
    costs = cost(model.config, 64, 64)
    assert (costs.parameters, costs.macs) == (row["parameters"], row["macs"])
    assert (processor.side, model.dtype) == (64, torch.float32)
    with torch.inference_mode():
        logits = model(pixels(1, 3, 64, 64)).logits
    assert logits.shape == (1, 200)
    assert logits.isfinite().all()


def test_they_have_learnt(tmp_path, monkeypatch):
    """The baseline has at least half of the example pictures' classes among its top five; and names work from any folder."""
    monkeypatch.chdir(tmp_path)
    assert CvtForImageClassification.from_pretrained("ablations/mean").config.cls_token == (False, False, False)
    model, processor = loaded("baseline")
    examples = sorted((Path(__file__).parents[2] / "examples").glob("*.jpg"))
    with torch.inference_mode():
        best = model(**processor(examples, return_tensors="pt")).logits.topk(5).indices
    words = [" ".join(model.config.id2label[i].lower() for i in row.tolist()) for row in best]
    named = [any(part in found for part in path.stem.split("_")) for path, found in zip(examples, words, strict=True)]
    assert 2 * sum(named) >= len(named)


def test_an_unknown_name_is_refused_with_those_that_there_are():
    with pytest.raises(ValueError, match=r"no member 'other': choose among baseline, linear"):
        ablations.load("other")
