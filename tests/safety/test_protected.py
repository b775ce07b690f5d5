"""The table of protected names: each is found in every spelling, and ordinary names are left alone."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from kimi_jupyter.safety.protected import is_secret, protection, strictest

CARD = (
    """
.ipython/profile_default/startup/x.py|.ipython/profile_default/ipython_config.py|.jupyter/custom/custom.js
jupyter_server_config.py|a/jupyter_lab_config.json|jupyter_server_config.d/x.json|etc/jupyter/x.json
.local/share/jupyter/kernels/python3/kernel.json|share/jupyter/lab/settings/overrides.json|conftest.py
share/jupyter/labextensions/x/package.json|tests/conftest.py|sitecustomize.py|lib/usercustomize.py|a/b.pth
pyproject.toml|setup.py|tox.ini|noxfile.py|Makefile|.git|.git/hooks/pre-commit|.git/config|.git/info/attributes
.git/config.worktree|.git/commondir|.git/modules/x/config|.gitmodules|sub/.git|.pre-commit-config.yaml
.github/workflows/ci.yml|.devcontainer/devcontainer.json|.vscode/settings.json|.idea/x.xml|.kimi/x|.claude/x
.cursor/mcp.json|.codex/x|.agents/x|.mcp.json|AGENTS.md|CLAUDE.md|.cursorrules|.bashrc|.bash_profile|.profile
.zshrc|.zshenv|.gitconfig|.config/git/config|.Rprofile|.gdbinit|a/.pdbrc|.cargo/config.toml
""".replace("\n", "|")
    .strip("|")
    .split("|")
)
SECRET = (
    """
.local/share/jupyter/runtime/jpserver-1.json|jupyter_cookie_secret|notebook_secret|nbsignatures.db|.pypirc
.ssh/authorized_keys|.ssh/config|id_rsa|id_ed25519.pub|keys/id_work|server.pem|.env|.env.local|.envrc|a/.env
.netrc|.npmrc|.aws/credentials|.kube/config
""".replace("\n", "|")
    .strip("|")
    .split("|")
)
OURS = [
    ".jupyter/lab/user-settings/kimi-jupyter/settings.jupyterlab-settings",
    ".local/share/jupyter/kimi_jupyter/workspaces/x/tasks/1.jsonl",
    "Library/Jupyter/kimi_jupyter/mcp.json",
]
ORDINARY = (
    """
src/a.py|README.md|data/id_map.csv|environment.yml|env.py|my.environment|notebooks/jupyter/lab1.ipynb|git/hooks.md
Makefile.md|setup_helpers.py|.gitignore|.github/ISSUE_TEMPLATE.md|config|kimi_jupyter/server/rest.py|analysis.ipynb
pem.txt|src/random_forest.py|src/json.py|tests/__init__.py|utils.py
""".replace("\n", "|")
    .strip("|")
    .split("|")
)


@pytest.mark.parametrize("path", CARD)
def test_a_name_that_runs_code_or_configures_is_protected_from_writes(path: str) -> None:
    found = protection(path)
    assert found is not None
    assert (found.read, found.refuse) == (False, False)
    assert found.why.startswith(f"`{path}` is protected: ")
    assert not is_secret(path)


@pytest.mark.parametrize("path", SECRET)
def test_a_name_that_holds_secrets_is_protected_from_reads_too(path: str) -> None:
    found = protection(path)
    assert found is not None
    assert (found.read, found.refuse) == (True, False)
    assert is_secret(path)


@pytest.mark.parametrize("path", OURS)
def test_our_own_settings_and_logs_can_be_changed_by_no_tool(path: str) -> None:
    found = protection(path)
    assert found is not None
    assert found.refuse


@pytest.mark.parametrize("path", ORDINARY)
def test_an_ordinary_name_is_not_protected(path: str) -> None:
    assert protection(path) is None
    assert not is_secret(path)


@pytest.mark.parametrize("path", [*CARD, *SECRET, *OURS])
@pytest.mark.parametrize(
    "spelling",
    [
        str.upper,
        str.title,
        lambda path: "/".join(part + ". ." for part in path.split("/")),
        lambda path: "".join(
            chr(ord(c) + 0xFEE0) if "!" <= c <= "~" and c != "/" else c for c in path
        ),
        lambda path: path.replace("s", "ſ").replace("k", "\u212a"),
        lambda path: "\u200d".join(path),
    ],
    ids=["upper", "title", "dots and spaces", "fullwidth", "look-alikes", "invisible"],
)
def test_b6_another_spelling_does_not_hide_a_name(path: str, spelling: object) -> None:
    assert callable(spelling)
    assert protection(str(spelling(path))) is not None


@pytest.mark.parametrize(
    "path", ["random.py", "json/__init__.py", "pydantic.py", "pydantic/__init__.py"]
)
def test_a_module_that_would_hide_an_installed_one_is_protected_where_the_kernel_starts(
    path: str,
) -> None:
    assert protection(path) is not None
    assert protection(f"work/{path}", folder="work") is not None
    assert protection(f"src/{path}", folder="work") is None


def test_folders_that_the_environment_moved_are_known_by_their_place(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path / "conf"))
    monkeypatch.setenv("JUPYTERLAB_SETTINGS_DIR", str(tmp_path / "lab"))
    found = [
        protection(path, root=tmp_path)
        for path in ("conf/x.js", "lab/kimi-jupyter/settings", "lab/other", "confx/x.js")
    ]
    assert [hit and hit.refuse for hit in found] == [False, True, False, None]


def test_d6_a_program_written_where_commands_are_found_is_asked_about(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A virtual environment in the workspace is on `PATH`: `git` in its `bin` would be run by every command."""
    program = tmp_path / ".venv" / "bin" / "git"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    assert shutil.which("git") == str(program)
    found = protection(".venv/bin/git", root=tmp_path)
    assert found is not None
    assert "programs in that folder are run by their names" in found.why
    assert protection(".venv/bin/sub/git", root=tmp_path) is None
    assert protection("bin/git", root=tmp_path) is None


def test_the_strictest_of_several_names_counts() -> None:
    found = strictest(["notes.txt", ".bashrc", ".env"])
    assert found is not None
    assert found.why == "`.env` is protected: it may hold secrets."
    assert strictest(["notes.txt"]) is None
