"""The settings file: JupyterLab's own, read at every change, and never the cause of a failure."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import json5
import pytest

from kimi_jupyter.protocol.errors import SettingsError
from kimi_jupyter.protocol.settings import Settings
from kimi_jupyter.safety.settings import SettingsFile

LATER = 1e12
"""A time at which no file is half written any more."""


@pytest.fixture
def file(tmp_path: Path) -> SettingsFile:
    return SettingsFile(tmp_path / "user", overrides=tmp_path / "lab", now=lambda: LATER)


def write(file: SettingsFile, text: str) -> None:
    file.path.parent.mkdir(parents=True, exist_ok=True)
    file.path.write_text(text, encoding="utf-8")


def administrate(tmp_path: Path, name: str, **values: object) -> None:
    path = tmp_path / "lab" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"kimi-jupyter:settings": values, "other:plugin": {"x": 1}})
    path.write_text(text, encoding="utf-8")


def settings(**values: object) -> Settings:
    return Settings.model_validate(values)


def test_the_file_is_the_one_of_jupyterlabs_settings_editor(tmp_path: Path) -> None:
    given = {"JUPYTERLAB_SETTINGS_DIR": str(tmp_path)}
    assert SettingsFile(environ=given).path == (
        tmp_path / "kimi-jupyter" / "settings.jupyterlab-settings"
    )
    own = SettingsFile(environ={}).path
    assert own.parts[-4:-2] == ("lab", "user-settings")


def test_without_a_file_the_defaults_hold(file: SettingsFile) -> None:
    assert file.read() == settings()
    assert file.warnings == ()


def test_comments_and_trailing_commas_are_read_as_jupyterlab_reads_them(
    file: SettingsFile,
) -> None:
    write(
        file,
        '{\n    // Approval mode\n    /* ask, plan */\n    "kimi.mode": "plan",\n    "kimi.maxTurns": 7,\n}\n',
    )
    assert file.read() == settings(mode="plan", max_turns=7)
    assert file.warnings == ()


def test_a_change_counts_at_the_next_reading(file: SettingsFile) -> None:
    write(file, '{"kimi.model": "kimi-k3"}')
    assert file.read().model == "kimi-k3"
    assert file.read() is file.read()
    write(file, '{"kimi.model": "kimi-k2.7-code"}')
    assert file.read().model == "kimi-k2.7-code"
    file.path.unlink()
    assert file.read() == settings()


def test_a_bad_value_costs_its_own_key_only_and_is_said(file: SettingsFile) -> None:
    write(
        file,
        json.dumps(
            {
                "kimi.mode": "yolo",
                "kimi.autoApprove.write": "yes",
                "kimi.autoApprove.commands": ["^ls$", 7],
                "kimi.maxTurns": 0,
                "kimi.displayName": "Ada",
                "kimi.pricing.inputPerMillion": 1,
                "someone.elses": True,
            }
        ),
    )
    assert file.read() == settings(display_name="Ada", input_per_million=1.0)
    assert [warning.split("`")[1] for warning in file.warnings] == [
        "kimi.mode",
        "kimi.autoApprove.write",
        "kimi.autoApprove.commands",
        "kimi.maxTurns",
    ]


def test_d4_a_bad_pattern_is_left_out_and_named_with_the_reason(
    file: SettingsFile, tmp_path: Path
) -> None:
    key = "kimi.autoApprove.commands"
    administrate(tmp_path, "overrides.json", **{key: ["pwd", "git .*"]})
    assert file.read().auto_approve_commands == ("pwd",)
    assert file.warnings == (
        "The pattern `git .*` of `kimi.autoApprove.commands` in an administrator's overrides is ignored:"
        " after 'git' it must name the sub-command, as in `git (status|diff|log)( .*)?`.",
    )
    write(file, json.dumps({key: ["^ls$", "(?i)rm", ".*", "(", "x" * 3000, "make"]}))
    assert file.read().auto_approve_commands == ("^ls$", "make")
    assert [warning.split("`")[1] for warning in file.warnings[1:]] == [
        "(?i)rm",
        ".*",
        "(",
        "x" * 100 + "…",
    ]
    assert all("in the settings is ignored: " in warning for warning in file.warnings[1:])
    write(file, json.dumps({key: ["^ls$"]}))
    assert len(file.warnings) == 5
    file.read()
    assert len(file.warnings) == 1


def test_d4_more_patterns_than_are_looked_at_are_said(file: SettingsFile) -> None:
    write(file, json.dumps({"kimi.autoApprove.commands": [f"p{n}" for n in range(1_001)]}))
    assert len(file.read().auto_approve_commands) == 1_000
    assert "more than 1,000 patterns" in file.warnings[0]


@pytest.mark.parametrize("pattern", [".*", "(", "(?i)ls", "python .*", ""])
def test_d4_a_bad_pattern_is_refused_at_save_and_the_file_stays(
    file: SettingsFile, pattern: str
) -> None:
    write(file, '{"kimi.mode": "plan"}')
    with pytest.raises(SettingsError, match="can't be used: "):
        file.remember_command(pattern)
    assert file.path.read_text(encoding="utf-8") == '{"kimi.mode": "plan"}'


@pytest.mark.parametrize(
    "text", ["{", "[]", '"ask"', "\0\0", '{"kimi.mode": "bypass"', "\ud800".join(["{", "}"])]
)
def test_a_broken_file_means_defaults_that_ask(file: SettingsFile, text: str) -> None:
    file.path.parent.mkdir(parents=True, exist_ok=True)
    file.path.write_bytes(text.encode("utf-8", "surrogatepass"))
    assert file.read() == settings(mode="ask")
    assert "can't be read" in file.warnings[0]


def test_a_broken_file_takes_no_approval_from_an_administrator(
    file: SettingsFile, tmp_path: Path
) -> None:
    approvals = {"kimi.autoApprove.write": True, "kimi.autoApprove.commands": ["^ls$"]}
    administrate(tmp_path, "overrides.json", **approvals, **{"kimi.mode": "accept_edits"})
    assert file.read().mode == "accept_edits"
    write(file, "{")
    assert file.read() == settings()


def test_a_broken_file_does_not_lift_an_administrators_plan_mode(
    file: SettingsFile, tmp_path: Path
) -> None:
    administrate(tmp_path, "overrides.json", **{"kimi.mode": "plan"})
    write(file, "{")
    assert file.read().mode == "plan"


@pytest.mark.parametrize("half", ["", "{", '{"kimi.mode": "pl'])
def test_a_file_that_is_being_written_changes_nothing_yet(tmp_path: Path, half: str) -> None:
    now = [LATER]
    file = SettingsFile(tmp_path, overrides=tmp_path / "lab", now=lambda: now[0])
    write(file, '{"kimi.mode": "plan"}')
    file.read()
    write(file, half)
    now[0] = file.path.stat().st_mtime + 0.5
    assert file.read().mode == "plan"
    now[0] += 60
    assert file.read().mode == "ask"


def test_administrators_values_stand_under_the_users(file: SettingsFile, tmp_path: Path) -> None:
    administrate(tmp_path, "overrides.d/10-a.json", **{"kimi.maxTurns": 5, "kimi.model": "a"})
    administrate(tmp_path, "overrides.d/20-b.json", **{"kimi.model": "b"})
    assert file.read() == settings(max_turns=5, model="b")
    administrate(tmp_path, "overrides.json", **{"kimi.model": "c", "kimi.mode": "nonsense"})
    write(file, '{"kimi.maxTurns": 9}')
    assert file.read() == settings(max_turns=9, model="c")
    assert "an administrator's overrides" in file.warnings[0]


def test_a_broken_file_of_an_administrator_is_said(file: SettingsFile, tmp_path: Path) -> None:
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab" / "overrides.json").write_text("{", encoding="utf-8")
    assert file.read() == settings()
    assert "administrator's file" in file.warnings[0]


def test_remembering_a_command_keeps_everything_else(file: SettingsFile) -> None:
    write(file, '{"kimi.mode": "plan", /* mine */ "unknown.key": {"a": [1]}}')
    file.remember_command("^ls\\ \\-l$")
    file.remember_command("^pwd$")
    file.remember_command("^pwd$")
    text = file.path.read_text(encoding="utf-8")
    assert "/* mine */" in text
    assert json5.loads(text) == {
        "kimi.mode": "plan",
        "unknown.key": {"a": [1]},
        "kimi.autoApprove.commands": ["^ls\\ \\-l$", "^pwd$"],
    }
    assert file.read().auto_approve_commands == ("^ls\\ \\-l$", "^pwd$")
    assert [path.name for path in file.path.parent.iterdir()] == [file.path.name]


@pytest.mark.parametrize(
    ("text", "after"),
    [
        (
            '{\n  // my mode\n  "kimi.mode": "plan",\n}\n',
            '{\n    "kimi.autoApprove.commands": ["^ls$"],\n  // my mode\n  "kimi.mode": "plan",\n}\n',
        ),
        (
            '{"kimi.autoApprove.commands": [\n  "^a$", // why a\n  "^]$" /* and this */\n]}',
            '{"kimi.autoApprove.commands": [\n  "^a$", // why a\n  "^]$", "^ls$" /* and this */\n]}',
        ),
        (
            '// "kimi.autoApprove.commands": [\n{"kimi.autoApprove.commands": [ /* none */ ]}',
            '// "kimi.autoApprove.commands": [\n{"kimi.autoApprove.commands": ["^ls$" /* none */ ]}',
        ),
        (
            '{"x": {"kimi.autoApprove.commands": ["^no$"]}, "kimi.autoApprove.commands": ["^a$",]}',
            '{"x": {"kimi.autoApprove.commands": ["^no$"]}, "kimi.autoApprove.commands": ["^a$", "^ls$"]}',
        ),
        ("{ // nothing yet\n}", '{\n    "kimi.autoApprove.commands": ["^ls$"]\n // nothing yet\n}'),
    ],
)
def test_remembering_keeps_comments_and_layout(file: SettingsFile, text: str, after: str) -> None:
    write(file, text)
    file.remember_command("^ls$")
    assert file.path.read_text(encoding="utf-8") == after
    assert file.read().auto_approve_commands[-1] == "^ls$"


def test_a_text_that_can_t_be_edited_in_place_is_written_anew(file: SettingsFile) -> None:
    write(file, "{'kimi.autoApprove.commands': ['^a$']}")
    file.remember_command("^ls$")
    assert file.read().auto_approve_commands == ("^a$", "^ls$")


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
def test_remembering_makes_a_private_file_and_goes_through_a_link(tmp_path: Path) -> None:
    file = SettingsFile(tmp_path / "a" / "b", overrides=tmp_path)
    before = os.umask(0)
    try:
        file.remember_command("^ls$")
    finally:
        os.umask(before)
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    real = tmp_path / "dotfiles.json"
    file.path.rename(real)
    file.path.symlink_to(real)
    file.remember_command("^pwd$")
    assert file.path.is_symlink()
    assert json.loads(real.read_text(encoding="utf-8")) == {
        "kimi.autoApprove.commands": ["^ls$", "^pwd$"]
    }


def test_a_broken_file_is_not_written_over(file: SettingsFile) -> None:
    write(file, '{"kimi.mode": ')
    with pytest.raises(SettingsError, match="was not remembered"):
        file.remember_command("^ls$")
    assert file.path.read_text(encoding="utf-8") == '{"kimi.mode": '


@pytest.mark.skipif(os.name != "posix", reason="a file in the way of a folder")
def test_a_folder_that_can_t_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "user").write_text("")
    file = SettingsFile(tmp_path / "user", overrides=tmp_path)
    with pytest.raises(SettingsError, match="was not remembered"):
        file.remember_command("^ls$")
    assert file.read() == settings()


def test_the_administrators_folder_is_jupyterlabs_own(tmp_path: Path) -> None:
    folder = tmp_path / "app" / "settings"
    folder.mkdir(parents=True)
    text = json.dumps({"kimi-jupyter:settings": {"kimi.model": "from-admin"}})
    (folder / "overrides.json").write_text(text, encoding="utf-8")
    environ = {"JUPYTERLAB_DIR": str(tmp_path / "app"), "JUPYTERLAB_SETTINGS_DIR": str(tmp_path)}
    assert SettingsFile(environ=environ).read().model == "from-admin"
