"""The cost of opening the page in Chromium: bytes on the wire, and anything that is requested twice."""

from __future__ import annotations

from collections import Counter

from .browser import CHROMIUM
from .pictures import embedded_options
from .rows import Row, amount
from .started import started

MOST = 2_500_000  # bytes, with the first picture's maps


def first_load() -> tuple[int, list[str]]:
    """Bytes that the embedded model's page takes until its first maps are drawn, and the addresses requested more than once."""
    from playwright.sync_api import sync_playwright

    with embedded_options() as options, started("cpu", options) as app, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        wire = page.context.new_cdp_session(page)
        wire.send("Network.enable")
        asked: list[str] = []
        received: list[float] = []
        wire.on("Network.requestWillBeSent", lambda event: asked.append(event["request"]["url"]))
        wire.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
        page.goto(app.address.replace("127.0.0.1", "visitor.localhost"))  # as from elsewhere: to 127.0.0.1 nothing is packed
        page.wait_for_function("globalThis.cvt?.explorer?.()?.drawn && cvt.explorer().drawn === cvt.explorer().result", timeout=60_000)
        browser.close()
    return round(sum(received)), sorted(url for url, count in Counter(asked).items() if count > 1)


def rows() -> list[Row]:
    size, twice = first_load()
    return [
        amount("the page's first load, embedded model", f"{size / 1e6:.2f} MB", size, f"≤ {MOST / 1e6:g} MB", MOST),
        amount("requested twice in it", ", ".join(twice) or "nothing", len(twice), "nothing", 0),
    ]
