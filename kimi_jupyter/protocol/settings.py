"""The settings, as JupyterLab's settings editor, the server and the kernel read them from one file."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field

from kimi_jupyter.protocol.base import Data, Mode

PLUGIN = "kimi-jupyter:settings"
"""Id under which JupyterLab's settings registry keeps them: `kimi-jupyter/settings.jupyterlab-settings`."""


class Settings(Data):
    """All settings; the field's alias is the name in the file."""

    model_config = ConfigDict(extra="ignore", populate_by_name=True)

    display_name: str = Field("", alias="kimi.displayName", title="Display name")
    """Your name, shown in the chat header; display only."""
    model: str = Field("kimi-k2.6", alias="kimi.model", title="Model")
    """Moonshot model id that new tasks start with."""
    thinking: Literal["on", "off"] = Field("on", alias="kimi.thinking", title="Thinking")
    """Whether the model reasons before it answers; only `kimi-k2.6` can do without, the others always think."""
    mode: Mode = Field("ask", alias="kimi.mode", title="Approval mode")
    """Ask permission, accept edits, plan or bypass permissions."""
    max_turns: int = Field(25, alias="kimi.maxTurns", title="Turn limit", ge=1, le=1000)
    """How many requests the agent may make for one message before it stops."""
    max_task_tokens: int = Field(
        500_000, alias="kimi.maxTaskTokens", title="Task token limit", ge=1000
    )
    """Uncached input plus output of a whole task, in tokens, before it stops."""
    max_task_cost: float | None = Field(
        None, alias="kimi.maxTaskCost", title="Task cost limit", ge=0
    )
    """Estimated USD of a whole task; before a request that may go beyond it you are asked. Empty for no limit."""
    auto_approve_read: bool = Field(True, alias="kimi.autoApprove.read", title="Auto-approve reads")
    """Reading, listing and searching files asks for nothing."""
    auto_approve_write: bool = Field(
        False, alias="kimi.autoApprove.write", title="Auto-approve writes"
    )
    """`write_file` and `apply_diff` ask for nothing; the same effect as the mode Accept edits."""
    auto_approve_commands: tuple[str, ...] = Field(
        (), alias="kimi.autoApprove.commands", title="Auto-approved commands"
    )
    """Regular expressions; a command that one of them matches in full asks for nothing. Not a sandbox."""
    input_per_million: float | None = Field(
        None, alias="kimi.pricing.inputPerMillion", title="Input price", ge=0
    )
    """USD per million input tokens, for the cost estimate only; empty for the bundled price."""
    output_per_million: float | None = Field(
        None, alias="kimi.pricing.outputPerMillion", title="Output price", ge=0
    )
    """USD per million output tokens, for the cost estimate only; empty for the bundled price."""
    base_url: str = Field("", alias="kimi.baseUrl", title="API base URL")
    """`https://api.moonshot.ai/v1` where empty; `https://api.moonshot.cn/v1` for keys of the Chinese site."""
    instructions_enabled: bool = Field(
        True, alias="kimi.instructions.enabled", title="KIMI2.6 Instructions"
    )
    """Give the model the block of instructions below."""
    instructions_text: str = Field("", alias="kimi.instructions.text", title="Instructions")
    """Your own text of that block; empty for the bundled one."""
    instruction_files: bool = Field(
        True, alias="kimi.instructions.files", title="Workspace instructions"
    )
    """Give the model the workspace's own `AGENTS.md` and `KIMI.md` with each message."""
    unattended: Literal["plan", "deny"] = Field(
        "plan", alias="kimi.unattended", title="Unattended runs"
    )
    """What `%%kimi` does where nobody can answer (nbconvert, papermill): plan mode, or refuse to start."""
