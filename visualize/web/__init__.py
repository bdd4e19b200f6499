"""The browser's scripts and templates; they talk to the page's server only by HTTP."""

from pathlib import Path

FOLDER = Path(__file__).parent  # of all scripts
