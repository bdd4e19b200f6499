"""All that the scripts of the page say: ``sentences`` has the words, the others choose among them by values."""

from pathlib import Path

STATIC = Path(__file__).parent
