"""Many people at once: ``python -m benchmarks.load``. See README.md in the folder above."""
