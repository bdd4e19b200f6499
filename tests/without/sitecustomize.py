"""Python runs this when it starts, in programs that have this folder on their path, and tests/conftest.py imports it."""

import gc

gc.set_threshold(20_000, 20, 50)  # Python's own numbers look for garbage after every 700 objects, a twelfth of the time of tests
