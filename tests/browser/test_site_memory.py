"""Fifty pictures on the page without a server: memory stays. It takes a minute, so that it runs only where it is asked for."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from PIL import Image

from tests.browser.test_site import host, own, photograph, seen, site  # noqa: F401
from tests.helpers import ROOT

pytestmark = [pytest.mark.browser, pytest.mark.skipif(not os.environ.get("CVT_TEST_MEMORY"), reason="CVT_TEST_MEMORY is not set")]
FEW, MANY, MORE = 5, 50, 1.1
TURNED = 7  # degrees from one picture to the next
SHOWN = "(before) => cvt.page.state.picture.key !== before && !cvt.page.state.choosing"


def resident(browser) -> int:
    """Bytes that the browser's pages, and their workers, hold in memory."""
    session = browser.new_browser_cdp_session()
    processes = session.send("SystemInfo.getProcessInfo")["processInfo"]
    session.detach()
    states = [Path(f"/proc/{each['id']}/status").read_text() for each in processes if each["type"] == "renderer"]
    return sum(int(re.search(r"VmRSS:\s+(\d+) kB", state)[1]) << 10 for state in states)


def test_fifty_pictures_take_no_more_memory_than_five(own, chromium, tmp_path):  # noqa: F811
    page, held = own.page, {}
    collector = page.context.new_cdp_session(page)
    original = Image.open(ROOT / "examples/koala.jpg")
    for number in range(1, MANY + 1):
        path = tmp_path / f"{number}.jpg"
        original.rotate(TURNED * number).resize((640, 480)).save(path)
        before = page.evaluate("cvt.page.state.picture.key")
        page.set_input_files("[data-own=file]", path)
        page.wait_for_function(SHOWN, arg=before)
        if number in (FEW, MANY):
            collector.send("HeapProfiler.collectGarbage")
            held[number] = resident(chromium)
    print({number: f"{size / 1e6:.0f} MB" for number, size in held.items()})
    assert held[MANY] <= MORE * held[FEW]
