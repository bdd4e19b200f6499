"""The scripts' text: ``sentences`` has all of it, the other modules choose from it by values."""

from pathlib import Path

STATIC = Path(__file__).parent
