"""Compares the prices that `pricing.py` computes with what the customers really paid."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

from pricing import line_total

SALES = Path(__file__).with_name("sales.csv")


def main() -> int:
    """Print the orders whose price is wrong; the answer is the exit code."""
    wrong = 0
    revenue = 0.0
    with SALES.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        total = line_total(
            int(row["quantity"]), float(row["unit_price"]), float(row["discount_percent"])
        )
        revenue += total
        if abs(total - float(row["paid"])) > 0.005:
            wrong += 1
            if wrong <= 3:
                print(f"order {row['order']}: computed {total:.2f}, paid {row['paid']}")
    print(f"{len(rows)} orders checked, {wrong} wrong, revenue {revenue:.2f} EUR")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
