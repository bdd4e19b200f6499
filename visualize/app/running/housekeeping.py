"""Gives back what visits leave behind, while the server runs."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

import gradio as gr

from ...page.workbench import UNUSED_SECONDS, Workbench

EVERY_SECONDS = 30.0


def forget_sessions(demo: gr.Blocks, now: datetime | None = None) -> int:
    """Forgets the sessions that nobody has used for a while, and returns how many.

    Gradio keeps a copy of the page's settings for each of the last 1,000, long after its tab is closed. Nothing is lost: the page says
    in every choice what it shows.
    """
    holder = demo.state_holder
    limit = (now or datetime.now()) - timedelta(seconds=UNUSED_SECONDS)
    with holder.lock:
        unused = [session for session, used in holder.time_last_used.items() if used <= limit]
        for session in unused:
            holder.session_data.pop(session, None)
            del holder.time_last_used[session]
    return len(unused)


def keep_tidy(demo: gr.Blocks, workbench: Workbench) -> threading.Event:
    """Does so from time to time in a thread, until the event that it returns is set."""
    end = threading.Event()

    def work() -> None:
        while not end.wait(EVERY_SECONDS):
            forget_sessions(demo)
            workbench.tidy()

    threading.Thread(target=work, name="housekeeping", daemon=True).start()
    return end
