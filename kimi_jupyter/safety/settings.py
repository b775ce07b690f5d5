"""The settings as JupyterLab's settings editor keeps them: one file of the user, under it what administrators set."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from kimi_jupyter.protocol.errors import SettingsError
from kimi_jupyter.protocol.settings import PLUGIN, Settings
from kimi_jupyter.safety.allowlist import MOST_PATTERNS, lint
from kimi_jupyter.safety.json_edit import with_item

COMMANDS = "kimi.autoApprove.commands"
_ALIASES = {str(field.alias): name for name, field in Settings.model_fields.items()}
_SETTLE_SECONDS = 2.0
"""JupyterLab writes the file in place: one that changed this recently may be half written."""
_STRICTEST: dict[str, Any] = {"kimi.autoApprove.write": False, COMMANDS: []}
_Values = dict[str, Any]
_Mark = tuple[tuple[str, int, int], ...]


class SettingsFile:
    """Reads the settings whenever a file of theirs has changed; never raises for what stands in them.

    A file that can't be read means the defaults and the mode `ask`; a value that can't be used means the default of its key.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        overrides: Path | None = None,
        environ: Mapping[str, str] | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        environ = os.environ if environ is None else environ
        package, _, name = PLUGIN.partition(":")
        folder = folder or _user_folder(environ)
        self.path = folder / package / f"{name}.jupyterlab-settings"
        self.warnings: tuple[str, ...] = ()
        """What was wrong at the last reading, in sentences for the user."""
        self._overrides = overrides or _lab_folder(environ) / "settings"
        self._now = now
        self._mark: _Mark | None = None
        self._settings = Settings.model_validate({})
        self._guard = threading.RLock()

    def read(self) -> Settings:
        """The settings as they are now."""
        with self._guard:
            mark = _marks((*_override_files(self._overrides), self.path))
            if mark != self._mark:
                self._load(mark)
            return self._settings

    def remember_command(self, pattern: str) -> None:
        """Add a pattern to `kimi.autoApprove.commands` of the user's file; raises `SettingsError`, also for a bad pattern."""
        if why := lint(pattern):
            raise SettingsError(f"The pattern {_short(pattern)} can't be used: {why}.")
        with self._guard:
            try:
                values = _parse(self.path) or {}
            except (OSError, ValueError) as error:
                raise SettingsError(
                    f"The command was not remembered, since {str(self.path)!r} can't be read: {error}. Correct that file first."
                ) from error
            known = values.get(COMMANDS, [])
            patterns = list(cast("list[Any]", known)) if isinstance(known, list) else []
            if pattern in patterns:
                return
            wanted = {**values, COMMANDS: [*patterns, pattern]}
            self._write(self._edited(pattern, wanted) or _plain(wanted))
            self._mark = None

    def _load(self, mark: _Mark) -> None:
        warnings: list[str] = []
        values = _usable(self._administrators(warnings), warnings, "an administrator's overrides")
        try:
            user = _parse(self.path)
        except (OSError, ValueError) as error:
            if self._mark is not None and self._is_fresh():
                return
            user = {
                **_STRICTEST,
                "kimi.mode": "plan" if values.get("kimi.mode") == "plan" else "ask",
            }
            warnings.append(
                f"The settings file {str(self.path)!r} can't be read ({error}), so the defaults are used and every edit and command asks. Correct or remove that file."
            )
        if user is None and self._mark is not None and self._is_fresh():
            return
        values |= _usable(user or {}, warnings, "the settings")
        self._settings = Settings.model_validate(values)
        self.warnings = tuple(warnings)
        self._mark = mark

    def _is_fresh(self) -> bool:
        try:
            return abs(self._now() - self.path.stat().st_mtime) < _SETTLE_SECONDS
        except OSError:
            return False

    def _administrators(self, warnings: list[str]) -> _Values:
        values: _Values = {}
        for file in _override_files(self._overrides):
            try:
                ours = (_parse(file) or {}).get(PLUGIN, {})
            except (OSError, ValueError) as error:
                warnings.append(f"The administrator's file {str(file)!r} can't be read ({error}).")
                continue
            if isinstance(ours, dict):
                values |= cast(_Values, ours)
        return values

    def _edited(self, pattern: str, wanted: _Values) -> str | None:
        """The file's text with the pattern put in, comments kept; `None` where that would not mean the same."""
        try:
            text = self.path.read_text(encoding="utf-8-sig")
            edited = with_item(text, COMMANDS, pattern)
            return edited if edited and _parsed(edited) == wanted else None
        except (OSError, ValueError):
            return None

    def _write(self, text: str) -> None:
        target = Path(os.path.realpath(self.path))
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            _replace(target, text.encode())
        except OSError as error:
            raise SettingsError(
                f"The command was not remembered, since {str(self.path)!r} can't be written: {error.strerror}."
            ) from error


