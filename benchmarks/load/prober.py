"""One more person who only moves a slider, in a process of their own: there, nobody else's work delays the clock."""

from __future__ import annotations

import time
from typing import Any

import httpx

PAUSE = 0.05  # seconds between two moves


def moves(address: str, slider: tuple[list[dict[str, Any]], list[Any]], seconds: float) -> tuple[list[float], int]:
    """Moves it for so long; returns the seconds of each move, and how many answers were wrong."""
    asked, answers = slider
    taken, wrong, until = [], 0, time.monotonic() + seconds
    with httpx.Client(base_url=address, timeout=120) as page:
        while time.monotonic() < until:
            number = len(taken) % len(asked)
            begun = time.perf_counter()
            found = page.post("laboratory/describe", json=asked[number]).json()
            taken.append(time.perf_counter() - begun)
            wrong += found != answers[number]
            time.sleep(PAUSE)
    return taken, wrong
