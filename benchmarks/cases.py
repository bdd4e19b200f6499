"""The computations of the page and the laboratory, in this process, against a plain forward pass or a limit."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator

import torch
from torch import nn

from cvt.architecture.cost import cost
from cvt.architecture.variants import stage_settings
from cvt.config import PUBLISHED, CvtConfig
from cvt.pictures import read_picture
from visualize import explore
from visualize.draw.payload import payload
from visualize.explore import summarised
from visualize.page.laboratory.describe import describe
from visualize.page.workbench import Workbench

from .memory import HOOKED, Pass, alone
from .paired import Pairs, interleaved, pairs
from .peers import CAPTURED, TRANSFORMERS
from .pictures import embedded_source, photograph
from .rows import Row, amount, in_time, longer

ROUNDS = 60
SLIDER_SECONDS = 0.005
GPU_SECONDS = 0.008  # for everything that the page needs except decoding
W24_SIDE = 384


def plain_forward(model: nn.Module, pixel_values: torch.Tensor) -> Callable[[], None]:
    """A plain forward pass, until its result is available."""

    def plain() -> None:
        with torch.inference_mode():
            model(pixel_values).logits.cpu()

    return plain


def exploring(rounds: int, device: str = "cpu") -> Pairs:
    """A plain forward pass of the embedded model, and all that the page needs of an opened photograph, as the page makes it:
    ``explore``, by the runner where it has one, and the payload."""
    with embedded_source() as source:
        workbench = Workbench(source, device)
    loaded = workbench.loaded()
    model, processor, picture = loaded.model, loaded.processor, read_picture(photograph())
    pixel_values = processor(picture.image, return_tensors="pt").pixel_values.to(model.device, model.dtype)
    if loaded.runner is not None:
        # a GPU takes ten seconds for it, when its kernels are built for the first time
        loaded.runner.warm_up(*pixel_values.shape, summary=summarised)

    def explored() -> bytes:
        return payload(explore(model, processor, picture, loaded.runner), device=workbench.device)

    return pairs(plain_forward(model, pixel_values), explored, rounds)


def slider_step(rounds: int) -> float:
    """Median seconds of the server's answer when a slider of a CvT-13 moves; every step is another architecture."""
    config = CvtConfig(**PUBLISHED["CvT-13"])
    asked = [{"stages": stage_settings(config), "side": 224} for _ in range(rounds + 3)]
    for number, each in enumerate(asked):
        each["stages"][2]["depth"] = 1 + number % 24
    steps = iter(asked)
    times = interleaved({"describe": lambda: describe(config, 224, next(steps))}, rounds).times["describe"]
    return statistics.median(times)


def costing(rounds: int) -> float:
    """Median seconds of computing the largest published model's costs in closed form."""
    config = CvtConfig(**PUBLISHED["CvT-W24"])
    return interleaved({"cost": lambda: cost(config, W24_SIDE, W24_SIDE)}, rounds).median("cost")


def largest_model(device: str) -> Iterator[Row]:
    """Peak memory of processes that run a CvT-W24 once: here with everything captured, in transformers without."""
    sizes = {"config": dict(PUBLISHED["CvT-W24"]), "size": (W24_SIDE, W24_SIDE), "device": device}
    base = alone(Pass(TRANSFORMERS, **sizes))
    for who in (HOOKED, CAPTURED):
        what, target = f"memory of CvT-W24 at {W24_SIDE}: {who}", "≤ 1.2 × transformers' plain pass"
        taken = alone(Pass(who, **sizes))
        if isinstance(base, str) or isinstance(taken, str):
            yield Row(what, f"not measured: {base if isinstance(base, str) else taken}", target)
            continue
        ratio = taken.peak / base.peak
        told = f"{ratio:.2f} × as much ({taken.peak / 1e6:,.0f} MB against {base.peak / 1e6:,.0f} MB)"
        yield amount(what, told, ratio, target, 1.2)


def rows(device: str, share: float) -> Iterator[Row]:
    """All cases, with this share of the usual number of rounds."""
    rounds = max(2, round(ROUNDS * share))
    what, times = "explore and payload, embedded model", exploring(rounds, device)
    yield longer(what, "its plain forward pass", times, 1.2)
    if device == "cuda":
        seconds = times.medians[1]
        yield amount(f"{what}: all but decoding", in_time(seconds), seconds, f"≤ {in_time(GPU_SECONDS)}", GPU_SECONDS)
    for name, measure, limit in (
        ("a step of a slider of the laboratory, CvT-13", slider_step, SLIDER_SECONDS),
        ("costs of CvT-W24 in closed form", costing, 0.001),
    ):
        seconds = measure(rounds)
        yield amount(name, in_time(seconds), seconds, f"≤ {in_time(limit)}", limit)
    yield from largest_model(device)
