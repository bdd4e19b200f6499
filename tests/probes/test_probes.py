"""Probes: what they read, that they are at their loss's minimum, on which pictures they are measured, and whose they are."""

import copy

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from cvt import CvtImageProcessor
from cvt.probes import Probes
from cvt.probes.__main__ import main
from cvt.probes.probes import digest
from cvt.probes.training import DECAY, features, fit, per_class, trained
from tests.helpers import tiny_config, tiny_model
from tests.training.test_evaluate import write_pictures

CLASSES = ("ant", "bee", "cat")


def groups(count, seed, classes=3):
    """Features in groups of different means, of another scale than 1, and the groups as labels."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % classes
    return (torch.randn(count, classes, generator=generator) + 3 * torch.eye(classes)[labels]) * 10 + 5, labels


def test_a_fit_is_where_its_losss_slope_is_zero():
    inputs, labels = groups(120, 0)
    probe = fit(inputs, labels, 3)
    x = ((inputs - inputs.mean(0)) / inputs.std(0)).double().numpy()
    weight, bias = (each.double().numpy() for each in (probe.weight, probe.bias))
    scores = np.exp(x @ weight.T + bias)
    error = (scores / scores.sum(axis=1, keepdims=True) - np.eye(3)[labels]) / len(x)  # softmax minus the labels, a mean
    assert np.abs(error.T @ x + DECAY * weight).max() < 2e-3  # float16 rounds the weights to a thousandth
    assert np.abs(error.sum(axis=0)).max() < 2e-3
    assert np.abs(weight).max() > 1


def test_probes_are_measured_on_unseen_pictures_and_against_shuffled_labels():
    known, unseen = groups(600, 0, classes=20), groups(400, 1, classes=20)
    probe, control = trained(known, unseen, 20, count=400, seed=0)
    own = (probe.logits(unseen[0]).argmax(1) == unseen[1]).float().mean().item()
    assert probe.accuracy == pytest.approx(own)
    assert own > 0.6
    assert control < 0.2
    assert trained(known, unseen, 20, 400, seed=0)[1] == control


def test_classes_are_drawn_evenly():
    labels = torch.tensor([0] * 10 + [1] * 7 + [2] * 2)
    drawn = per_class(labels, 12, torch.Generator().manual_seed(0))
    assert labels[drawn].bincount().tolist() == [4, 4, 2]
    assert len(drawn.unique()) == 10


def test_features_are_the_means_of_the_feature_maps_and_batches_do_not_matter():
    model, processor = tiny_model(cls_token=(True, False, True)), CvtImageProcessor(size=32)
    pictures = torch.randint(0, 256, (5, 3, 32, 32), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    found = features(model, processor, pictures, batch_size=2, quiet=True)
    assert list(found) == [(0, 0), (1, 0), (1, 1)]
    with torch.no_grad():
        x = torch.stack([torch.from_numpy(processor.normalize(each.permute(1, 2, 0).numpy())) for each in pictures])
        maps = model(x, output_hidden_states=True).hidden_states
    for place in ((0, 0), (1, 1)):
        torch.testing.assert_close(found[place], maps[place[0]].mean(dim=(2, 3)))
    assert not any(module._forward_hooks for module in model.modules())


def add(name):
    return lambda model: model.get_submodule("cvt.encoder.stages").state_dict()[name].add_(1e-3)


@pytest.mark.parametrize(
    "change",
    [
        add("1.layers.0.output.dense.bias"),
        add("0.layers.0.attention.attention.convolution_projection_key.convolution_projection.normalization.running_mean"),
        lambda model: setattr(model, "config", tiny_config(stride_kv=(1, 2, 2))),
        lambda model: setattr(model, "config", tiny_config(id2label={number: f"other {number}" for number in range(5)}, num_labels=None)),
    ],
    ids=["weight", "statistic", "settings", "classes"],
)
def test_a_digest_is_of_all_that_probes_depend_on(change):
    model = tiny_model().half().float()
    changed = copy.deepcopy(model)
    assert digest(changed.half()) == digest(model)  # the same values in another dtype
    changed = copy.deepcopy(model)
    changed.classifier.weight.data.zero_()
    assert digest(changed) == digest(model)  # which no probe reads
    change(changed)
    assert digest(changed) != digest(model)


def test_the_command_writes_probes_of_the_model(tmp_path, capsys):
    data = tmp_path / "data"
    for part, count in (("train", 8), ("val", 2)):
        write_pictures(data / part, CLASSES, count)
    model = tiny_model(id2label=dict(enumerate(CLASSES)), num_labels=None)
    model.save_pretrained(tmp_path / "model")
    CvtImageProcessor(size=32).save_pretrained(tmp_path / "model")
    out = tmp_path / "p.safetensors"
    main(["--data", str(data), "--model", str(tmp_path / "model"), "--out", str(out), "--pictures", "12", "--seeds", "2"])
    said = capsys.readouterr().out
    probes = Probes.load(out)
    assert probes.fits(model)
    assert probes.side == 32
    assert list(probes.by_place) == [(0, 0), (1, 0), (1, 1)]
    assert {name: probes.facts[name] for name in ("pictures", "drawn_from", "unseen")} == {"pictures": 12, "drawn_from": 18, "unseen": 6}
    for (stage, block), probe in probes.by_place.items():
        accuracies = probes.facts["accuracy"][f"{stage}.{block}"]
        assert len(accuracies) == len(probes.facts["control"][f"{stage}.{block}"]) == 2
        assert probe.accuracy == pytest.approx(accuracies[0], abs=1e-4)
        assert f"stage {stage + 1}, block {block + 1}: {accuracies[0]:.1%}" in said
        assert probe.weight.dtype == torch.float16


@pytest.mark.parametrize(("given", "reason"), [
    (["--pictures", "0"], "1 or more"),
    (["--out", "{data}/p.safetensors"], "inside --data"),
    (["--data", "{data}/nowhere"], "no pictures"),
])  # fmt: skip
def test_what_cannot_be_done_is_said(tmp_path, given, reason, monkeypatch):
    defaults = {"--data": str(tmp_path / "data"), "--out": str(tmp_path / "p.safetensors")}
    options = {**defaults, given[0]: given[1].format(data=tmp_path / "data")}
    with pytest.raises(SystemExit, match=reason):
        main([each for pair in options.items() for each in pair])


def test_a_file_without_probes_is_refused(tmp_path):
    save_file({"weight": torch.zeros(1)}, tmp_path / "other.safetensors")
    for name in ("other.safetensors", "none.safetensors"):
        with pytest.raises(ValueError, match="contains no probes"):
            Probes.load(tmp_path / name)
