"""How much memory models may take on this machine, and on how many of its cores they may run."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import torch

MOST = 4 << 30  # bytes; all that this project and the authors offer take 2.5 GB on a CPU
SHARE = 0.5  # of the memory that there is; the rest is for pictures, results and the program itself
QUOTA = "/sys/fs/cgroup/cpu.max"  # of a container: microseconds of processor time in a period, and the period
LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")  # of a container, as Linux gives them


def room_for_models(device: torch.device) -> int:
    """Bytes that the models besides the first may take."""
    return min(MOST, int(SHARE * memory_of(device)))


def memory_of(device: torch.device) -> int:
    """Bytes of memory of a GPU, or of this machine or container; no bound where the system does not tell."""
    if device.type == "cuda":
        return torch.cuda.get_device_properties(device).total_memory
    found = [int(text) for text in map(_text, LIMITS) if text.isdigit()]
    with suppress(AttributeError, ValueError, OSError):  # not a Unix
        found.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    return min(found, default=2 * MOST)


def cores() -> int:
    """The cores that this process may use, or of a container that has a share of many, as many as that share makes."""
    found = [os.cpu_count() or 1]
    with suppress(AttributeError):  # not Linux
        found.append(len(os.sched_getaffinity(0)))
    quota = _text(QUOTA).split()
    if len(quota) == 2 and quota[0].isdigit():
        found.append(max(1, round(int(quota[0]) / int(quota[1]))))
    return min(found)


def stay_within_cores() -> None:
    """Has PyTorch use no more threads than there are cores for this process: by itself it counts all that a container's machine has."""
    torch.set_num_threads(min(torch.get_num_threads(), cores()))


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="ascii").strip()
    except OSError:
        return ""
