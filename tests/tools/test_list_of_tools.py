"""The list of tools, as the model is told of it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from kimi_jupyter.agent.services import AnyTool
from kimi_jupyter.models.schema import tool_schema
from kimi_jupyter.tools import ALL


def test_the_tools_are_listed_in_a_fixed_order_with_their_kinds() -> None:
    assert [(tool.name, tool.kind) for tool in ALL] == [
        ("read_file", "read"),
        ("list_files", "read"),
        ("search_files", "read"),
        ("write_file", "write"),
        ("apply_diff", "write"),
        ("execute_command", "command"),
        ("read_output", "read"),
        ("stop_command", "stop"),
        ("todo", "note"),
        ("ask_user", "question"),
    ]


@pytest.mark.parametrize("tool", ALL, ids=[tool.name for tool in ALL])
def test_every_parameter_is_described_to_the_model(tool: AnyTool) -> None:
    assert len(tool.description) > 200
    properties = tool_schema(tool.params)["properties"]
    assert properties
    assert all(field.get("description") for field in properties.values())


def test_the_tools_import_nothing_heavy() -> None:
    program = (
        "import sys, kimi_jupyter.tools\n"
        "print([m for m in ('openai', 'mcp', 'keyring', 'nbformat', 'httpx', 'jupyter_server') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30
    )
    assert done.stdout.strip() == "[]"
