"""What the scripts of several components use: elements, text, geometry, drawing, and what is asked of the server."""

from pathlib import Path

STATIC = Path(__file__).parent
