"""Measurements beside baselines, in one run: `python -m benchmarks <name>`."""
