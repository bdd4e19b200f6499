"""Memory of whole processes, since what one has used once it seldom gives back: ``python -m benchmarks.memory`` is one of them.

A forward pass alone in its process says how much memory it took at most, counted by the system or, on a GPU, by PyTorch.
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
    """A forward pass to measure: which of ``peers.PEERS``, or ``HOOKED``; of what model, on what."""

    who: str
    config: dict[str, Any] = field(default_factory=dict)
    batch: int = 1
    size: tuple[int, int] = (224, 224)
    device: str = "cpu"
    rounds: int = 1


HOOKED = "this, all captured by hooks"


@dataclass(frozen=True)
class Taken:
    """``seconds`` of the fastest pass; ``peak`` bytes of the whole process, or on a GPU of its tensors; ``own``: of these, what the
    passes added to the loaded model."""

    seconds: float
    peak: int
    own: int


def resident(process: int | str = "self", what: str = "VmRSS") -> int:
    """Bytes of memory that a process has (VmRSS), or had at most (VmHWM). Raises OSError where the system does not say."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith(what):
            return int(line.split()[1]) << 10
    raise OSError(f"/proc/{process}/status does not say {what}.")


def measured(work: Pass) -> Taken:
    """Runs it, in this process."""
    import torch

    run, x = _prepared(work)
    gc.collect()
    gpu = work.device == "cuda"
    if gpu:
        torch.cuda.reset_peak_memory_stats()
    else:
        Path("/proc/self/clear_refs").write_text("5")  # from here on VmHWM counts anew
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
    """What runs, and on what. The model itself stays only where it is what runs: transformers' has weights of its own."""
    import torch

    from cvt.config import CvtConfig

    from .peers import PEERS, hooked, lively_model

    dtype = torch.float16 if work.device == "cuda" else torch.float32
    model = lively_model(CvtConfig(**work.config)).to(work.device, dtype)
    x = torch.randn(work.batch, model.config.num_channels, *work.size).to(work.device, dtype)
    return partial(hooked, model) if work.who == HOOKED else PEERS[work.who](model, x), x


def alone(work: Pass, most_seconds: float = 600, most_bytes: float = float("inf")) -> Taken | str:
    """The same in a process of its own; or in words what kept it from ending: it is stopped where it goes beyond a bound."""
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
        return (errors.strip().splitlines() or ["it ended without a word"])[-1]
    return Taken(**json.loads(output.splitlines()[-1]))


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    print(json.dumps(asdict(measured(Pass(**given | {"size": tuple(given["size"])})))))
