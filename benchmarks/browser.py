"""The browser for measuring the page."""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec

CHROMIUM = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def missing() -> str | None:
    """Why the page cannot be measured here, as a sentence; None if it can."""
    if CHROMIUM is None or find_spec("playwright") is None:
        return "The page was not measured: it needs Chromium, and pip install -r tests/requirements.txt."
    return None
