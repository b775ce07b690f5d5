"""Text from outside as it may be shown: nothing hidden in it, and nothing that a page would run or fetch."""

from __future__ import annotations

import html
import re
import unicodedata

_HIDDEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
_FILLERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_JOINER = "\u2060"
"""Word joiner: draws nothing, but `<` and a joiner open no tag, wherever a Markdown parser thinks that it is."""


def visible(text: str, *, keep: str = "\n\t") -> str:
    """The text with each invisible, bidirectional or control character written as `⟨U+202E⟩`.

    Third and later combining marks in a row are written so too: a stack of them covers other lines.
    """
    if text.isascii() and text.isprintable():
        return text
    out: list[str] = []
    marks = 0
    for char in text:
        marks = marks + 1 if unicodedata.combining(char) else 0
        is_plain = char in keep or (not _is_hidden(char) and marks <= 2)
        out.append(char if is_plain else f"⟨U+{ord(char):04X}⟩")
    return "".join(out)


def _is_hidden(char: str) -> bool:
    category = unicodedata.category(char)
    if category == "Zs":
        return char != " "
    point = ord(char)
    is_selector = 0xFE00 <= point <= 0xFE0F or 0xE0100 <= point <= 0xE01EF
    return category in _HIDDEN or is_selector or char in _FILLERS


def as_html(text: str) -> str:
    """The text for an HTML element, all of it as text."""
    return html.escape(visible(text))


