import os

os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # threads that spin while they wait slow a busy machine down threefold

import pytest
import torch

from tests import helpers


@pytest.fixture(scope="session", autouse=True)
def _two_threads():
    """Timings and the machine's other work stay the same whatever its number of cores."""
    torch.set_num_threads(2)


@pytest.fixture
def tiny_config():
    """``tiny_config(**changes)`` makes the config of a small CvT."""
    return helpers.tiny_config


@pytest.fixture
def tiny_model():
    """A small seeded CvtForImageClassification in evaluation mode, BatchNorm statistics randomised."""
    return helpers.tiny_model()


@pytest.fixture(scope="session")
def served(tmp_path_factory):
    """The address of the real app with a model of seeded random weights."""
    pytest.importorskip("gradio")
    from tests import serving

    with serving.random_app(tmp_path_factory.mktemp("model")) as address:
        yield address
