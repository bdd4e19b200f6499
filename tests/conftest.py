import os

os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

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
