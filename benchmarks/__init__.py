"""Measurements: ours and a peer or the physical limit, side by side in one run.

Each module offers `def measure() -> list[Row]` (`benchmarks.report`) and runs by itself with `python -m`.
"""
