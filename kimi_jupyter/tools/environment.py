"""The environment of commands: what programs need to work, and nothing that holds a secret."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

_LISTED = """
PATH HOME USER LOGNAME SHELL LANG LANGUAGE TZ TMPDIR TMP TEMP HOSTNAME DISPLAY WAYLAND_DISPLAY XAUTHORITY
SSH_AUTH_SOCK VIRTUAL_ENV PYTHONPATH PYTHONHOME PYTHONUTF8 PYTHONIOENCODING PYTHONHASHSEED PYTHONWARNINGS
LD_LIBRARY_PATH DYLD_LIBRARY_PATH LIBRARY_PATH CPATH PKG_CONFIG_PATH MANPATH INFOPATH
HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY FTP_PROXY SSL_CERT_FILE SSL_CERT_DIR REQUESTS_CA_BUNDLE CURL_CA_BUNDLE
GOPATH GOROOT GOBIN CARGO_HOME RUSTUP_HOME JAVA_HOME NODE_PATH NVM_DIR NVM_BIN SPARK_HOME HADOOP_HOME
CC CXX FC CFLAGS CXXFLAGS LDFLAGS MAKEFLAGS DOCKER_HOST
SYSTEMROOT SYSTEMDRIVE WINDIR COMSPEC PATHEXT USERPROFILE USERNAME HOMEDRIVE HOMEPATH APPDATA LOCALAPPDATA
PROGRAMDATA PROGRAMFILES PROGRAMFILES(X86) PROGRAMW6432 COMMONPROGRAMFILES NUMBER_OF_PROCESSORS
PROCESSOR_ARCHITECTURE OS
"""
_FAMILIES = """
LC_ XDG_ CONDA_ MAMBA_ _CE_ PYENV_ UV_ PIP_ POETRY_ CUDA_ NVIDIA_ ROCM_ HIP_ OMP_ MKL_ OPENBLAS_ NUMEXPR_ VECLIB_
NUMBA_ TORCH_ TF_ JAX_ XLA_ KERAS_ HF_ TRANSFORMERS_ R_ JULIA_ GDAL_ PROJ_ PYSPARK_ SLURM_ OMPI_ MPI_ NCCL_
"""
_NAMES = frozenset(_LISTED.split())
_STARTS = tuple(_FAMILIES.split())
_LIBRARIES = frozenset(["LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"])
_SECRET = re.compile(
    r"TOKEN|SECRET|KEY|PASSW|PASSPHRASE|CREDENTIAL|AUTH(?!ORITY|_SOCK)|COOKIE|^JUPYTER|^JPY|MOONSHOT|KIMI"
)
_USERINFO = re.compile(r"://[^/\s@]+@")
_FIXED = {
    "PAGER": "cat",
    "MANPAGER": "cat",
    "GIT_PAGER": "cat",
    "LESS": "-R",
    "NO_COLOR": "1",
    "TERM": "dumb",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",  # a look does not write the index, which would start a hook
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "core.fsmonitor",  # a program that a repository starts at every look
    "GIT_CONFIG_VALUE_0": "false",
    "PYTHONUNBUFFERED": "1",
    "PIP_PROGRESS_BAR": "off",
    "PIP_NO_INPUT": "1",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "TQDM_DISABLE": "1",
    "MPLBACKEND": "Agg",
    "DEBIAN_FRONTEND": "noninteractive",
}


def for_commands(environ: Mapping[str, str], *, python: str | None = None) -> dict[str, str]:
    """The environment for a command, made from the host's: names on the list only, never one that looks like a secret.

    The host's own Python comes first on `PATH` where it is not on it, and relative folders leave it; they leave the places
    of libraries too, where an empty one means the folder in which a program happens to run.
    """
    kept = {
        name: value
        for name, value in environ.items()
        if _is_wanted(name.upper()) and not _USERINFO.search(value)
    }
    for name in _LIBRARIES & kept.keys():
        kept[name] = os.pathsep.join(_absolute(kept[name]))
    kept["PATH"] = _search_path(environ.get("PATH", os.defpath), python or sys.executable)
    return kept | _FIXED


def _is_wanted(name: str) -> bool:
    if _SECRET.search(name):
        return False
    return name in _NAMES or name.startswith(_STARTS)


def _absolute(path: str) -> list[str]:
    return [folder for folder in path.split(os.pathsep) if Path(folder).is_absolute()]


def _search_path(path: str, python: str) -> str:
    folders = _absolute(path)
    own = str(Path(python).parent)
    if python and own not in folders:
        folders.insert(0, own)
    return os.pathsep.join(folders)
