"""What the endpoints' functions need of the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..laboratory.api import LaboratoryApi
from ..lessons.api import LessonsApi
from ..requests import Request
from ..workbench import Result, Workbench


@dataclass(frozen=True)
class Services:
    """The first argument of every endpoint's function."""

    workbench: Workbench
    laboratory: LaboratoryApi
    lessons: LessonsApi

    def explored(self, picture: str, model: str, architecture: Mapping[str, Any] | None = None, also: tuple[int, ...] = ()) -> Result:
        """The result for the picture of the model, or of its variant in another ``architecture``; ``also``: as in ``Request``.

        Raises ValueError.
        """
        if architecture:
            request = self.laboratory.requested({**architecture, "model": model})[1].with_picture(picture, also)
        else:
            request = Request(model=self.workbench.loaded(model).name, picture=picture, also=also)
        return self.workbench.found(request) or self.workbench.explore(request)


def rounded(values: Any, digits: int = 5) -> Any:
    """An array as lists of numbers for JSON; a number as a number."""
    return np.asarray(values, dtype=float).round(digits).tolist()
