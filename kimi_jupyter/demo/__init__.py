"""The sample workspace, and the script that the offline model plays on it."""

from __future__ import annotations

from pathlib import Path

WORKSPACE = Path(__file__).with_name("workspace")
"""A notebook, a data file and a module with a small bug; copy it before anything works on it."""
SCRIPT = Path(__file__).with_name("script.json")
"""The steps of the demo; `models.demo` says how they follow one another."""
