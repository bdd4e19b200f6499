"""Compares this project with the alternatives in paired rounds: ``python -m benchmarks``."""
