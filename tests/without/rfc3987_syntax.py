"""Nothing, for the programs that tests start: they need not load what tests/conftest.py speaks of."""

raise ImportError
