"""How the page looks, and Gradio's settings, which are conservative."""

from __future__ import annotations

from typing import Any

import gradio as gr
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware

from ..page.gate import Gate
from ..page.intake import MAX_BYTES
from ..page.lessons.api import LessonsApi
from ..page.routes import routes
from ..page.words import head as head_words
from ..page.workbench import Workbench
from ..web import explorer
from ..web.components import styles
from .headers import Headers


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


def launch_settings(workbench: Workbench, lessons: LessonsApi | None = None) -> dict[str, Any]:
    """Conservative settings for ``launch``. ``lessons``: by default the page's own."""
    return {
        # Gradio compresses its scripts; the page itself, 190 kB of templates and styles, it does not
        "app_kwargs": {
            "routes": routes(workbench, lessons),
            "middleware": [Middleware(Headers), Middleware(Gate), Middleware(GZipMiddleware, minimum_size=4096, compresslevel=6)],
        },
        "head": head_words.ICON + explorer.HEAD,
        "css": styles(),
        "theme": theme(),
        "allowed_paths": [],
        "max_file_size": MAX_BYTES,
        "run_history": False,
        "enable_monitoring": False,
        "show_error": False,
        "share": False,
        "state_session_capacity": 1000,
        "footer_links": ["api"],
    }
