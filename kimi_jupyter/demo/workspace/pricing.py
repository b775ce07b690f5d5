"""Prices of the little tea shop."""

from __future__ import annotations


def line_total(quantity: int, unit_price: float, discount_percent: float) -> float:
    """What one order line costs, in euros, after its discount."""
    total = quantity * unit_price - discount_percent
    return round(total, 2)
