"""What ``python -m cvt.train`` and ``python -m cvt.evaluate`` are made of; the model itself needs none of it."""
