"""A family of small CvTs, each trained without one part: ``python -m cvt.ablations`` trains, measures and compares them.

One trained model of each member is part of this project: ``load("no-overlap")``; ``table()`` has what was measured.
"""

from .shipped import SOURCES, load, table

__all__ = ["SOURCES", "load", "table"]
