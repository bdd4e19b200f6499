"""Ratios against what a user would run otherwise, measured side by side: ``python -m benchmarks``."""
