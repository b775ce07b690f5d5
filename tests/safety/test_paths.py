"""The opener: what it lets in, what it refuses, and that a swapped link gains nothing."""

from __future__ import annotations

import ctypes
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kimi_jupyter.protocol.errors import FileUnreadable, KimiError, PathRefused
from kimi_jupyter.safety import files
from kimi_jupyter.safety.paths import Entry, Workspace

posix = pytest.mark.skipif(os.name == "nt", reason="links and descriptors of POSIX")
SECRET = b"the outside file"


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    folder = tmp_path / "data-secret"
    folder.mkdir()
    (folder / "secret.txt").write_bytes(SECRET)
    return folder


@pytest.fixture
def ws(tmp_path: Path, outside: Path) -> Workspace:
    root = tmp_path / "data"
    (root / "src").mkdir(parents=True)
    (root / "src" / "a.py").write_text("inside\n", encoding="utf-8")
    return Workspace(root)


def read(ws: Workspace, given: str) -> bytes:
    return ws.read_bytes(ws.resolve(given), limit=1000)


@pytest.mark.parametrize(
    ("given", "folder", "path"),
    [
        ("src/a.py", ".", "src/a.py"),
        ("./src//./a.py", ".", "src/a.py"),
        ("a.py", "src", "src/a.py"),
        ("../b.py", "src", "b.py"),
        ("src/../src/a.py", ".", "src/a.py"),
        (".", ".", "."),
        ("", "src", "src"),
        ("src/", ".", "src"),
        ("%2e%2e%2fx", ".", "%2e%2e%2fx"),
        ("./~notes", ".", "~notes"),
    ],
)
def test_a_path_becomes_its_canonical_form(
    ws: Workspace, given: str, folder: str, path: str
) -> None:
    assert ws.resolve(given, folder=folder) == path


def test_an_absolute_path_below_the_root_is_taken_from_the_root(ws: Workspace) -> None:
    assert ws.resolve(f"{ws.root}/src/a.py", folder="src") == "src/a.py"
    assert ws.resolve(str(ws.root)) == "."


@posix
def test_an_absolute_path_through_a_link_to_the_root_is_taken(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "alias").symlink_to("real")
    assert Workspace(tmp_path / "alias").resolve(f"{tmp_path}/alias/x") == "x"


@pytest.mark.parametrize(
    "given",
    [
        "..",
        "../data-secret/secret.txt",
        "src/../../data-secret/secret.txt",
        "valid/../../..",
        "/etc/passwd",
        "/proc/self/root/etc/passwd",
        "/dev/stdin",
        "{root}-secret/secret.txt",
        "{root}/../data-secret/secret.txt",
        "{root}/../data-secret/missing.txt",
    ],
)
def test_a_path_outside_is_refused_before_any_look_at_it(ws: Workspace, given: str) -> None:
    with pytest.raises(PathRefused, match="is not in the workspace"):
        ws.resolve(given.replace("{root}", str(ws.root)))


@pytest.mark.parametrize(
    "given",
    [
        "a\0b",
        "a\nb",
        "a\x7fb",
        "a\x85b",
        "a\u2028b",
        "a\ud800b",
        "~",
        "~/x",
        "~root/x",
        "//host/share",
        "\\\\host\\share",
        "\\\\?\\C:\\x",
        "file://host/x",
        ".git::$INDEX_ALLOCATION",
        "file::$DATA",
        "a：b",
        "GIT~1",
        "src/git~1/hooks",
        "PROGRA~1.TXT",
        "CON",
        "src/nul.txt",
        "com1",
        "LPT9.log",
        "x" * 256,
        "é" * 128,
        "a/" * 2049,
        *([] if os.name == "nt" else ["src\\a.py"]),
    ],
)
def test_a_text_that_is_no_plain_path_is_refused(ws: Workspace, given: str) -> None:
    with pytest.raises(PathRefused):
        ws.resolve(given)


@posix
def test_links_inside_are_followed(ws: Workspace) -> None:
    root = ws.root
    (root / "file").symlink_to("src/a.py")
    (root / "folder").symlink_to(root / "src")
    (root / "src" / "up").symlink_to("../src/../file")
    assert [read(ws, given) for given in ("file", "folder/a.py", "folder/up")] == [b"inside\n"] * 3
    assert ws.real("folder/up") == "src/a.py"
    assert ws.real("folder/new/x.py") == "src/new/x.py"


@posix
def test_links_that_lead_out_are_refused_in_the_same_words_whether_or_not_the_target_exists(
    ws: Workspace, outside: Path
) -> None:
    texts: set[str] = set()
    for target in (outside / "secret.txt", outside / "missing", "../data-secret/secret.txt"):
        link = ws.root / "link"
        link.unlink(missing_ok=True)
        link.symlink_to(target)
        assert (outside / "secret.txt").read_bytes() == SECRET
        for attempt in (
            lambda: read(ws, "link"),
            lambda: ws.stat("link"),
            lambda: ws.real("link/x"),
            lambda: ws.scan("link"),
        ):
            with pytest.raises(PathRefused) as refusal:
                attempt()
            texts.add(str(refusal.value).replace("'link/x'", "'link'"))
    assert len(texts) == 1


