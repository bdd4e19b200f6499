"""Shows what a CvT does with a picture: captures, maps, geometry and drawings."""

from importlib import import_module
from typing import TYPE_CHECKING

from cvt import renamed

from .capture import Capture, capture
from .explore import Exploration, StageExploration, explore

if TYPE_CHECKING:
    from .alone.notebook import show

__all__ = ["Capture", "Exploration", "StageExploration", "capture", "explore", "show"]

renamed.keep(
    __name__,
    {
        "attention_maps": "visualize.maps.attention",
        "curves": "visualize.draw.curves",
        "evidence": "visualize.maps.evidence",
        "feature_maps": "visualize.maps.features",
        "geometry": "cvt.architecture.geometry",
        "page.model": "visualize.page.models.loaded",
        "plots": "visualize.draw.plots",
    },
)


def __getattr__(name: str):
    if name != "show":  # which needs far more than the rest, and notebooks alone use
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value = import_module(".alone.notebook", __name__).show
    return value
