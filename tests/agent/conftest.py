"""A desk that is cleared after the test, and whose requests kept their prefix."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.agent.desk import Desk


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncGenerator[Callable[..., Desk]]:
    """Makes desks; their tasks are closed at the end."""
    made: list[Desk] = []

    def make(*args: Any, **options: Any) -> Desk:
        made.append(Desk(tmp_path, *args, **options))
        return made[-1]

    yield make
    for one in made:
        await one.task.close()
    for one in made:
        one.check_prefixes()
