import os

os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # threads that spin while they wait slow a busy machine down threefold
os.environ.setdefault("OMP_NUM_THREADS", "1")  # models are small here: with two threads training took 1.5 times the CPU time

import gc
import shutil
import sys

import pytest
import torch

import visualize.app  # noqa: F401 -- before a test loads Gradio, which then takes less time
from tests import helpers
from tests.without import sitecustomize  # noqa: F401 -- the collector is to look rarely

# JupyterLab brings it, to check addresses in schemas. Gradio would load it, which takes a third of Gradio's own start, and asks it nothing.
sys.modules.setdefault("rfc3987_syntax", None)

gc.disable()  # until all is imported, of which little is garbage; looking for it took a fifth of that time

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")  # the first has no windows, which cost time


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    """Whatever the machine's number of cores and the variable above say."""
    torch.set_num_threads(1)


def pytest_collection_finish():
    """From now on there is garbage. The modules stay: the collector need not look at them again and again."""
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def _exact_float32():
    """A GPU rounds float32 to TF32 in convolutions where it may, a thousand times coarser than what is compared here."""
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False


@pytest.fixture
def tiny_config():
    """``tiny_config(**changes)`` makes the config of a small CvT."""
    return helpers.tiny_config


@pytest.fixture
def tiny_model():
    """A small seeded CvtForImageClassification in evaluation mode, BatchNorm statistics randomised."""
    return helpers.tiny_model()


@pytest.fixture(scope="session")
def random_app(tmp_path_factory):
    """The workbench and the address of the real app with a model of seeded random weights."""
    pytest.importorskip("gradio")
    from tests import serving

    with serving.random_app(tmp_path_factory.mktemp("model")) as app:
        yield app


@pytest.fixture(scope="session")
def served(random_app):
    """The address of that app."""
    return random_app[1]


@pytest.fixture(scope="session")
def chromium():
    """A real Chromium, one for all tests. Without one they are skipped, except where CI is set: there they must run."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        assert not os.environ.get("CI"), "CI must have a Chromium: browser tests may not be skipped there."
        pytest.skip("no Chromium on this machine")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()