def as_code(text: str) -> str:
    """One line of text as a Markdown code span; a line break in it is written as `⟨U+000A⟩`."""
    shown = defang(visible(text, keep=""))
    longest = max((len(run) for run in re.findall("`+", shown)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if shown[:1] in ("`", " ") or shown[-1:] in ("`", " ") else ""
    return f"{fence}{pad}{shown}{pad}{fence}" if shown else ""


_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_IMAGE = re.compile(r"!(?=\[)")
_DEFINITION = re.compile(r"\](?=:)")
_ENTITY = re.compile(r"&(?!(?:amp|lt|gt|quot|nbsp|mdash|ndash|hellip);)(?=#|[A-Za-z][A-Za-z0-9]*;)")
_TARGET = re.compile(r"\](?=\(\s*$)|\]\((?=[\s\\]*(?!https?:|mailto:)[^\s/?#)]*:)", re.IGNORECASE)
_GAP = r"[\s\\\u2060]*"
_SCRIPT = re.compile(
    "(?:"
    + "|".join(_GAP.join(word) for word in ("javascript", "vbscript", "command", "data"))
    + r")(?=[\s\\]*:\S)",
    re.IGNORECASE,
)


def defang(text: str) -> str:
    """One line of Markdown that means no raw HTML, no image, no reference definition, and no link but to the web.

    Joiners are put in, nothing is taken away; so it holds inside and outside code, however a parser cuts the text.
    """
    text = _TAG.sub("<" + _JOINER, text)
    text = _IMAGE.sub("!" + _JOINER, text)
    text = _DEFINITION.sub("]" + _JOINER, text)
    text = _ENTITY.sub("&" + _JOINER, text)
    text = _TARGET.sub(lambda m: m.group() + _JOINER, text)
    return _SCRIPT.sub(lambda m: m.group() + _JOINER, text)


_BREAKS = re.compile(r"\r\n?|[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_FENCE = re.compile(r"( {0,3})(`{3,}|~{3,}) *([^`~\s]*)[^`~]*")
_RUN = re.compile(r"`{3,}|~{3,}")
_LANGUAGE = re.compile(r"[A-Za-z0-9_+#.-]{1,20}")


def safe_markdown(text: str) -> str:
    """Markdown of the model as it may be rendered on a page that trusts it; code is left as it was written.

    JupyterLab does not clean the output of a cell that the user has just run, so this is what stands between the model
    and the page. Where it is not plain that a line is code for every parser, it counts as text.
    """
    text = _BREAKS.sub("\n", text).replace("\0", "\ufffd")
    reader = _Reader()
    for line in text.split("\n"):
        reader.read(line)
    return "\n".join(reader.end())


class _Reader:
    """Reads line by line; `_doubt` is set while a parser may see the fences otherwise than we do."""

    def __init__(self) -> None:
        self._out: list[str] = []
        self._paragraph: list[str] = []
        self._fence: tuple[int, str] | None = None
        self._doubt: str = ""
        self._after_blank = True

    def read(self, line: str) -> None:
        if self._fence is not None:
            self._read_code(line, *self._fence)
        else:
            self._read_text(line)
        self._after_blank = not line.strip()

    def end(self) -> list[str]:
        self._end_paragraph()
        if self._fence is not None:
            indent, mark = self._fence
            self._out.append(" " * indent + mark)
        return self._out

    def _read_code(self, line: str, indent: int, mark: str) -> None:
        bare = line.strip(" ")
        run = len(bare) - len(bare.lstrip(mark[0]))
        depth = len(line) - len(line.lstrip(" "))
        if run == len(bare) and run >= len(mark) and indent <= depth <= 3:
            self._fence = None
        elif (bare and depth < indent) or run >= len(mark):
            self._fence, self._doubt = None, "for good"
            line = defang(line)
        self._out.append(line)

    def _read_text(self, line: str) -> None:
        if self._doubt == "here" and self._after_blank and line[:1] not in ("", " ", "\t"):
            self._doubt = ""
        opening = None if self._doubt else _FENCE.fullmatch(line)
        if opening is not None:
            self._end_paragraph()
            self._fence = (len(opening[1]), opening[2])
            self._out.append(opening[1] + opening[2] + _language(opening[3]))
            return
        run = _RUN.search(line)
        if run is not None and self._doubt != "for good":
            self._doubt = "here" if line[: run.start()].strip() or run.start() > 3 else "for good"
        if self._doubt or not line.strip():
            self._end_paragraph()
            self._out.append(defang(line))
        else:
            self._paragraph.append(line)

    def _end_paragraph(self) -> None:
        """Code spans are left alone where each line closes its own and nothing near could cut them otherwise."""
        spans = [_spans(line) for line in self._paragraph]
        is_plain = None not in spans and not any(set("$~\\") & set(s) for s in self._paragraph)
        for line, found in zip(self._paragraph, spans, strict=True):
            self._out.append(_outside(line, found) if is_plain and found else defang(line))
        self._paragraph.clear()


def _language(word: str) -> str:
    """A fence's language; never Mermaid, which some pages draw, images from elsewhere included."""
    return word if _LANGUAGE.fullmatch(word) and word.lower() != "mermaid" else ""


_URL = re.compile(r"(?:://|www\.|@)\S*\Z", re.IGNORECASE)


def _spans(line: str) -> list[tuple[int, int]] | None:
    """Where code spans start and end; `None` if backticks are left over, or a table or a bare URL could cut a span."""
    runs = [(m.start(), m.end()) for m in re.finditer("`+", line)]
    found: list[tuple[int, int]] = []
    while runs:
        start, end = runs.pop(0)
        closing = next((i for i, (a, b) in enumerate(runs) if b - a == end - start), None)
        if closing is None or "|" in line[start : runs[closing][1]] or _URL.search(line, 0, start):
            return None
        found.append((start, runs[closing][1]))
        runs = runs[closing + 1 :]
    return found


def _outside(line: str, spans: list[tuple[int, int]]) -> str:
    out: list[str] = []
    at = 0
    for start, end in spans:
        out += [defang(line[at:start]), line[start:end]]
        at = end
    return "".join([*out, defang(line[at:])])


_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#+~|$!&-])")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def as_text(text: str, *, markdown: bool = False) -> str:
    """One line of text, with `markdown` so that Markdown shows it as it is."""
    shown = visible(" ".join(text.split("\n")), keep="\t") if text else ""
    return _SPECIAL.sub(r"\\\1", defang(shown)) if markdown else shown


def as_fence(text: str) -> str:
    """Several lines as a Markdown code block that they can't close."""
    shown = visible(_BREAKS.sub("\n", text))
    longest = max((len(run) for run in re.findall(r"[`~]+", shown)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{shown}\n{fence}"


def plain(text: str) -> str:
    """The model's text for a terminal: no control sequences, nothing that turns its direction."""
    return _CONTROL.sub("\ufffd", _BREAKS.sub("\n", text))
