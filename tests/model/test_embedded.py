"""The model that ships: its files, what it is called, and that it still sees what it saw when it was measured."""

import json

import numpy as np
import pytest
import torch

from cvt import CvtForImageClassification, CvtImageProcessor
from cvt.files.hub import EMBEDDED
from tests.pictures.photographs import PHOTOGRAPHS, class_of

# Rounded logits of classes 0, 50, 100, 150 from the day the weights were made: of waves, and of examples/red_panda.jpg.
LOGITS_OF_WAVES = [2.5937, -1.1314, -0.0459, -0.3884]
LOGITS = [0.28, -0.2609, -0.7446, -0.5527]


@pytest.fixture(scope="module")
def embedded():
    return CvtForImageClassification.from_pretrained(), CvtImageProcessor.from_pretrained()


def test_its_files_are_whole_and_small():
    weights = EMBEDDED / "model.safetensors"
    assert weights.stat().st_size <= 16 * 2**20
    stored = CvtForImageClassification.from_pretrained(dtype="auto")
    assert all(value.dtype == torch.float16 for value in stored.parameters())
    card = (EMBEDDED / "README.md").read_text(encoding="utf-8")
    assert "Tiny ImageNet" in card
    assert "research and education" in card


def test_it_has_the_grids_and_names_that_the_page_speaks_of(embedded):
    model, processor = embedded
    assert processor.side == model.config.image_size == 96
    assert [query for query, _ in model.config.grids(96, 96)] == [(48, 48), (24, 24), (12, 12)]
    assert [stage.cls_token for stage in model.config.stages] == [False, False, True]
    names = list(model.config.id2label.values())
    assert len(set(names)) == 200
    assert not any(name.startswith("LABEL_") for name in names)


def test_its_accuracy_is_written_in_its_config_and_its_card(embedded):
    measured = embedded[0].config.extra["evaluation"]
    assert measured["pictures"] == 5000
    card = (EMBEDDED / "README.md").read_text(encoding="utf-8")
    for name in ("top1", "top5"):
        assert f"{measured[name]:.1%}".replace("%", " %") in card


def test_it_computes_what_it_computed_when_it_was_made(embedded):
    model, processor = embedded
    with torch.inference_mode():
        logits = model(**processor(PHOTOGRAPHS / "red_panda.jpg", return_tensors="pt")).logits[0]
    np.testing.assert_allclose(logits[[0, 50, 100, 150]].numpy(), LOGITS, atol=2e-3)


def test_it_computes_what_it_computed_from_numbers_alone(embedded):
    row, column = torch.meshgrid(torch.arange(96.0), torch.arange(96.0), indexing="ij")
    waves = torch.stack([torch.sin(row / 7), torch.cos(column / 5), torch.sin((row + column) / 11)])[None]
    with torch.inference_mode():
        logits = embedded[0](waves).logits[0]
    np.testing.assert_allclose(logits[[0, 50, 100, 150]].numpy(), LOGITS_OF_WAVES, atol=2e-3)


def test_it_knows_what_is_on_real_photographs(embedded):
    model, processor = embedded
    seen = {}
    for name, label in class_of().items():
        with torch.inference_mode():
            best = model(**processor(PHOTOGRAPHS / name, return_tensors="pt")).logits[0].topk(5).indices.tolist()
        seen[name] = best.index(label) + 1 if label in best else None
    assert sum(place is not None for place in seen.values()) >= 13, seen
    assert sum(place == 1 for place in seen.values()) >= 10, seen


def test_transformers_opens_it_and_computes_the_same(embedded):
    transformers = pytest.importorskip("transformers")
    model, processor = embedded
    theirs = transformers.CvtForImageClassification.from_pretrained(EMBEDDED, dtype=torch.float32).eval()
    inputs = processor(PHOTOGRAPHS / "bison.jpg", return_tensors="pt")
    with torch.inference_mode():
        torch.testing.assert_close(model(**inputs).logits, theirs(inputs.pixel_values).logits, atol=1e-4, rtol=1e-4)
    settings = json.loads((EMBEDDED / "preprocessor_config.json").read_text())
    assert settings["size"] == {"shortest_edge": 96}
