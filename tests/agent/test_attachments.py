"""What a message takes along: caps, frames, notebooks, mentions, and what stays at home."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from kimi_jupyter.agent.attachments import read_attachments
from kimi_jupyter.agent.notebook_text import notebook_text
from kimi_jupyter.protocol.commands import AttachmentRequest
from kimi_jupyter.protocol.errors import CommandRefused
from kimi_jupyter.protocol.events import Attachment
from kimi_jupyter.safety.paths import Workspace
from tests.pictures import GIF, JPEG, WEBP, png

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
        "up @.. and here @.",
        "no folder @a.txt/",
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


def test_an_upload_does_not_stand_for_a_workspace_file_of_its_name(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("here")
    found = read(tmp_path, "compare with @a.txt and @a.txt", uploads={"a.txt": b"there"})
    assert [(file.path, file.text) for file in found] == [("a.txt", "there"), ("a.txt", "here")]


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
        ("../x", "Not sent"),
        ("bin", "'bin' is a binary file"),
        ("cut.png", "'cut.png' begins like a PNG image but is damaged"),
        ("huge.jpg", r"'huge\.jpg' has 3 MB; a file may have 1 MB\. Save a smaller copy"),
        ("wide.png", r"'wide\.png' has 5,000 × 1 pixels; an image may have 4,096"),
    ],
)
def test_what_can_not_be_taken_along_is_refused_in_words(
    tmp_path: Path, path: str, said: str
) -> None:
    (tmp_path / ".env").write_text("SECRET=1")
    (tmp_path / "link").symlink_to(".env")
    (tmp_path / "bin").write_bytes(b"\0\1\2")
    (tmp_path / "cut.png").write_bytes(png(3, 2)[:-20])
    (tmp_path / "huge.jpg").write_bytes(JPEG.ljust(3 * MB, b"\0"))
    (tmp_path / "wide.png").write_bytes(png(5000, 1))
    with pytest.raises(CommandRefused, match=said) as refused:
        read(tmp_path, "", path)
    assert "SECRET" not in str(refused.value)


def test_a_mention_of_a_secret_file_is_refused_too(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("SECRET=1")
    with pytest.raises(CommandRefused, match="protected"):
        read(tmp_path, "what is in @.env?")


@pytest.mark.parametrize("name", [".env", ".env.local", "id_rsa", "server.pem", "keys/id_ed25519"])
def test_b8_no_way_takes_a_secret_file_along(tmp_path: Path, name: str) -> None:
    secret = tmp_path / name
    secret.parent.mkdir(exist_ok=True)
    secret.write_text("TOKEN=hunter2")
    (tmp_path / "plain.txt").symlink_to(name)
    assert "hunter2" in (tmp_path / "plain.txt").read_text(), "the link does lead to the secret"
    ways: list[dict[str, Any]] = [
        {"text": f"see @{name}"},
        {"text": "see @plain.txt"},
        {"text": "", "uploads": {name: b"TOKEN=hunter2"}},
    ]
    for way in ways:
        with pytest.raises(CommandRefused, match=r"secrets|private key") as refused:
            read(tmp_path, **way)
        assert "hunter2" not in str(refused.value)
    for path in (name, "plain.txt"):
        with pytest.raises(CommandRefused, match="protected"):
            read(tmp_path, "", path)


@pytest.mark.parametrize("given", ["@src", "@src/", "(@src/)", "@./src"])
def test_a_folder_comes_as_a_listing(tmp_path: Path, given: str) -> None:
    for path in ("src/a.py", "src/lib/deep/deeper/x.py", "src/b.log", "src/.git/config"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("text")
    (tmp_path / ".gitignore").write_text("*.log")
    (found,) = read(tmp_path, f"look at {given}")
    assert found.path == "src/"
    assert found.text == (
        "src/\n  lib/\n    deep/\n      deeper/  (1 entry)\n  a.py  4 B\n"
        "[4 entries shown, left out: .git, 1 by .gitignore]"
    )
    assert read(tmp_path, "", "src") == [found]


def test_a_listing_is_bounded_and_names_no_secret(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src/.env").write_text("SECRET=1")
    for number in range(250):
        (tmp_path / f"src/{number}.txt").write_text("")
    (found,) = read(tmp_path, "@src/")
    assert ".env" not in found.text
    assert found.text.count(".txt") == 200
    assert "… 50 more" in found.text
    assert "1 that may hold secrets" in found.text
    (tmp_path / ".aws").mkdir()
    with pytest.raises(CommandRefused, match="protected"):
        read(tmp_path, "@.aws/")


@pytest.mark.parametrize(
    ("data", "kind"),
    [(png(3, 2), "png"), (JPEG, "jpeg"), (WEBP, "webp"), (GIF, "gif")],
)
def test_an_image_is_known_by_its_bytes_and_comes_as_a_data_url(
    tmp_path: Path, data: bytes, kind: str
) -> None:
    (tmp_path / "plot.txt").write_bytes(data)
    (found,) = read(tmp_path, "see @plot.txt")
    url = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
    assert found == Attachment(path="plot.txt", text="", size=len(data), image=url)
    assert read(tmp_path, uploads={"plot.txt": data}) == [found]


def test_text_that_is_called_an_image_stays_text(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("not an image")
    (found,) = read(tmp_path, "@a.png")
    assert (found.text, found.image) == ("not an image", None)


def test_images_count_for_the_cap_of_a_message(tmp_path: Path) -> None:
    for number in range(5):
        (tmp_path / f"{number}.png").write_bytes(png(600, 400, noise=number + 1))
    assert (tmp_path / "0.png").stat().st_size > 900_000
    with pytest.raises(CommandRefused, match=r"with '4\.png' .* one message takes 4 MB"):
        read(tmp_path, "", *(f"{number}.png" for number in range(5)))


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
