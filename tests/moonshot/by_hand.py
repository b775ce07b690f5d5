"""The default script of the program: good for trying the whole product without a key."""

from __future__ import annotations

import re
from dataclasses import replace

from tests.moonshot.script import FAILURES, Answer, Body, Call, Reply, call

HELP = """\
I am a **simulated** Moonshot API. Try:

| message | what I do |
|---|---|
| `list` | call `list_files` |
| `read notes.md` | call `read_file` |
| `search word` | call `search_files` |
| `write notes.md` | call `write_file` |
| `edit notes.md` | read it, then call `apply_diff` |
| `run ls -la` | call `execute_command` |
| `long 20000` | answer with that many characters |
| `fail rate_limited` | one of rate_limited, daily_limit, overloaded, no_money, server_error, gateway_timeout, high_risk |
| `fault stall` | one of stall, cut, cut_before_done, no_done, no_finish, error_event |

```python
def mean(values: list[float]) -> float:
    return sum(values) / len(values)
```

The mean of $n$ values is $\\bar{x} = \\frac{1}{n} \\sum_{i=1}^{n} x_i$.
"""
_PARAGRAPH = (
    "This is **paragraph {n}** of a long reply, with `code`, a [link](https://example.org) and a list:\n\n"
    "- first\n- second\n\n```python\nfor i in range({n}):\n    print(i)\n```\n\n"
)


def long_text(length: int) -> str:
    """Markdown of exactly this many characters."""
    parts: list[str] = []
    size = 0
    while size < length:
        parts.append(_PARAGRAPH.replace("{n}", str(len(parts) + 1)))
        size += len(parts[-1])
    return "".join(parts)[:length]


class ByHand:
    """Answers by the words of the last message."""

    def __init__(
        self, *, length: int = 0, chunks_per_second: float = 0, chunk_size: int = 4
    ) -> None:
        self._length = length
        self._pace = Reply(chunks_per_second=chunks_per_second, chunk_size=chunk_size)
        self._has_failed: set[str] = set()

    def __call__(self, body: Body) -> Answer:
        answer = self._answer(body)
        if isinstance(answer, Reply):
            pace = self._pace
            return replace(
                answer, chunks_per_second=pace.chunks_per_second, chunk_size=pace.chunk_size
            )
        return answer

    def _answer(self, body: Body) -> Answer:
        last = body["messages"][-1]
        text = _last_words(body)
        if last["role"] == "tool":
            return self._after_tool(body, text, str(last["content"]))
        word, _, rest = text.partition(" ")
        if word in ("fail", "fault"):
            return self._fault(word, rest, len(body["messages"]))
        if word == "long" or self._length:
            length = int(rest) if word == "long" and rest.isdigit() else self._length or 20_000
            return Reply(long_text(length), reasoning="The user wants a long reply.")
        made = _tool_call(word, rest.strip())
        if made is None:
            return Reply(HELP, reasoning="The user says something; I explain what I can do.")
        return Reply(
            f"I call `{made.name}`.", reasoning="I need a tool for that.", tool_calls=(made,)
        )

    def _fault(self, word: str, rest: str, position: int) -> Answer:
        """Fails once at each place of the conversation, so that a retry or a second message succeeds."""
        key = f"{word} {rest} {position}"
        if key in self._has_failed:
            return Reply(f"After `{word} {rest}` this is a good reply.", reasoning="It works now.")
        self._has_failed.add(key)
        if word == "fail":
            return FAILURES.get(rest, FAILURES["server_error"])()
        return Reply(
            "This reply is going to break.", reasoning="Hm.", fault=rest or "cut", fault_after=6
        )  # type: ignore[arg-type]

    def _after_tool(self, body: Body, text: str, result: str) -> Reply:
        word, _, path = text.partition(" ")
        called = [
            c["function"]["name"] for m in body["messages"] for c in m.get("tool_calls") or ()
        ]
        if word == "edit" and called[-1] == "read_file":
            line = _first_line(result)
            if line:
                hunks = [{"search": line, "replace": f"{line} (edited)"}]
                edit = call("apply_diff", path=path.strip(), hunks=hunks)
                return Reply("I change the first line.", reasoning="", tool_calls=(edit,))
        quoted = result if len(result) < 500 else result[:500] + " ..."
        return Reply(f"The tool said:\n\n````\n{quoted}\n````", reasoning="Now I can answer.")


def _last_words(body: Body) -> str:
    """What the user typed last: the last line that is not in an attachment's or a note's tags."""
    content = next(m["content"] for m in reversed(body["messages"]) if m["role"] == "user")
    if isinstance(content, list):
        content = "\n".join(part.get("text", "") for part in content)
    words = r"(?m)^(?:list|read|search|write|edit|run|long|fail|fault)\b.*$"
    found = re.search(words, content.strip())
    return found.group(0).strip() if found else content.strip()


def _first_line(result: str) -> str:
    """The first line of a file as `read_file` shows it, its number left out."""
    for line in result.splitlines():
        text = re.sub(r"^\s*\d+\s*[\t|:→]\s?", "", line)
        if re.match(r"^\s*\d+\s*[\t|:→]", line) and text.strip():
            return text
    return next((line for line in result.splitlines() if line.strip()), "")


def _tool_call(word: str, rest: str) -> Call | None:
    if word == "list":
        return call("list_files", path=rest or ".")
    if word == "read":
        return call("read_file", path=rest)
    if word == "search":
        return call("search_files", pattern=rest)
    if word == "write":
        path = rest or "kimi_notes.md"
        return call("write_file", path=path, content="# Notes\n\nWritten by the simulator.\n")
    if word == "edit":
        return call("read_file", path=rest)
    if word == "run":
        return call("execute_command", command=rest)
    return None
