"""Peak memory of a forward pass in its own process, ``python -m benchmarks.memory``, since processes seldom return memory.

It is counted by the system or, on a GPU, by PyTorch.
"""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

    from .peers import Run

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Pass:
    """A forward pass to measure: one of ``peers.PEERS``, or ``HOOKED``; its model and its input."""

    who: str
    config: dict[str, Any] = field(default_factory=dict)
    batch: int = 1
    size: tuple[int, int] = (224, 224)
    device: str = "cpu"
    rounds: int = 1


HOOKED = "this, all captured by hooks"


@dataclass(frozen=True)
class Taken:
    """``seconds`` of the fastest pass; ``peak`` bytes of the whole process, or on a GPU of its tensors; ``own``: the bytes of these
    that the passes added to the loaded model."""

    seconds: float
    peak: int
    own: int


def resident(process: int | str = "self", what: str = "VmRSS") -> int:
    """A process's current (VmRSS) or peak memory (VmHWM) in bytes. Raises OSError if the system does not report it."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith(what):
            return int(line.split()[1]) << 10
    raise OSError(f"/proc/{process}/status does not say {what}.")


def measured(work: Pass) -> Taken:
    """Measures the pass in this process."""
    import torch

    run, x = _prepared(work)
    gc.collect()
    gpu = work.device == "cuda"
    if gpu:
        torch.cuda.reset_peak_memory_stats()
    else:
        Path("/proc/self/clear_refs").write_text("5")  # resets VmHWM
    before = torch.cuda.memory_allocated() if gpu else resident()
    taken = []
    with torch.inference_mode():
        for _ in range(work.rounds):
            started = time.perf_counter()
            run(x)
            if gpu:
                torch.cuda.synchronize()
            taken.append(time.perf_counter() - started)
    peak = torch.cuda.max_memory_allocated() if gpu else resident(what="VmHWM")
    return Taken(min(taken), peak, max(0, peak - before))


def _prepared(work: Pass) -> tuple[Run, Tensor]:
    """The function to run, and its input. The model is freed unless it is what runs: transformers' has its own weights."""
    import torch

    from cvt.config import CvtConfig

    from .peers import PEERS, hooked, lively_model

    dtype = torch.float16 if work.device == "cuda" else torch.float32
    model = lively_model(CvtConfig(**work.config)).to(work.device, dtype)
    x = torch.randn(work.batch, model.config.num_channels, *work.size).to(work.device, dtype)
    return partial(hooked, model) if work.who == HOOKED else PEERS[work.who](model, x), x


def alone(work: Pass, most_seconds: float = 600, most_bytes: float = float("inf")) -> Taken | str:
    """The same in its own process, which is stopped if it exceeds a bound; a text if it did not finish."""
    command = [sys.executable, "-m", "benchmarks.memory", json.dumps(asdict(work))]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + most_seconds
    try:
        while True:
            try:
                output, errors = process.communicate(timeout=0.1)
                break
            except subprocess.TimeoutExpired:
                if time.monotonic() > deadline:
                    return f"not within {most_seconds:g} s"
                with suppress(OSError):  # it has just ended
                    if resident(process.pid) > most_bytes:
                        return f"more than {most_bytes / 1e9:g} GB"
    finally:
        process.kill()
        process.communicate()
    if process.returncode:
        return (errors.strip().splitlines() or ["it ended without output"])[-1]
    return Taken(**json.loads(output.splitlines()[-1]))


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    print(json.dumps(asdict(measured(Pass(**given | {"size": tuple(given["size"])})))))
