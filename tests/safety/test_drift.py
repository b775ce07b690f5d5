"""Which commands may run or load a file that the task wrote, and which can't."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from kimi_jupyter.safety.drift import is_cache, may_run
from kimi_jupyter.tools.environment import for_commands


@pytest.mark.parametrize(
    ("command", "written"),
    [
        ("pytest -q", "tests/conftest.py"),
        ("pytest -q", "src/app.py"),
        ("python x.py", "x.py"),
        ("python -m tool", "tool/__main__.py"),
        ("make", "Makefile"),
        ("make", "rules/common.inc"),
        ("npm test", "package.json"),
        ("npm test", "lib/a.js"),
        ("node x", "x"),
        ("tox", "tox.ini"),
        ("cargo test", "build.rs"),
        ("cmake .", "CMakeLists.txt"),
        ("pip install -r requirements.txt", "requirements.txt"),
        ("some-tool", "anything"),
        ("bash notes.md", "notes.md"),
        ("bash ./docs/notes.md", "docs/notes.md"),
        ("bash n*.md", "notes.md"),
        ("bash {notes,x}.md", "notes.md"),
        ("bash --file=notes.md", "notes.md"),
        ("bash 'notes.md'", "notes.md"),
        ("bash <notes.md", "notes.md"),
        ("bash no''tes.md $(cat x) notes.md", "notes.md"),
        ("./run.sh", "run.sh"),
        ("ls", "bin/ls"),
        ("git status", "venv/bin/git"),
        ("/bin/ls", "ls"),
        ("venv/bin/ls", "src/a.py"),
        ("ls && python x.py", "x.py"),
        ("git status; make", "a.mk"),
        ("git commit -m x", "hooks/a.py"),
        ("git -c core.pager=x log", "x"),
        ("git log --ext-diff", "tool.sh"),
        ("git status", ".git/config"),
        ("git diff", "sub/.gitattributes"),
        ("rg --pre ./x.sh a", "x.sh"),
        ("rg '--pre' x a", "b"),
        ("sort --compress-program=./x.sh a", "x.sh"),
        ("find . -exec x {} +", "x.sh"),
        ("ls $(python x.py)", "x.py"),
        ("env ls", "a.py"),
        ("awk -f a.awk", "a.awk"),
    ],
)
def test_d5_a_command_may_run_what_was_written(command: str, written: str) -> None:
    assert may_run(command, [written]) == written


@pytest.mark.parametrize(
    "command",
    ["git status", "git log --format='%H' -3", "git diff HEAD~1 -- a.py", "ls -la | head -5",
     "cat a.py Makefile", "cd src && grep -rn x . | wc -l", "rg --json x a.py", "sort -u a.txt", "find . -name a.py",
     "echo a.py; pwd"],
)  # fmt: skip
def test_d5_a_program_that_only_reads_runs_nothing_of_the_workspace(command: str) -> None:
    written = ["a.py", "Makefile", "src/conftest.py", "package.json", "a.txt", ".env", "x.sh"]
    assert may_run(command, written) is None


@pytest.mark.parametrize("command", ["pytest -q", "make", "python x.py", "./run.sh"])
def test_d5_plain_data_that_is_not_named_is_not_run(command: str) -> None:
    assert may_run(command, ["README.md", "data/a.csv", "plots/b.png"]) is None
    assert may_run(command, []) is None


def test_what_a_run_of_tests_leaves_behind_is_a_cache() -> None:
    left = ["a/__pycache__/x.pyc", ".pytest_cache/v/cache/lastfailed", ".coverage"]
    assert all(map(is_cache, left))
    assert not any(map(is_cache, ["pytest_cache/x", "__pycache__", "a/x.pyc", "src/.coverage.py"]))


def test_d5_a_monitor_in_the_repository_is_not_started_by_git(tmp_path: Path) -> None:
    """`.git/config` may name a program that every `git status` starts."""
    environ = {**for_commands(os.environ), "HOME": str(tmp_path)}
    naive = {"PATH": environ["PATH"], "HOME": str(tmp_path)}
    mark = tmp_path / "started"
    monitor = tmp_path / "monitor.sh"
    monitor.write_text(f"#!/bin/sh\ntouch '{mark}'\nexit 1\n")
    monitor.chmod(0o755)
    hook = tmp_path / "repo" / ".git" / "hooks" / "post-index-change"
    git(["init", "-q", str(tmp_path / "repo")], naive)
    (tmp_path / "repo" / "a").write_text("a")
    inside = ["-C", str(tmp_path / "repo")]
    git([*inside, "add", "a"], naive)
    git([*inside, "config", "core.fsmonitor", str(monitor)], naive)
    hook.write_text(f"#!/bin/sh\ntouch '{mark}'\n")
    hook.chmod(0o755)
    (tmp_path / "repo" / "a").touch()
    git([*inside, "status"], naive)
    assert mark.exists(), "the danger did not show"
    mark.unlink()
    os.utime(tmp_path / "repo" / "a", (1, 1))
    git([*inside, "status"], environ)
    assert not mark.exists()


def git(arguments: list[str], environ: dict[str, str]) -> None:
    subprocess.run(["git", *arguments], env=environ, check=True, capture_output=True, timeout=20)
