"""What the page shows of a result as a page of one file, with what was measured of it in "Break it"."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from ...alone.file import MAX_BYTES, Place, TooLarge, page
from ..compute import compute_inside
from ..results import StoredResult
from ..words.sentences import Refused
from ..workbench import Workbench
from .asked import whole

ASKED_BYTES = 1 << 17  # of a request; the losses of a CvT-W24 take about 50,000


def page_file(workbench: Workbench, key: str, asked: Any) -> bytes:
    """The file of the result with this key.

    Args:
        asked: objects as ``visualize.alone.file.page`` takes them: ``value``, what the page says of the result; ``state``, its choices;
            ``made``, what was measured, or null. They come back in the file, to the person who sent them, and are kept nowhere.
    Raises:
        KeyError: the result is no longer stored. ValueError: not such objects, or the result is too large for a file.
    """
    stored = workbench.store.get(key)
    value, state, made = map(asked.get, ("value", "state", "made")) if isinstance(asked, Mapping) else (None, None, None)
    if not isinstance(value, Mapping) or not isinstance(state, Mapping) or not isinstance(made, Mapping | None):
        raise Refused("not_a_question")
    insides = _insides(workbench, stored, state)
    try:
        return page(stored.exploration, value, state, insides, made, max_bytes=MAX_BYTES, device=workbench.device)
    except TooLarge as error:
        raise Refused("page_too_large") from error
    except (ValueError, RecursionError) as error:  # a number that JSON does not have, or too many lists in each other
        raise Refused("not_a_question") from error


def _insides(workbench: Workbench, stored: StoredResult, state: Mapping[str, Any]) -> Iterator[tuple[Place, bytes]]:
    """The inside of the chosen block, if there is one, and its model has one: those that pad in a circle have none."""
    stages = stored.exploration.stages
    with suppress(LookupError, TypeError, ValueError):
        stage = whole(state, "stage", 0, len(stages) - 1)
        block = whole({"block": state["blocks"][stage]}, "block", 0, len(stages[stage].blocks) - 1)
        yield (stage, block), compute_inside(stored.request, stored.exploration, workbench, stage, block)
