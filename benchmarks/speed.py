"""Forward passes of this project and its peers: equal weights, checked to give equal logits, then timed in turn."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from cvt.config import CvtConfig

from .paired import Clock, Rounds, interleaved
from .peers import CAPTURED, COMPILED, ONNX_RUNTIME, OPENVINO, PEERS, PLAIN, RUNNER, TRANSFORMERS, Missing, Run, lively_model
from .rows import Row, amount, faster, in_time

PAUSE = {"cpu": 0.02, "cuda": 0.0}  # seconds for spinning threads to stop; a GPU that rests slows down
TOLERANCES = {torch.float32: 1e-4, torch.float16: 2e-2, torch.bfloat16: 1e-1}  # of the largest logit
BATCHES = {"cpu": (1, 8), "cuda": (1, 8, 64, 256)}
ROUNDS = {"cpu": {1: 30, 8: 10}, "cuda": {1: 100, 8: 100, 64: 60, 256: 30}}
# Targets on a GPU, for CvT-13 at 224 pixels in float16: seconds of one picture, pictures per second of several
GPU_SECONDS = {RUNNER: 0.95e-3, CAPTURED: 1.1e-3}
GPU_RATES = {64: 15_000, 256: 18_000}
GPU_SPEED, CPU_SPEEDS = 9.0, {1: 1.5, 8: 1.3}  # times as fast as transformers


@dataclass(frozen=True)
class Speeds:
    """One batch size's times; ``missing``: why peers were left out, by name."""

    batch: int
    rounds: Rounds
    missing: dict[str, str]

    def as_json(self) -> dict[str, Any]:
        seconds = {name: self.rounds.median(name) for name in self.rounds.times}
        base = {TRANSFORMERS: self.relative(TRANSFORMERS)} if TRANSFORMERS in seconds else {}
        return {"batch": self.batch, "seconds": seconds, "times_as_fast_as": base, "missing": self.missing}

    def relative(self, against: str) -> dict[str, float]:
        """How many times as fast as ``against`` each is."""
        return {name: self.rounds.speed(name, against).ratio for name in self.rounds.times}


def speeds(
    config: CvtConfig,
    batch: int,
    size: tuple[int, int],
    device: str,
    names: Iterable[str],
    rounds: int,
    pause: float | None = None,
    clock: Clock = time.perf_counter,
) -> Speeds:
    """Times the named peers on random pixels; on CUDA in float16, else in float32.

    Raises:
        RuntimeError: one of them gives different results, so that times cannot be compared.
    """
    dtype = torch.float16 if device == "cuda" else torch.float32
    model = lively_model(config).to(device, dtype)
    x = torch.randn(batch, config.num_channels, *size, generator=torch.Generator().manual_seed(0)).to(device, dtype)
    runs, missing = {}, {}
    with torch.inference_mode():
        expected = model(x).logits.float()
        for name in names:
            try:
                runs[name] = PEERS[name](model, x)
                check(name, runs[name](x), expected, TOLERANCES[dtype])
            except Missing as reason:
                missing[name] = str(reason)
        actions = {name: waiting(run, x) for name, run in runs.items()}
        return Speeds(batch, interleaved(actions, rounds, pause=PAUSE[device] if pause is None else pause, clock=clock), missing)


def check(name: str, found: Tensor, expected: Tensor, tolerance: float) -> None:
    off, largest = float((found.to(expected.device).float() - expected).abs().max()), float(expected.abs().max())
    if not off <= tolerance * largest:
        raise RuntimeError(f"{name}: its logits differ by {off:.1e} where the largest is {largest:.1e}: times cannot be compared.")


def waiting(run: Run, x: Tensor) -> Callable[[], None]:
    """The pass until its result is there, which on a GPU is later than the call's return."""

    def action() -> None:
        run(x)
        if x.is_cuda:
            torch.cuda.synchronize()

    return action


def table(found: Speeds) -> list[str]:
    """All peers of one batch size, the fastest first, as lines of Markdown."""
    against = TRANSFORMERS if TRANSFORMERS in found.rounds.times else PLAIN
    lines = [f"| batch {found.batch} | median | pictures per second | against {against} |", "|---|---|---|---|"]
    for name in sorted(found.rounds.times, key=found.rounds.median):
        seconds, ratio = found.rounds.median(name), found.rounds.speed(name, against).ratio
        lines.append(f"| {name} | {in_time(seconds)} | {found.batch / seconds:,.0f} | {ratio:.2f} × as fast |")
    return lines + [f"\n{name} was not timed: {reason}" for name, reason in found.missing.items()]


def targets(found: Speeds, device: str) -> list[Row]:
    """The targets for this batch size."""
    return _of_gpu(found) if device == "cuda" else _of_cpu(found)


def _pair(found: Speeds, name: str, against: str, at_least: float) -> list[Row]:
    if name not in found.rounds.times or against not in found.rounds.times:
        return []
    return [faster(f"CvT-13, batch {found.batch}: {name}", against, found.rounds.speed(name, against), at_least)]


def _of_cpu(found: Speeds) -> list[Row]:
    rows = _pair(found, RUNNER, TRANSFORMERS, CPU_SPEEDS[found.batch])
    return rows + [row for peer in (OPENVINO, ONNX_RUNTIME) for row in _pair(found, COMPILED, peer, 1.0)]


def _of_gpu(found: Speeds) -> list[Row]:
    rows = _pair(found, PLAIN, TRANSFORMERS, 1.0)
    if found.batch == 1:
        rows += _pair(found, RUNNER, TRANSFORMERS, GPU_SPEED)
        for name, limit in GPU_SECONDS.items():
            if name in found.rounds.times:
                seconds = found.rounds.median(name)
                rows.append(amount(f"CvT-13, batch 1: {name}", in_time(seconds), seconds, f"≤ {in_time(limit)}", limit))
    if found.batch in GPU_RATES:
        best = min((name for name in (RUNNER, COMPILED) if name in found.rounds.times), key=found.rounds.median)
        rate, limit = found.batch / found.rounds.median(best), GPU_RATES[found.batch]
        rows.append(amount(f"CvT-13, batch {found.batch}: {best}", f"{rate:,.0f}/s", rate, f"≥ {limit:,}/s", limit, more=True))
    return rows


def of_device(device: str, quick: bool, share: float, clock: Clock = time.perf_counter) -> Iterable[Speeds]:
    """CvT-13's speeds for every batch size; ``quick``: a tiny model, few rounds and no compiler."""
    from cvt.config import PUBLISHED

    names = [name for name in PEERS if (name != CAPTURED or device == "cuda") and not (quick and name == COMPILED)]
    config, side = (CvtConfig(**QUICK), 32) if quick else (CvtConfig(**PUBLISHED["CvT-13"]), 224)
    for batch in BATCHES[device]:
        rounds = 3 if quick else max(2, round(ROUNDS[device][batch] * share))
        yield speeds(config, batch, (side, side), device, names, rounds, clock=clock)


QUICK: dict[str, Any] = {"embed_dim": (8, 16, 24), "num_heads": (1, 2, 3), "depth": (1, 2, 3), "num_labels": 5, "image_size": 32}
