"""What can be chosen, and the models in memory: loaded when they are asked for, kept within a bound."""

from .loaded import LoadedModel
from .models import Models
from .offers import Offer, best_here

__all__ = ["LoadedModel", "Models", "Offer", "best_here"]
