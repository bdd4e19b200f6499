"""The published checkpoint and its published logits; only where the Hugging Face Hub can be reached."""

import io
import urllib.request

import pytest
import torch

from cvt import CvtForImageClassification, CvtImageProcessor, pipeline

HUB = "https://huggingface.co"
CATS = "http://images.cocodataset.org/val2017/000000039769.jpg"

pytestmark = pytest.mark.network


@pytest.fixture(scope="module")
def cats():
    """The photograph of two cats, from COCO."""
    for address in (f"{HUB}/microsoft/cvt-13/resolve/main/config.json", CATS):
        try:
            with urllib.request.urlopen(address, timeout=10) as response:
                content = response.read()
        except OSError as error:
            pytest.skip(f"{address} cannot be reached: {error}")
    return io.BytesIO(content)


def test_golden_logits(cats):
    model, processor = CvtForImageClassification.from_pretrained("microsoft/cvt-13"), CvtImageProcessor.from_pretrained("microsoft/cvt-13")
    with torch.no_grad():
        logits = model(**processor(cats, return_tensors="pt")).logits
    assert logits.shape == (1, 1000)
    assert torch.allclose(logits[0, :3], torch.tensor([0.9287, 0.9016, -0.3152]), atol=5e-4)  # Hugging Face's own test of CvT
    assert model.config.id2label[logits.argmax().item()] == "tabby, tabby cat"


def test_pipeline(cats):
    assert pipeline("image-classification", model="microsoft/cvt-13", device="cpu")(cats)[0]["label"] == "tabby, tabby cat"


def test_the_checkpoint_that_has_no_safetensors(cats):
    model = CvtForImageClassification.from_pretrained("microsoft/cvt-13-384-22k")
    assert sum(each.numel() for each in model.parameters()) == 19_997_480
