"""Weights in a file are the same weights, and take memory only while they are used."""

import copy
import io
import sys

import pytest
import torch
from torch import nn

from cvt.runtime.runner import Runner
from tests.helpers import pixels, tiny_model
from visualize.page.models.paged import Paged
from visualize.page.workbench import Workbench

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what of a mapping is in memory")


def resident(tensor):
    """Bytes of memory of the mapping that holds a tensor."""
    inside = False
    with open("/proc/self/smaps") as lines:
        for line in lines:
            first = line.split()[0]
            if not first.endswith(":"):
                start, end = (int(each, 16) for each in first.split("-"))
                inside = start <= tensor.data_ptr() < end
            elif inside and first == "Rss:":
                return int(line.split()[1]) << 10
    raise AssertionError("it is in no mapping")


def test_a_model_computes_the_same_with_its_weights_in_a_file():
    model, x = tiny_model(), pixels()
    before, held = copy.deepcopy(model), list(model.parameters())
    paged = Paged(model)
    assert all(now is then for now, then in zip(model.parameters(), held, strict=True))
    runner = Runner(model)
    for _ in range(2):
        with torch.inference_mode():
            assert torch.equal(model(x).logits, before(x).logits)
            torch.testing.assert_close(runner(x).logits, before(x).logits)
        assert all(torch.equal(value, before.state_dict()[name]) for name, value in model.state_dict().items())
        paged.let_go()


def test_a_copy_or_a_saved_tensor_takes_no_more_than_the_tensor():
    model = tiny_model()
    expected = {name: value.clone() for name, value in model.state_dict().items()}
    paged, file = Paged(model), io.BytesIO()
    copied = copy.deepcopy(model)
    assert all(value.untyped_storage().nbytes() == value.nbytes for value in [*model.state_dict().values(), *copied.state_dict().values()])
    torch.save(model.state_dict(), file)
    file.seek(0)
    for name, value in torch.load(file).items():
        assert torch.equal(value, expected[name])
    paged.let_go()


@linux
def test_memory_is_given_back_and_what_was_written_is_not_lost():
    model = nn.Linear(512, 512)
    paged = Paged(model)
    assert resident(model.weight) >= model.weight.nbytes
    with torch.no_grad():
        model.weight[7] = 3
    paged.let_go()
    assert resident(model.weight) == 0
    assert model.weight[7].eq(3).all()
    assert not model.weight[8].eq(3).any()


def test_a_full_disk_leaves_weights_where_they_are(monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.posix_fallocate", full, raising=False)
    model = nn.Linear(3, 3)
    place = model.weight.data_ptr()
    Paged(model).let_go()
    assert model.weight.data_ptr() == place


@pytest.mark.parametrize("copied", [True, False])
def test_only_weights_of_which_a_runner_has_a_copy_go_into_a_file(monkeypatch, copied):
    """It would read the others from the file in every pass."""
    monkeypatch.setattr("visualize.page.models.loader.onednn_works", lambda device, dtype: copied)
    assert (Workbench(None, "cpu").loaded().paged is not None) is copied
