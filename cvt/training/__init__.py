"""The parts of ``python -m cvt.train`` and ``python -m cvt.evaluate``; the model itself does not need them."""
