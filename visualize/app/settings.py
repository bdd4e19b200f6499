"""How the page looks, and Gradio's settings, which are conservative."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import gradio as gr
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware

from ..page.gate import Gate
from ..page.intake import MAX_BYTES
from ..page.lessons.api import LessonsApi
from ..page.routes import routes
from ..page.words import head as head_words
from ..page.workbench import Line, Workbench
from ..web import explorer
from ..web.components import styles
from .compression import BrotliPages
from .headers import Headers
from .line import MOST_WAITING, TOLD_SECONDS, bound_line
from .running.uploads import forget_broken_uploads
from .running.visitor import Visitor


def theme() -> gr.themes.Base:
    """One neutral surface and one accent, as in the explorer, with secondary text dark enough to read."""
    look = gr.themes.Default(
        primary_hue="blue",
        neutral_hue="gray",
        font=["system-ui", "sans-serif"],
        font_mono=["ui-monospace", "monospace"],
        radius_size="none",
    )
    return look.set(
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_300",
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_300",
        block_label_text_color="*neutral_700",
        block_label_text_color_dark="*neutral_200",
        slider_color="#0757c2",
        slider_color_dark="#79b4ff",
        color_accent="#0757c2",
    )


def queued(demo: gr.Blocks, workbench: Workbench) -> gr.Blocks:
    """The page with its queue of events, whose length the workbench knows."""
    # at the rate "auto" all who wait would be told of each event that begins: with 50 people a sixth of the server's work
    demo.queue(max_size=MOST_WAITING, status_update_rate=TOLD_SECONDS, api_open=False)  # or calls to /run would bypass the queue
    queue = demo._queue
    queue.sleep_when_free = 0.01  # seconds; Gradio looks every millisecond, for ever, and nobody can tell
    queue.ANALYTICS_MAX_EVENTS = 0  # it would sum up the last 10,000 events after each, for a page that is switched off
    bound_line(demo)
    workbench.line = Line(lambda: len(queue), MOST_WAITING)
    return demo


def launch_settings(workbench: Workbench, lessons: LessonsApi | None = None) -> dict[str, Any]:
    """Conservative settings for ``launch``. ``lessons``: by default the page's own."""
    lending = [Middleware(Visitor)] if workbench.lent else []
    return {
        # Gradio compresses its scripts; the page itself, 450 kB of templates, styles and descriptions, it does not
        "app_kwargs": {
            "routes": routes(workbench, lessons),
            "middleware": [
                Middleware(Headers),
                Middleware(Gate, make_room=forget_broken_uploads),
                *lending,
                Middleware(GZipMiddleware, minimum_size=4096, compresslevel=6),
                Middleware(BrotliPages),
            ],
        },
        "head": head_words.ICON + explorer.HEAD,
        "css": styles(),
        "theme": theme(),
        "allowed_paths": [],
        "max_file_size": MAX_BYTES,
        "run_history": False,
        "mcp_server": find_spec("mcp") is not None,  # the endpoints as tools for agents, see agents.py
        "enable_monitoring": False,
        "show_error": False,
        "share": False,
        "ssr_mode": False,  # on a Space Gradio would start Node to draw the page a second time
        "state_session_capacity": 1000,
        "footer_links": ["api"],
    }
