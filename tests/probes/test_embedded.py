"""The probes beside the embedded model: whose they are, and what its card says about them."""

import re

import pytest

from cvt import CvtForImageClassification, CvtImageProcessor
from cvt.files.hub import EMBEDDED
from cvt.probes import embedded


def test_the_embedded_probes_are_the_embedded_models_and_its_card_tells_their_accuracy():
    model, probes = CvtForImageClassification.from_pretrained(), embedded()
    assert probes.fits(model)
    assert probes.side == CvtImageProcessor.from_pretrained().side
    card = re.sub(r"\s+", " ", (EMBEDDED / "README.md").read_text(encoding="utf-8"))
    for (stage, block), probe in probes.by_place.items():
        own, control = (probes.facts[name][f"{stage}.{block}"] for name in ("accuracy", "control"))
        numbers = [", ".join(f"{each:.1%}".replace("%", " %") for each in row) for row in (own, control)]
        assert f"| {stage + 1} | {block + 1} | {numbers[0]} | {numbers[1]} |" in card
        assert min(own) > 10 * max(control)
        assert max(own) - min(own) < 0.01  # the seeds agree
        assert probe.accuracy == pytest.approx(own[0], abs=1e-4)
    accuracies = [probe.accuracy for probe in probes.by_place.values()]
    assert accuracies == sorted(accuracies)  # deeper blocks tell more
