"""Tabs of a browser that are used again: a new one compiles all of the page's scripts anew, which costs more than all else."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urljoin

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

VIEWPORT = {"width": 1440, "height": 900}


class Tabs:
    """Tabs of one Chromium, each with cookies, storage and a cache of its own; a used one is as good as new.

    A tab stays with its server: what ``new Function`` compiled there, Chromium reuses, and an ``import`` in it then asks that server.
    So does it with a later server of the same address, which serves the same scripts.
    """

    def __init__(self, browser: Browser):
        self._browser = browser
        self._free: dict[str, list[Page]] = defaultdict(list)  # by server
        self._taken: dict[Page, tuple[str, bool, dict[str, Callable]]] = {}  # server, whether it can be used again, listeners

    def take(
        self, address: str, heard: dict[str, Callable], viewport=VIEWPORT, color_scheme="light", reduced_motion="no-preference", **context
    ) -> Page:
        """A blank tab for a page at this address, of whose context anything can be chosen; ``heard`` is called at events of these names."""
        server = urljoin(address, "/")
        reused = self._free[server] and not context
        page = self._free[server].pop() if reused else self._browser.new_context(viewport=viewport, **context).new_page()
        if not context:
            page.set_viewport_size(viewport)
        page.emulate_media(color_scheme=color_scheme, reduced_motion=reduced_motion)
        for name, listener in heard.items():
            page.on(name, listener)
        self._taken[page] = server, not context, heard
        return page

    def give(self, page: Page) -> None:
        """Takes a tab back, if it was not before, and leaves nothing in it of the page that it shows."""
        server, again, heard = self._taken.pop(page, ("", False, {}))
        if not server or page.is_closed():
            return
        for name, listener in heard.items():
            page.remove_listener(name, listener)
        try:
            if not again:
                return
            page.evaluate("localStorage.clear(); sessionStorage.clear()")
            page.context.clear_cookies()
            page.unroute_all()
            page.goto("about:blank")
            page.mouse.move(0, 0)  # or the next page would find the pointer where this one had it
            self._free[server].append(page)
        finally:
            if page not in self._free[server]:
                page.context.close()

    def leave(self, address: str) -> None:
        """Takes back all tabs of a server that will be gone."""
        for page in self._of(address):
            self.give(page)

    def close(self, address: str) -> None:
        """Closes all tabs of a server whose address none will have again."""
        for page in (*self._free.pop(urljoin(address, "/"), ()), *self._of(address)):
            page.context.close()

    def _of(self, address: str) -> list[Page]:
        return [page for page, (server, *_) in self._taken.items() if server == urljoin(address, "/")]
