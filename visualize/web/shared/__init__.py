"""What the scripts of several components share: elements, text, geometry, drawing, and requests to the server."""

from pathlib import Path

STATIC = Path(__file__).parent
