"""The environment of commands: a list of what passes, and secrets that never do."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from kimi_jupyter.tools.environment import for_commands


@pytest.mark.parametrize(
    "name",
    [
        "HOME",
        "LANG",
        "LC_ALL",
        "TMPDIR",
        "VIRTUAL_ENV",
        "CONDA_PREFIX",
        "CONDA_DEFAULT_ENV",
        "LD_LIBRARY_PATH",
        "PYTHONPATH",
        "CUDA_VISIBLE_DEVICES",
        "OMP_NUM_THREADS",
        "HF_HOME",
        "HTTPS_PROXY",
        "SSH_AUTH_SOCK",
        "XDG_CACHE_HOME",
        "R_LIBS_USER",
        "UV_CACHE_DIR",
    ],
)
def test_what_data_work_needs_is_kept(name: str) -> None:
    assert for_commands({name: "/x"})[name] == "/x"


@pytest.mark.parametrize(
    "name",
    [
        "MOONSHOT_API_KEY",
        "JUPYTER_TOKEN",
        "JUPYTERHUB_API_TOKEN",
        "JPY_API_TOKEN",
        "AWS_SECRET_ACCESS_KEY",
        "GITHUB_TOKEN",
        "HF_TOKEN",
        "UV_PUBLISH_TOKEN",
        "PIP_PASSWORD",
        "CONDA_API_KEY",
        "POETRY_HTTP_BASIC_X_PASSWORD",
        "TF_VAR_db_password",
        "OPENAI_API_KEY",
        "BASH_ENV",
        "ENV",
        "LD_PRELOAD",
        "PYTHONSTARTUP",
        "SOMETHING_ELSE",
        "KIMI_JUPYTER_OFFLINE",
        "R_AUTH",
        "NODE_OPTIONS",
    ],
)
def test_e4_what_may_hold_a_secret_or_runs_code_is_dropped(name: str) -> None:
    assert name not in for_commands({name: "canary"})


def test_a_url_with_credentials_is_dropped() -> None:
    kept = for_commands(
        {"PIP_INDEX_URL": "https://me:pw@host/x", "HTTP_PROXY": "http://proxy:3128"}
    )
    assert "PIP_INDEX_URL" not in kept
    assert kept["HTTP_PROXY"] == "http://proxy:3128"


def test_d6_the_search_path_has_our_python_and_no_relative_folder() -> None:
    path = os.pathsep.join(["", ".", "bin", "/usr/bin"])
    own = str(Path(sys.executable).parent)
    assert for_commands({"PATH": path})["PATH"].split(os.pathsep) == [own, "/usr/bin"]
    later = os.pathsep.join(["/usr/bin", own])
    assert for_commands({"PATH": later})["PATH"] == later


def test_programs_do_not_wait_for_a_person_or_draw() -> None:
    kept = for_commands({"TERM": "xterm", "PAGER": "less", "MPLBACKEND": "module://inline"})
    assert (kept["TERM"], kept["PAGER"], kept["MPLBACKEND"]) == ("dumb", "cat", "Agg")
    assert kept["GIT_TERMINAL_PROMPT"] == "0"
