"""What a CvT does with a picture, made visible: capture by hooks, summaries, true geometry, pictures."""

from cvt import renamed

from .capture import Capture, capture
from .explore import Exploration, StageExploration, explore

__all__ = ["Capture", "Exploration", "StageExploration", "capture", "explore"]

renamed.keep(
    __name__,
    {
        "attention_maps": "visualize.maps.attention",
        "curves": "visualize.draw.curves",
        "evidence": "visualize.maps.evidence",
        "feature_maps": "visualize.maps.features",
        "geometry": "cvt.architecture.geometry",
        "plots": "visualize.draw.plots",
    },
)
