"""Text files: read without loss, written whole, and never over bytes that nobody has seen."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimi_jupyter.protocol.errors import FileChanged, FileUnreadable, PathRefused
from kimi_jupyter.safety import files, lines
from kimi_jupyter.safety.paths import Workspace

posix = pytest.mark.skipif(os.name == "nt", reason="modes and links of POSIX")


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


def put(ws: Workspace, data: bytes, path: str = "a.py") -> Path:
    (ws.root / path).write_bytes(data)
    return ws.root / path


def rewrite(ws: Workspace, old: str, new: str, path: str = "a.py") -> bytes:
    """Read, change and replace a file as a tool does; gives the bytes on disk."""
    before = files.read_text(ws, path)
    data = files.encode(before.text.replace(old, new), before)
    files.replace(ws, path, data, expected=before.digest)
    return (ws.root / path).read_bytes()


FORMS = {
    "lf": (b"one\ntwo\nthree\n", b"one\n2\nthree\n"),
    "no final newline": (b"one\ntwo", b"one\n2"),
    "crlf": (b"one\r\ntwo\r\n", b"one\r\n2\r\n"),
    "lone cr": (b"one\rtwo\rthree", b"one\r2\rthree"),
    "mixed": (b"one\r\ntwo\nthree\r\nfour\rfive", b"one\r\n2\nthree\r\nfour\rfive"),
    "utf-8 mark": (b"\xef\xbb\xbfone\r\ntwo\r\n", b"\xef\xbb\xbfone\r\n2\r\n"),
    "utf-16 le": (
        b"\xff\xfe" + "one\r\ntwo é\n".encode("utf-16-le"),
        b"\xff\xfe" + "one\r\n2 é\n".encode("utf-16-le"),
    ),
    "utf-16 be": (
        b"\xfe\xff" + "two\n".encode("utf-16-be"),
        b"\xfe\xff" + "2\n".encode("utf-16-be"),
    ),
    "utf-32": (
        b"\xff\xfe\0\0" + "two".encode("utf-32-le"),
        b"\xff\xfe\0\0" + "2".encode("utf-32-le"),
    ),
    "latin-1 cookie": (
        b"# -*- coding: latin-1 -*-\ntwo = '\xe9'\n",
        b"# -*- coding: latin-1 -*-\n2 = '\xe9'\n",
    ),
    "cookie in line two": (
        b"#!/usr/bin/python\n# coding=cp1252\ntwo = '\x80'\n",
        b"#!/usr/bin/python\n# coding=cp1252\n2 = '\x80'\n",
    ),
    "form feed and separators": ("two\x0c\u2028x\n".encode(), "2\x0c\u2028x\n".encode()),
}


@pytest.mark.parametrize("form", FORMS)
def test_b10_a_change_leaves_all_other_bytes_as_they_were(ws: Workspace, form: str) -> None:
    before, after = FORMS[form]
    put(ws, before)
    assert files.encode(files.read_text(ws, "a.py").text, files.read_text(ws, "a.py")) == before
    assert rewrite(ws, "two", "2") == after


def test_lines_added_to_a_mixed_file_get_its_commonest_end(ws: Workspace) -> None:
    put(ws, b"a\r\nb\r\nc\nd")
    assert rewrite(ws, "b\n", "b\nnew\n") == b"a\r\nb\r\nnew\r\nc\nd"
    assert rewrite(ws, "d", "d\nlast\n") == b"a\r\nb\r\nnew\r\nc\nd\r\nlast\r\n"
    assert rewrite(ws, "a\nb\n", "") == b"new\r\nc\nd\r\nlast\r\n"


@pytest.mark.parametrize("after", ["", "b", "a", "x\ny"])
def test_a_mixed_file_may_lose_any_of_its_lines(ws: Workspace, after: str) -> None:
    (ws.root / "a").write_bytes(b"\r\ra\n")
    before = files.read_text(ws, "a")
    written = files.encode(after, before).decode()
    assert written.replace("\r", "\n") == after


def test_two_ends_of_a_mixed_file_never_become_one(ws: Workspace) -> None:
    (ws.root / "a").write_bytes(b"\n\r")
    written = files.encode("\n\n\n", files.read_text(ws, "a")).decode()
    assert re.findall("\r\n|\r|\n", written) == ["\n", "\r", "\r"]


def test_crlf_is_written_where_the_model_writes_it_into_a_new_or_plain_file(ws: Workspace) -> None:
    put(ws, b"a\nb\n")
    plain = files.read_text(ws, "a.py")
    assert files.encode("x\r\ny\n", None) == b"x\r\ny\n"
    assert files.encode("x\r\ny\n", plain) == b"x\r\ny\n"
    put(ws, b"a\r\nb\r\n")
    assert files.encode("x\r\ny\n", files.read_text(ws, "a.py")) == b"x\r\ny\r\n"


def test_a_changed_cookie_changes_the_encoding(ws: Workspace) -> None:
    put(ws, b"# coding: latin-1\ns = '\xe9'\n")
    assert rewrite(ws, "latin-1", "utf-8") == "# coding: utf-8\ns = 'é'\n".encode()
    put(ws, b"# coding: latin-1\ns = '\xe9'\n")
    assert rewrite(ws, "# coding: latin-1\n", "") == "s = 'é'\n".encode()
    assert files.encode("# coding: latin-1\né", None) == b"# coding: latin-1\n\xe9"
    with pytest.raises(FileUnreadable, match="no text encoding"):
        files.encode("# coding: rot13\nabc", None)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"PK\x03\x04\0\0", "binary file"),
        (b"caf\xe9\n", r"not valid utf-8 text \(byte 3\)"),
        (b"\xff\xfea", "not valid utf-16-le"),
        (b"# coding: ascii\n\xe9", "not valid ascii"),
        (b"# coding: rot13\nabc", "no text encoding"),
        (b"# coding: unicode_escape\n\\x41", "would not keep its bytes"),
        (b"# coding: utf-7\n+AGE-", "would not keep its bytes"),
    ],
)
def test_b10_bytes_that_would_be_harmed_are_refused_with_the_reason(
    ws: Workspace, data: bytes, reason: str
) -> None:
    put(ws, data)
    with pytest.raises(FileUnreadable, match=reason):
        files.read_text(ws, "a.py")


def test_a_character_that_the_encoding_lacks_is_refused_and_the_file_stays(ws: Workspace) -> None:
    path = put(ws, b"# coding: latin-1\ntwo\n")
    with pytest.raises(FileUnreadable, match=r"can't hold '€' \(U\+20AC\)"):
        rewrite(ws, "two", "€")
    assert path.read_bytes() == b"# coding: latin-1\ntwo\n"


def test_a_file_over_the_limit_is_refused(ws: Workspace) -> None:
    put(ws, b"12345")
    with pytest.raises(FileUnreadable, match="larger than 4 bytes"):
        files.read_text(ws, "a.py", limit=4)


@posix
@pytest.mark.parametrize("mode", [0o600, 0o644, 0o755, 0o640])
def test_b10_permission_bits_stay(ws: Workspace, mode: int) -> None:
    path = put(ws, b"two\n")
    path.chmod(mode)
    rewrite(ws, "two", "2")
    assert stat.S_IMODE(path.stat().st_mode) == mode


@posix
def test_b10_extended_attributes_stay(ws: Workspace) -> None:
    path = put(ws, b"two\n")
    try:
        os.setxattr(path, "user.origin", b"here")
    except (OSError, AttributeError):
        pytest.skip("this file system keeps no extended attributes")
    rewrite(ws, "two", "2")
    assert os.getxattr(path, "user.origin") == b"here"


@posix
def test_a_link_stays_a_link_and_its_target_is_written(ws: Workspace) -> None:
    (ws.root / "deep").mkdir()
    put(ws, b"two\n", "deep/real.py")
    (ws.root / "a.py").symlink_to("deep/real.py")
    assert rewrite(ws, "two", "2") == b"2\n"
    assert (ws.root / "a.py").is_symlink()
    assert (ws.root / "deep" / "real.py").read_bytes() == b"2\n"


@posix
def test_a_dangling_link_inside_gets_its_target(ws: Workspace) -> None:
    (ws.root / "a.py").symlink_to("later.py")
    files.replace(ws, "a.py", b"x", expected="")
    assert (ws.root / "later.py").read_bytes() == b"x"


@posix
def test_a_link_that_leads_out_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "outside.txt").write_bytes(b"keep")
    (tmp_path / "ws").mkdir()
    (tmp_path / "ws" / "a.txt").symlink_to("../outside.txt")
    for expected in ("", files.digest(b"keep")):
        with pytest.raises(PathRefused):
            files.replace(Workspace(tmp_path / "ws"), "a.txt", b"evil", expected=expected)
    assert (tmp_path / "outside.txt").read_bytes() == b"keep"


@posix
def test_b10_another_name_of_the_same_file_keeps_its_bytes(ws: Workspace) -> None:
    path = put(ws, b"two\n")
    os.link(path, ws.root / "twin")
    rewrite(ws, "two", "2")
    assert (ws.root / "twin").read_bytes() == b"two\n"


def test_a_new_file_is_made_with_its_folders_and_the_usual_mode(ws: Workspace) -> None:
    written = files.replace(ws, "x/y/new.txt", b"hello", expected="")
    assert (ws.root / "x/y/new.txt").read_bytes() == b"hello"
    assert written == files.digest(b"hello")
    (ws.root / "usual").touch()
    assert (ws.root / "x/y/new.txt").stat().st_mode == (ws.root / "usual").stat().st_mode
    assert [entry.name for entry in (ws.root / "x" / "y").iterdir()] == ["new.txt"]


def test_a_file_that_appeared_meanwhile_is_not_overwritten(ws: Workspace) -> None:
    put(ws, b"theirs")
    with pytest.raises(FileChanged, match="exists by now"):
        files.replace(ws, "a.py", b"ours", expected="")
    assert [(p.name, p.read_bytes()) for p in ws.root.iterdir()] == [("a.py", b"theirs")]


def test_a_file_that_changed_or_went_meanwhile_is_not_overwritten(ws: Workspace) -> None:
    path = put(ws, b"one")
    seen = files.read_text(ws, "a.py")
    path.write_bytes(b"two")
    with pytest.raises(FileChanged, match="changed since it was read"):
        files.replace(ws, "a.py", b"ours", expected=seen.digest)
    assert [(p.name, p.read_bytes()) for p in ws.root.iterdir()] == [("a.py", b"two")]
    path.unlink()
    with pytest.raises(FileChanged, match="no longer there"):
        files.replace(ws, "a.py", b"ours", expected=seen.digest)
    assert list(ws.root.iterdir()) == []


@posix
def test_b10_a_read_only_file_and_a_file_as_folder_are_said(ws: Workspace) -> None:
    path = put(ws, b"one")
    path.chmod(0o444)
    with pytest.raises(FileUnreadable, match="read-only"):
        files.replace(ws, "a.py", b"ours", expected=files.digest(b"one"))
    with pytest.raises(FileUnreadable, match="is a file, not a folder"):
        files.replace(ws, "a.py/b", b"ours", expected="")
    assert path.read_bytes() == b"one"


@posix
def test_k2_a_full_disk_leaves_the_old_file_and_no_other(ws: Workspace) -> None:
    import resource
    import signal

    put(ws, b"one")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(FileUnreadable, match="too large"):
            files.replace(ws, "a.py", b"x" * 5000, expected=files.digest(b"one"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert [(p.name, p.read_bytes()) for p in ws.root.iterdir()] == [("a.py", b"one")]


def test_a_diff_names_counts_hashes_and_context(ws: Workspace) -> None:
    put(ws, "".join(f"line {n}\n" for n in range(1, 21)).encode())
    before = files.read_text(ws, "a.py")
    after = before.text.replace("line 10\n", "ten\nmore\n").replace("line 20\n", "line 20")
    found = files.diff("a.py", before, after)
    assert (found.is_new, found.added, found.removed, found.is_cut) == (False, 3, 2, False)
    assert found.before_hash == before.digest
    assert found.after_hash == files.digest(after.encode())
    assert (found.before, found.after) == (before.text, after)
    assert found.unified == (
        "@@ -7,7 +7,8 @@\n line 7\n line 8\n line 9\n-line 10\n+ten\n+more\n line 11\n line 12\n line 13\n"
        "@@ -17,4 +18,4 @@\n line 17\n line 18\n line 19\n-line 20\n+line 20\n\\ No newline at end of file\n"
    )


def test_a_diff_of_a_new_file_adds_all_lines() -> None:
    found = files.diff("n.txt", None, "a\nb\n")
    assert (found.is_new, found.added, found.removed, found.before, found.before_hash) == (
        True,
        2,
        0,
        None,
        "",
    )
    assert found.unified == "@@ -0,0 +1,2 @@\n+a\n+b\n"


def test_a_long_diff_is_cut_and_says_so() -> None:
    found = files.diff("n.txt", None, "x\n" * 300_000)
    assert found.is_cut
    assert found.added == 300_000
    assert found.unified.count("\n") == 2000
    assert found.after is None


def test_a_whole_rewrite_of_a_large_file_is_compared_in_bounded_time(ws: Workspace) -> None:
    put(ws, "".join(f"{n}\n" for n in range(50_000)).encode())
    before = files.read_text(ws, "a.py")
    found = files.diff("a.py", before, "".join(f"{n}x\n" for n in range(50_000)))
    assert (found.added, found.removed) == (50_000, 50_000)


_PIECES = st.lists(st.sampled_from(["a\n", "b\n", "\n", "ab\n", "a", "\n\n", "é"]), max_size=12)


@given(_PIECES, _PIECES, _PIECES, _PIECES)
def test_the_window_of_a_difference_shows_what_the_whole_texts_would(
    start: list[str], one: list[str], other: list[str], end: list[str]
) -> None:
    a, b = "".join([*start, *one, *end]), "".join([*start, *other, *end])

    def shown(a: str, b: str, before: int) -> list[str]:
        old, new = a.splitlines(), b.splitlines()
        if a and not a.endswith("\n"):
            old[-1] += "<no end>"
        if b and not b.endswith("\n"):
            new[-1] += "<no end>"
        return list(lines.unified(old, new, lines.changes(old, new), before=before))

    part = lines.window(a, b)
    assert shown(part.a, part.b, part.before) == shown(a, b, 0)


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("a", ("\n",)),
        ("a\nb\n", ("\n",)),
        ("a\r\nb\r\n", ("\r\n",)),
        ("a\rb\r", ("\r",)),
        ("a\r\r\nb\n", ("\r", "\r\n", "\n")),
        ("a\n\rb", ("\n", "\r")),
    ],
)
def test_line_ends_are_told_apart(text: str, ends: tuple[str, ...]) -> None:
    assert lines.split_ends(text)[1] == ends
