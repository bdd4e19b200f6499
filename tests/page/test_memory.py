"""Running out of memory: a sentence, what was taken is given back, and the next call is answered."""

import gc
import weakref

import numpy as np
import pytest
import torch
from PIL import Image

pytest.importorskip("gradio")

from cvt.pictures import OpenedPicture
from tests import serving
from visualize.page.breaking.api import BreakingApi
from visualize.page.requests import Request
from visualize.page.workbench import Workbench

SENTENCE = "There is not enough memory for this now. Choose a smaller input or model, or try again later."
PICTURE = OpenedPicture(Image.fromarray(np.random.default_rng(0).integers(0, 255, (70, 90, 3), np.uint8)))
NO_MEMORY = {
    "a GPU": lambda: torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 1 GiB"),
    "a CPU": lambda: RuntimeError("[enforce fail at alloc_cpu.cpp:124] . DefaultCPUAllocator: can't allocate memory"),
    "Python": MemoryError,
}


class Layer:
    """A forward hook that takes memory, and then finds no more: ``errors`` are raised, one after the other."""

    def __init__(self):
        self.errors, self.taken = [], []

    def __call__(self, module, given, output):
        if self.errors:
            large = given[0].clone()
            self.taken.append(weakref.ref(large))
            raise self.errors.pop()


@pytest.fixture(scope="module")
def workbench(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    serving.save_random_model(folder, embed_dim=(8, 16, 32), depth=(1, 1, 2), image_size=64)
    workbench = Workbench(str(folder), "cpu")
    gc.freeze()  # each refusal collects, for which what all tests before these left need not be looked at again
    return workbench


@pytest.fixture
def layer(workbench):
    found = Layer()
    hook = workbench.loaded().model.cvt.encoder.stages[1].register_forward_hook(found)
    yield found
    hook.remove()


def refused(work, layer, *arguments):
    with pytest.raises(ValueError) as found:  # noqa: PT011 -- compared as a whole
        work(*arguments)
    assert str(found.value) == SENTENCE
    assert layer.taken
    assert layer.taken[-1]() is None  # even while somebody has the error


@pytest.mark.parametrize("where", NO_MEMORY)
def test_a_call_without_memory_gets_a_sentence_and_the_next_one_an_answer(workbench, layer, where):
    request = Request(model=workbench.names[0], picture=PICTURE)
    layer.errors += [NO_MEMORY[where]()] * 2
    refused(workbench.explore, layer, request)
    refused(workbench.classes, layer, request)
    assert dict(workbench.explore(request).exploration.top()) == pytest.approx(dict(workbench.classes(request)), abs=1e-6)


def test_so_does_every_experiment(workbench, layer):
    api = BreakingApi(workbench)
    key = {"key": workbench.explore(Request(model=workbench.names[0], picture=PICTURE)).key}
    more = {"receptive_field": {"stage": 2, "row": 1, "column": 1}, "patch": {"other": key["key"]}, "transform": {"flip": "horizontal"}}
    for name in ("lens", "importance", "explain", "receptive_field", "patch", "transform"):
        layer.errors.append(torch.OutOfMemoryError("CUDA out of memory."))
        refused(api.answer, layer, name, {**key, **more.get(name, {})})
    assert api.answer("lens", key)["points"]


def test_other_errors_stay_what_they_are(workbench, layer):
    layer.errors.append(RuntimeError("a mistake"))
    with pytest.raises(RuntimeError, match=r"^a mistake$"):
        workbench.explore(Request(model=workbench.names[0], picture=PICTURE))
    for _ in range(2):
        assert workbench.passes.acquire(timeout=1)
    workbench.passes.release(2)