@posix
def test_a_folder_link_out_is_refused_for_what_lies_below(ws: Workspace, outside: Path) -> None:
    (ws.root / "out").symlink_to(outside)
    assert (ws.root / "out" / "secret.txt").read_bytes() == SECRET
    for name in ("out/secret.txt", "out/missing.txt"):
        with pytest.raises(PathRefused, match="is not in the workspace"):
            read(ws, name)


@posix
def test_a_loop_of_links_ends(ws: Workspace) -> None:
    (ws.root / "a").symlink_to("b")
    (ws.root / "b").symlink_to("a")
    with pytest.raises(KimiError):
        read(ws, "a")


@posix
def test_a_pipe_and_a_device_do_not_hang_the_reader(ws: Workspace) -> None:
    os.mkfifo(ws.root / "pipe")
    with pytest.raises(FileUnreadable, match="no regular file"):
        read(ws, "pipe")


def test_a_missing_file_a_folder_and_a_large_file_are_said(ws: Workspace) -> None:
    with pytest.raises(FileUnreadable, match=r"no such file: 'x/y\.py'"):
        read(ws, "x/y.py")
    with pytest.raises(FileUnreadable, match=r"no such file: 'src/a\.py/x'"):
        read(ws, "src/a.py/x")
    with pytest.raises(FileUnreadable, match="'src' is a folder"):
        read(ws, "src")
    with pytest.raises(FileUnreadable, match="larger than 3 bytes"):
        ws.read_bytes("src/a.py", limit=3)
    assert ws.stat("x/y.py") is None


@posix
def test_a_folder_is_listed_with_what_each_name_is(ws: Workspace) -> None:
    (ws.root / "link").symlink_to("src")
    os.mkfifo(ws.root / "pipe")
    (ws.root / "b.txt").write_bytes(b"12345")
    assert sorted(ws.scan(".")) == [
        Entry("b.txt", "file", 5),
        Entry("link", "link", 0),
        Entry("pipe", "other", 0),
        Entry("src", "folder", 0),
    ]
    assert ws.absolute("link") == ws.root / "src"
    with pytest.raises(FileUnreadable, match="is a file"):
        ws.absolute("b.txt")


@contextmanager
def swapping(one: Path, other: Path) -> Iterator[None]:
    """Exchange two names as fast as the machine can, meanwhile; neither is ever missing."""
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "renameat2"):
        pytest.skip("the C library has no renameat2")
    here, exchange = -100, 2
    arguments = (here, os.fsencode(one), here, os.fsencode(other), exchange)
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            libc.renameat2(*arguments)

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def outcomes(read_once: Callable[[], bytes], *, until: bytes | None) -> set[bytes]:
    """What many reads give within a bounded time, or until one gives `until`."""
    seen: set[bytes] = set()
    end = time.monotonic() + (5.0 if until else 0.3)
    while time.monotonic() < end and until not in seen:
        try:
            seen.add(read_once())
        except (OSError, KimiError):
            continue
    return seen


@posix
@pytest.mark.parametrize("part", ["leaf", "parent"])
def test_b7_a_link_swapped_in_while_reading_leaks_nothing(
    ws: Workspace, outside: Path, part: str
) -> None:
    root = ws.root
    (root / "src" / "secret.txt").write_bytes(b"harmless")
    if part == "leaf":
        one, other, target = (
            root / "src" / "secret.txt",
            root / "src" / "bad",
            outside / "secret.txt",
        )
    else:
        one, other, target = root / "src", root / "bad", outside
    other.symlink_to(target)

    def naive() -> bytes:
        path = (root / "src" / "secret.txt").resolve()
        if root not in path.parents:
            raise PathRefused("outside")
        return (root / "src" / "secret.txt").read_bytes()

    with swapping(one, other):
        assert SECRET in outcomes(naive, until=SECRET), "the danger did not show"
        seen = outcomes(lambda: read(ws, "src/secret.txt"), until=None)
    assert seen == {b"harmless"}


@posix
def test_b7_a_link_swapped_in_while_writing_lets_nothing_out(ws: Workspace, outside: Path) -> None:
    root = ws.root
    (root / "src" / "secret.txt").write_bytes(b"harmless")
    (root / "bad").symlink_to(outside)
    texts = (b"first", b"second")

    def write() -> bytes:
        present = read(ws, "src/secret.txt")
        new = texts[present == texts[0]]
        files.replace(ws, "src/secret.txt", new, expected=files.digest(present))
        files.replace(ws, f"src/new-{os.urandom(4).hex()}", b"x", expected="")
        return new

    with swapping(root / "src", root / "bad"):
        seen = outcomes(write, until=None)
    assert seen
    assert [(path.name, path.read_bytes()) for path in outside.iterdir()] == [
        ("secret.txt", SECRET)
    ]
