"""Run all measurements, or those that are named, and print one table: python -m benchmarks [load_time ...]."""

from __future__ import annotations

import importlib
import sys
import traceback

from benchmarks.report import Row, table

ALL = ("load_time", "provider_cpu", "stream_ui", "mentions", "search", "edit", "history", "cache")


def main() -> int:
    """1 only where a measurement itself broke; a missed limit is shown, not punished."""
    rows: list[Row] = []
    broken: list[str] = []
    for name in sys.argv[1:] or ALL:
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        try:
            rows += importlib.import_module(f"benchmarks.{name}").measure()
        except Exception:
            traceback.print_exc()
            broken.append(name)
    print(table(rows))
    if broken:
        print(f"\nbroke: {', '.join(broken)}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
