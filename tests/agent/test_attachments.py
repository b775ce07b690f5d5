"""What a message takes along: caps, frames, notebooks, mentions, and what stays at home."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from kimi_jupyter.agent.attachments import notebook_text, read_attachments
from kimi_jupyter.protocol.commands import AttachmentRequest
from kimi_jupyter.protocol.errors import CommandRefused
from kimi_jupyter.protocol.events import Attachment
from kimi_jupyter.safety.paths import Workspace

MB = 1024 * 1024


def read(
    root: Path,
    text: str = "",
    *paths: str,
    folder: str = ".",
    uploads: dict[str, bytes] | None = None,
) -> list[Attachment]:
    requests = [AttachmentRequest(path=path) for path in paths]
    requests += [
        AttachmentRequest(path=name, content=base64.b64encode(data).decode())
        for name, data in (uploads or {}).items()
    ]
    return list(read_attachments(Workspace(root), folder=folder, text=text, requests=requests))


def test_a_picked_file_and_a_mention_are_read_once_each(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src/utils.ts").write_bytes(b"\xef\xbb\xbfa\r\nb")
    (tmp_path / "b.txt").write_text("B")
    found = read(tmp_path, "review @src/utils.ts, and @b.txt.", "src/utils.ts")
    assert found == [
        Attachment(path="src/utils.ts", text="a\nb", size=7),
        Attachment(path="b.txt", text="B", size=1),
    ]


def test_a_mention_may_be_quoted_or_start_at_the_working_folder(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/my file.txt").write_text("x")
    assert [a.path for a in read(tmp_path, 'see @"my file.txt"', folder="sub")] == [
        "sub/my file.txt"
    ]


@pytest.mark.parametrize(
    "text",
    [
        "mail me@a.txt",
        "@property",
        "a folder @sub",
        "@../outside.txt",
        "@/etc/passwd",
        "`@a.txt`",
        "@",
    ],
)
def test_what_names_no_workspace_file_is_just_a_word(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.txt").write_text("A")
    (tmp_path / "sub").mkdir()
    assert read(tmp_path, text) == []


def test_an_upload_is_taken_as_it_came(tmp_path: Path) -> None:
    (found,) = read(tmp_path, uploads={"data.csv": b"a,b\n1,2\n"})
    assert found == Attachment(path="data.csv", text="a,b\n1,2\n", size=8)


def test_a_file_over_the_cap_is_named_with_size_and_cap(tmp_path: Path) -> None:
    (tmp_path / "big.csv").write_bytes(b"x" * (MB + MB // 2))
    with pytest.raises(CommandRefused, match=r"'big\.csv' has 1\.50 MB; a file may have 1 MB"):
        read(tmp_path, "look at @big.csv")
    with pytest.raises(CommandRefused, match="a file may have 1 MB"):
        read(tmp_path, uploads={"up.txt": b"x" * (MB + 1)})


def test_all_files_together_have_a_cap_too(tmp_path: Path) -> None:
    for number in range(5):
        (tmp_path / f"{number}.txt").write_bytes(b"x" * MB)
    with pytest.raises(
        CommandRefused,
        match=r"with '4\.txt' \(1 MB\) the attachments come to 5 MB; one message takes 4 MB",
    ):
        read(tmp_path, "", *(f"{number}.txt" for number in range(5)))


@pytest.mark.parametrize(
    ("path", "said"),
    [
        (".env", "protected"),
        ("link", "protected"),
        ("none.txt", "no file 'none.txt'"),
        ("sub", "folder"),
        ("../x", "Not sent"),
        ("bin", "binary"),
    ],
)
def test_what_can_not_be_taken_along_is_refused_in_words(
    tmp_path: Path, path: str, said: str
) -> None:
    (tmp_path / ".env").write_text("SECRET=1")
    (tmp_path / "link").symlink_to(".env")
    (tmp_path / "sub").mkdir()
    (tmp_path / "bin").write_bytes(b"\0\1\2")
    with pytest.raises(CommandRefused, match=said) as refused:
        read(tmp_path, "", path)
    assert "SECRET" not in str(refused.value)


def test_a_mention_of_a_secret_file_is_refused_too(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("SECRET=1")
    with pytest.raises(CommandRefused, match="protected"):
        read(tmp_path, "what is in @.env?")


def test_a_damaged_upload_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandRefused, match="damaged"):
        read_attachments(
            Workspace(tmp_path),
            folder=".",
            text="",
            requests=[AttachmentRequest(path="a", content="%%%")],
        )


def test_a_notebook_comes_as_its_cells_with_short_outputs(tmp_path: Path) -> None:
    cells: list[dict[str, Any]] = [
        {"cell_type": "markdown", "id": "m1", "source": ["# Title\n", "Text"]},
        {
            "cell_type": "code",
            "source": "plot()",
            "outputs": [
                {"output_type": "stream", "text": "x" * 1200},
                {
                    "output_type": "display_data",
                    "data": {"image/png": "A" * 3 * MB, "text/plain": ["<Figure>"]},
                },
                {"output_type": "display_data", "data": {"image/png": "A"}},
                {"output_type": "error", "ename": "ValueError", "evalue": "no", "traceback": []},
            ],
        },
    ]
    (tmp_path / "a.ipynb").write_text(json.dumps({"cells": cells, "nbformat": 4}))
    (found,) = read(tmp_path, "@a.ipynb")
    assert found.size > 3 * MB
    assert found.text == (
        "[cell 1: markdown id=m1]\n# Title\nText\n\n[cell 2: code]\nplot()\n"
        f"[output of cell 2]\n{'x' * 1000}\n[200 characters left out]\n"
        "[output of cell 2]\n<Figure>\n[output of cell 2]\n[image/png]\n[output of cell 2]\nValueError: no"
    )


@pytest.mark.parametrize(
    "source", ["", "[]", '{"worksheets": []}', "[" * 5000, '{"cells": [3, null]}']
)
def test_what_is_no_notebook_does_not_break(source: str) -> None:
    assert not notebook_text(source)
