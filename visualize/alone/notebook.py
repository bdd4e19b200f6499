"""The explorer in a notebook: a widget where anywidget is installed, else a page of its own in a frame."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cvt.model import CvtForImageClassification
from cvt.pictures import OpenedPicture, PictureSource
from cvt.processor import CvtImageProcessor

from ..change.interventions import Intervention, Means
from ..explore import Exploration
from .shown import Shown, Shows

if TYPE_CHECKING:
    from .widget import ExplorerWidget

HEIGHT = 900  # pixels of a frame: what is higher scrolls


def show(
    model: CvtForImageClassification,
    processor: CvtImageProcessor,
    picture: PictureSource | OpenedPicture,
    interventions: Sequence[Intervention] = (),
    means: Means | None = None,
) -> ExplorerWidget | Frame:
    """Shows what the model does with a picture, in Jupyter, VS Code, Colab and marimo (there within ``mo.ui.anywidget``).

    With anywidget (``pip install ".[notebook]"``) the result is an ``ExplorerWidget``: what is chosen in it can be read and
    set, as ``stage``, ``block``, ``head``, ``token`` and ``layer``, which count from 0, and ``explore(picture)`` shows another picture.
    Without it, the result is a ``Frame``: the same picture and maps, of which Python sees nothing.

    Args:
        model: in evaluation mode. picture: anything ``read_picture`` takes, or its result.
        interventions: parts of the model to replace. means: as for ``intervened``.
    Raises:
        UnreadablePicture: a picture that cannot be used. ValueError: as ``explore``, or NaN or infinity in the model's results.
    """
    shows = Shows(model, processor, tuple(interventions), means)
    shown = shows.show(picture)
    try:
        from .widget import ExplorerWidget
    except ImportError as error:
        if error.name not in ("anywidget", "traitlets"):
            raise
        return Frame(shows, shown)
    return ExplorerWidget(shows, shown)


class Frame:
    """A page of its own in a frame, for notebooks without anywidget; it can do nothing to the notebook around it."""

    def __init__(self, shows: Shows, shown: Shown):
        self._shows, self._shown = shows, shown

    @property
    def exploration(self) -> Exploration:
        """What is shown, as ``visualize.explore`` gives it."""
        return self._shown.exploration

    def explore(self, picture: PictureSource | OpenedPicture) -> None:
        """Takes another picture, which is there when this is displayed again. Raises as ``explore``."""
        self._shown = self._shows.show(picture)

    def _repr_html_(self) -> str:
        page = html.escape(self._shown.page().decode())
        style = f"width: 100%; height: {HEIGHT}px; border: 0; resize: vertical"
        return f'<iframe title="CvT Explorer" sandbox="allow-scripts allow-downloads" style="{style}" srcdoc="{page}"></iframe>'
