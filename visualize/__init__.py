"""What a CvT does with a picture, made visible: capture by hooks, summaries, true geometry, pictures."""

from .capture import Capture, capture
from .explore import Exploration, StageExploration, explore

__all__ = ["Capture", "Exploration", "StageExploration", "capture", "explore"]
