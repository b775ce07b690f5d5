"""What a task is given by the runtime: everything that it needs from the outside, and nothing else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from kimi_jupyter.agent.tool import Tool
from kimi_jupyter.history.checkpoints import Checkpoints
from kimi_jupyter.models.provider import ModelInfo, Provider
from kimi_jupyter.protocol.settings import Settings
from kimi_jupyter.safety.paths import Workspace

AnyTool = Tool[Any]
"""A tool whose parameters are known to itself only; the gate validates them before it calls."""

Change = Literal["asks", "tasks"]


@dataclass(frozen=True, slots=True)
class Environment:
    """What the system prompt says about the place where the agent works."""

    workspace_name: str
    """Name of the workspace folder, without its parents."""
    system: str
    """Operating system, such as `Linux 6.1`."""
    shell: str
    """The shell that runs commands, such as `bash`."""
    host: Literal["server", "kernel"] = "server"
    """Whether a Jupyter server carries the agent, or a kernel that has none."""
    python: str = ""
    """Python version of the host, such as `3.12.4`."""


@dataclass(frozen=True, slots=True)
class Services:
    """The runtime's side of every task; all callables are called on the event loop."""

    workspace: Workspace
    logs: Path
    """A folder outside the workspace for full command logs (0700)."""
    environment: Environment
    tools: Sequence[AnyTool]
    """In the order in which the model is told of them; the order never changes while a task is open."""
    settings: Callable[[], Settings]
    """The settings as they are now."""
    provider_for: Callable[[str], Provider]
    """The provider that serves a model id; makes no request."""
    models: Callable[[], Sequence[ModelInfo]]
    """The models that are known now (live list, else the bundled one, and the offline one); makes no request."""
    remember_command: Callable[[str], Awaitable[None]]
    """Append a pattern to `kimi.autoApprove.commands`; raises `KimiError` where it can't."""
    secrets: Callable[[], Sequence[str]] = lambda: ()
    """What must never reach the model, the log or the screen, such as the API key."""
    notify: Callable[[Change, str], None] = lambda what, task: None
    """Tell the host that a task's open asks, or its line in the list, changed (`what`, task id)."""
    checkpoints: Checkpoints | None = None
    """The task's images of the files that it changed; `None` keeps none, and a rewind then leaves files alone."""
