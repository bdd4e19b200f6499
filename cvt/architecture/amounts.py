"""Counts and amounts of memory with three digits, for sentences."""

from __future__ import annotations

from collections.abc import Sequence


def in_words(count: int) -> str:
    """A count with three digits: 950, 12.3 thousand, 4.57 billion."""
    return _scaled(count, ((10**12, " trillion"), (10**9, " billion"), (10**6, " million"), (10**3, " thousand")), "")


def in_bytes(count: int) -> str:
    """An amount of memory with three digits: 950 bytes, 12.3 kB, 1.31 GB."""
    return _scaled(count, ((10**12, " TB"), (10**9, " GB"), (10**6, " MB"), (10**3, " kB")), " bytes")


def _scaled(count: int, units: Sequence[tuple[int, str]], smallest: str) -> str:
    for size, name in units:
        if count >= 0.9995 * size:  # what three digits would round up to it
            value = count / size
            digits = 2 if value < 9.995 else 1 if value < 99.95 else 0
            return f"{value:,.{digits}f}{name}"
    return f"{count}{smallest}"
