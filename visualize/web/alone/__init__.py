"""The explorer in a page of one file, and in a notebook's cell: templates and styles, and the scripts that only these have.

In a file ``boot.js`` runs first and unpacks the others, of which ``file.js`` is the entry; ``visualize/alone/file.py`` packs them.
In a cell the entry is ``notebook.js``, which the widget in ``visualize/alone/widget.py`` brings.
"""

from pathlib import Path

from .. import breaking, explorer

STATIC = Path(__file__).parent
BOOT, ENTRY = "alone/boot.js", "alone/file.js"
CSS = explorer.CSS + breaking.CSS + (STATIC / "file.css").read_text(encoding="utf-8")
FILE_HTML = explorer.with_explorers((STATIC / "file.html").read_text(encoding="utf-8"), {"file": ""})
CELL, CELL_CSS = "alone/notebook.js", explorer.CSS + (STATIC / "cell.css").read_text(encoding="utf-8")
CELL_HTML = explorer.picture_html("cell") + explorer.panels_html("cell")
