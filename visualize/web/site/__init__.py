"""The page without a server: its shell, and the scripts that answer what the page's components ask.

``visualize/site`` writes it. The components are the same files as on the page with a server, mounted by the same ``mount``; ``main.js``
does what that page's host does, and ``answers.js`` what its server does, as far as a browser can.
"""

from __future__ import annotations

from pathlib import Path

STATIC = Path(__file__).parent
CSS = (STATIC / "site.css").read_text(encoding="utf-8")
SHELL = (STATIC / "index.html").read_text(encoding="utf-8")
OWN_HTML = (STATIC / "own.html").read_text(encoding="utf-8")  # below the chooser