def _replace(target: Path, data: bytes) -> None:
    """All of it or nothing; a temporary file of `mkstemp` is private from the start."""
    fd, name = tempfile.mkstemp(dir=target.parent, prefix=".kimi-")
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, target)  # noqa: PTH105 - the same call, one object less
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise


def _user_folder(environ: Mapping[str, str]) -> Path:
    if given := environ.get("JUPYTERLAB_SETTINGS_DIR"):
        return Path(given)
    from jupyter_core.paths import jupyter_config_dir

    return Path(jupyter_config_dir()) / "lab" / "user-settings"


def _lab_folder(environ: Mapping[str, str]) -> Path:
    given = environ.get("JUPYTERLAB_DIR")
    return Path(given) if given else Path(sys.prefix) / "share" / "jupyter" / "lab"


def _override_files(folder: Path) -> list[Path]:
    """In the order in which JupyterLab lets them overrule each other."""
    found = sorted(folder.glob("overrides.d/*.json")) + sorted(folder.glob("overrides.d/*.json5"))
    return [*found, folder / "overrides.json", folder / "overrides.json5"]


def _marks(files: Sequence[Path]) -> _Mark:
    marks: list[tuple[str, int, int]] = []
    for file in files:
        try:
            stat = file.stat()
        except OSError:
            continue
        marks.append((str(file), stat.st_mtime_ns, stat.st_size))
    return tuple(marks)


def _parse(path: Path) -> _Values | None:
    """The object in a file, with comments or without; `None` for no file and an empty one. `OSError`, `ValueError`."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return None
    return _parsed(text) if text.strip() else None


def _plain(values: _Values) -> str:
    return json.dumps(values, ensure_ascii=False, indent=4) + "\n"


def _parsed(text: str) -> _Values:
    try:
        value = json.loads(text)
    except ValueError:
        import json5

        value = json5.loads(text)
    if not isinstance(value, dict):
        raise ValueError("it holds no object")
    return cast(_Values, value)


def _usable(values: _Values, warnings: list[str], where: str) -> _Values:
    """The values that fit their keys; the others are left out and said."""
    kept: _Values = {}
    for key, value in values.items():
        if key not in _ALIASES:
            continue  # keys of other versions, and of other parts of the product
        try:
            Settings.model_validate_json(json.dumps({key: value}), strict=True)
        except (ValidationError, ValueError) as error:
            why = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
            warnings.append(f"`{key}` in {where} can't be used ({why}); its default is.")
        else:
            kept[key] = value
    if patterns := kept.get(COMMANDS):
        kept[COMMANDS] = _good(patterns, warnings, where)
    return kept


def _good(patterns: list[str], warnings: list[str], where: str) -> list[str]:
    """The patterns that the allow-list can use; the others are left out and said, each with its reason."""
    kept: list[str] = []
    for pattern in patterns[:MOST_PATTERNS]:
        if why := lint(pattern):
            text = f"The pattern {_short(pattern)} of `{COMMANDS}` in {where} is ignored: {why}."
            warnings.append(text)
        else:
            kept.append(pattern)
    if len(patterns) > MOST_PATTERNS:
        text = f"`{COMMANDS}` in {where} has more than {MOST_PATTERNS:,} patterns; the rest is ignored."
        warnings.append(text)
    return kept


def _short(pattern: str) -> str:
    return f"`{pattern if len(pattern) <= 100 else pattern[:100] + '…'}`"
