"""Memory that threads freed is in one place, from which it can be given back."""

import ctypes
import subprocess
import sys

import pytest

from tests.helpers import ROOT

PROGRAM = """
import ctypes, threading
from visualize.page.prepared import use_one_arena

libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
all_there = threading.Barrier(6)


def allocate():
    libc.malloc(5000)  # too large for what a thread keeps for itself
    all_there.wait()


use_one_arena()
libc.malloc_info(0, ctypes.c_void_p.in_dll(libc, "stdout"))
threads = [threading.Thread(target=allocate) for _ in range(6)]
for each in threads:
    each.start()
for each in threads:
    each.join()
libc.malloc_info(0, ctypes.c_void_p.in_dll(libc, "stdout"))
libc.fflush(None)
"""


@pytest.mark.skipif(
    sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "malloc_info"), reason="this system's allocator has no arenas"
)
def test_threads_share_one_arena():
    told = subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    before, after = (text.count("<heap nr=") for text in told.split("</malloc>")[:2])
    assert after == before >= 1
