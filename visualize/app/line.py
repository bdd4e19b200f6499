"""Who may wait in Gradio's line of events: neither the long experiments nor one visitor's calls take all of its places."""

from __future__ import annotations

from typing import Any

import gradio as gr

from ..page.words.sentences import say
from .blocks import EXPERIMENTS_QUEUE

MOST_WAITING = 200  # events
TOLD_SECONDS = 1.0  # interval at which those who wait are told their places
MOST_EXPERIMENTS = 60  # of them, each of many passes: 200 would keep everybody else out for an hour
MOST_OF_ONE = 100  # with one session: a program's loop leaves room for others


def bound_line(demo: gr.Blocks) -> None:
    """Refuses events beyond these numbers, in words. The bound on all of them is Gradio's own."""
    queue = demo._queue
    push = queue.push

    def full(body: Any) -> bool:
        function = demo.fns.get(body.fn_index)
        waiting = [event for line in queue.event_queue_per_concurrency_id.values() for event in line.queue]
        experiments = [event for event in waiting if event.concurrency_id == EXPERIMENTS_QUEUE["concurrency_id"]]
        is_one = function is not None and function.concurrency_id == EXPERIMENTS_QUEUE["concurrency_id"]
        own = [event for event in waiting if event.session_hash == body.session_hash]
        return (is_one and len(experiments) >= MOST_EXPERIMENTS) or len(own) >= MOST_OF_ONE

    async def bounded(body: Any, request: Any, username: str | None) -> Any:
        return (False, say("tools_busy"), "queue_full") if full(body) else await push(body, request, username)

    queue.push = bounded  # type: ignore[method-assign]
