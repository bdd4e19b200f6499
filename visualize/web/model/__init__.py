"""The model in the browser: scripts that run the files of ``visualize/site/model_files.py``, in a worker or in Node."""

from pathlib import Path

STATIC = Path(__file__).parent
