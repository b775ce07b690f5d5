"""A simulated Moonshot API, as strict as what is known of the real one.

In an async test:

    async with Moonshot([Reply("Hi", reasoning="..."), script.overloaded(), "short form"]) as api:
        provider = KimiProvider(base_url=api.url, key=key)
        ...
        assert api.bodies[0]["messages"] == [...]

In a process of its own, beside a real Jupyter server:

    with moonshot_process("--chunks-per-second", "0") as api:
        api.set_script([{"content": "Hi", "tool_calls": [{"name": "read_file", "arguments": {"path": "a.py"}}]}])
        api.url, api.bodies(), api.sent()

By hand: `python -m tests.moonshot`, then `MOONSHOT_BASE_URL=<what it prints> MOONSHOT_API_KEY=sk-any jupyter lab`.
"""

from __future__ import annotations

from tests.moonshot.checks import Switches
from tests.moonshot.process import MoonshotProcess, moonshot_process
from tests.moonshot.script import Call, Failure, Reply, call
from tests.moonshot.server import Moonshot

__all__ = [
    "Call",
    "Failure",
    "Moonshot",
    "MoonshotProcess",
    "Reply",
    "Switches",
    "call",
    "moonshot_process",
]
