"""A page's request for a model, as the route makes it."""

from __future__ import annotations

import asyncio
import threading

from visualize.page.jobs import Step
from visualize.page.models.loader import DOWNLOADING
from visualize.page.models.models import Models


class Loading:
    """In a thread with a loop of its own: what the page is told, until it closes the request."""

    def __init__(self, models: Models, name: str):
        self.told: list[Step | dict] = []
        self.problem: Exception | None = None
        self.downloads, self._closed = threading.Event(), None
        self.thread = threading.Thread(target=lambda: asyncio.run(self._follow(models, name)))
        self.thread.start()

    async def _follow(self, models: Models, name: str) -> None:
        self._loop, self._closed = asyncio.get_running_loop(), asyncio.Event()
        task, closed = asyncio.ensure_future(self._steps(models, name)), asyncio.ensure_future(self._closed.wait())
        await asyncio.wait([task, closed], return_when=asyncio.FIRST_COMPLETED)
        for each in (task, closed):
            each.cancel()
        await asyncio.gather(task, closed, return_exceptions=True)

    async def _steps(self, models: Models, name: str) -> None:
        try:
            async for step in models.steps(name):
                self.told.append(step)
                if isinstance(step, Step) and step.name == DOWNLOADING and step.share:
                    self.downloads.set()
        except Exception as error:
            self.problem = error

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._closed.set)
        self.thread.join(20)

    def end(self) -> dict:
        """What it was told last."""
        self.thread.join(20)
        assert not self.thread.is_alive()
        assert self.problem is None
        return self.told[-1]
