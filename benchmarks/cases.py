"""What is measured, against what, and the goal of each."""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from torch import nn

from cvt import CvtForImageClassification, CvtImageProcessor
from cvt.architecture.build import build_variant
from cvt.architecture.cost import cost
from cvt.architecture.variants import stage_settings
from cvt.config import PUBLISHED, CvtConfig
from visualize import explore
from visualize.page.laboratory.describe import describe

from .paired import Pairs, pairs

ROOT = Path(__file__).parents[1]
EMBEDDED = ROOT / "cvt" / "weights" / "config.json"
# The embedded model's shape, for a checkout without its weights.
SHAPE = {
    "patch_sizes": (5, 3, 3),
    "patch_stride": 2,
    "patch_padding": (2, 1, 1),
    "embed_dim": (64, 128, 256),
    "num_heads": (1, 2, 4),
    "depth": (1, 2, 8),
    "num_labels": 200,
}
SECONDS_TO_START = 120  # after which an app that does not answer has failed


@dataclass(frozen=True)
class Case:
    """One row of the table.

    Attributes:
        measure: gives the times of (base, other) for a number of rounds; the ratio is other / base.
        rounds: how many at full length.
        goal: the ratio must be at least this, or at most, where ``at_most``.
    """

    name: str
    base: str
    other: str
    measure: Callable[[int], Pairs]
    rounds: int
    goal: float
    at_most: bool = False

    def reached(self, ratio: float) -> bool:
        return ratio <= self.goal if self.at_most else ratio >= self.goal


def cases() -> list[Case]:
    note = "" if EMBEDDED.exists() else " (not there: random weights of its shape)"
    return [
        Case("CvT-13, 224 px, batch 1, float32", "this", "transformers, eager", lambda rounds: forward(1, rounds), 40, 1.3),
        Case("CvT-13, 224 px, batch 8, float32", "this", "transformers, eager", lambda rounds: forward(8, rounds), 12, 1.15),
        Case(f"explore, embedded model{note}", "plain forward", "explore", exploring, 60, 1.5, at_most=True),
        # a millisecond on a machine whose forward pass takes fifty, and ten for all that one step of a slider is told
        Case(f"costs of CvT-W24 in closed form{note}", "plain forward", "cost", costing, 60, 0.02, at_most=True),
        Case(f"a step of a slider, CvT-13{note}", "plain forward", "describe", describing, 60, 0.2, at_most=True),
        Case(f"first answer of python app.py{note}", "import torch, gradio", "app.py", starting, 7, 1.5, at_most=True),
    ]


def lively(model: nn.Module, seed: int = 0) -> None:
    """BatchNorm statistics unlike those of a new model, so that equal results mean equal computation."""
    generator = torch.Generator().manual_seed(seed)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(generator=generator)
            module.running_var.uniform_(0.5, 2, generator=generator)


def forward(batch: int, rounds: int) -> Pairs:
    """CvT-13 with equal weights here and in transformers; both are checked to compute the same first."""
    import transformers

    config = CvtConfig(**PUBLISHED["CvT-13"])
    ours = build_variant(config)
    lively(ours)
    values = config.to_dict()
    values.pop("hidden_act")
    theirs = transformers.CvtForImageClassification(transformers.CvtConfig(**values)).eval()
    theirs.load_state_dict(ours.state_dict())
    pixel_values = torch.randn(batch, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        off = float((ours(pixel_values).logits - theirs(pixel_values).logits).abs().max())
        if off > 1e-4:
            raise RuntimeError(f"The two models differ by {off:.1e}: their times cannot be compared.")
        return pairs(lambda: ours(pixel_values), lambda: theirs(pixel_values), rounds)


def embedded_model() -> tuple[CvtForImageClassification, CvtImageProcessor]:
    """The embedded model; where it is not there, one of its shape with random weights."""
    if EMBEDDED.exists():
        return CvtForImageClassification.from_pretrained(), CvtImageProcessor.from_pretrained()
    return build_variant(CvtConfig(**SHAPE)), CvtImageProcessor(size=96, crop_pct=1.0)


def exploring(rounds: int) -> Pairs:
    """A decoded photograph of screen size through ``explore``, against the forward pass alone on the same pixels."""
    model, processor = embedded_model()
    picture = photograph()
    plain = plain_forward(model, processor(picture, return_tensors="pt").pixel_values)
    return pairs(plain, lambda: explore(model, processor, picture), rounds)


def costing(rounds: int) -> Pairs:
    """What the largest published model costs, in closed form, against a forward pass of the embedded model."""
    config = CvtConfig(**PUBLISHED["CvT-W24"])
    return pairs(plain_forward(), lambda: cost(config, 384, 384), rounds)


def describing(rounds: int) -> Pairs:
    """All that the page is told when a slider moves, against a forward pass of the embedded model."""
    config = CvtConfig(**PUBLISHED["CvT-13"])
    asked = {"stages": stage_settings(config), "side": 224}
    asked["stages"][2]["depth"] = 7
    return pairs(plain_forward(), lambda: describe(config, 224, asked), rounds)


def plain_forward(model: nn.Module | None = None, pixel_values: torch.Tensor | None = None) -> Callable[[], None]:
    """A forward pass and nothing else; of the embedded model on a photograph unless another is given."""
    if model is None:
        model, processor = embedded_model()
        pixel_values = processor(photograph(), return_tensors="pt").pixel_values

    def plain() -> None:
        with torch.inference_mode():
            model(pixel_values)

    return plain


def photograph() -> Image.Image:
    """The first example picture, or noise of its kind where there is none; RGB, 640 pixels wide."""
    files = sorted((ROOT / "examples").glob("*.jpg"))
    if not files:
        return Image.effect_noise((640, 480), 80).convert("RGB")
    picture = Image.open(files[0]).convert("RGB")
    return picture.resize((640, round(640 * picture.height / picture.width)), Image.Resampling.BICUBIC)


def starting(rounds: int) -> Pairs:
    """Whole processes: Python importing torch and gradio, and ``python app.py`` until its page is there."""
    if EMBEDDED.exists():
        return pairs(import_libraries, first_answer, rounds, warmup=1)
    with tempfile.TemporaryDirectory() as folder:
        for part in embedded_model():
            part.save_pretrained(folder)
        return pairs(import_libraries, lambda: first_answer("--model", folder), rounds, warmup=1)


def import_libraries() -> None:
    subprocess.run([sys.executable, "-c", "import torch, gradio"], check=True, cwd=ROOT, stdout=subprocess.DEVNULL)


def first_answer(*options: str) -> None:
    """Starts the app on a free port and returns when it has answered a request."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "app.py", "--port", str(port), "--device", "cpu", *options]
    app = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        deadline = time.monotonic() + SECONDS_TO_START
        while not answers(f"http://127.0.0.1:{port}/"):
            if app.poll() is not None:
                raise RuntimeError(f"app.py ended before it answered: {app.stderr.read().decode(errors='replace').strip()[-300:]}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"app.py has not answered within {SECONDS_TO_START} seconds.")
            time.sleep(0.01)
    finally:
        app.kill()
        app.communicate()


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=10) as response:
            return response.status == 200
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False
