"""The pieces of a cell's output in words: Markdown for a page, text for a terminal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from kimi_jupyter.history.fold import (
    End,
    MessageItem,
    NoticeItem,
    ToolItem,
    ToolStatus,
    UsageTotal,
)
from kimi_jupyter.history.view import BackgroundState, Rewind
from kimi_jupyter.kernel.visible import as_code, as_fence, as_html, as_text, plain, safe_markdown
from kimi_jupyter.protocol.commands import Refusal
from kimi_jupyter.protocol.events import AskClosed, AskOpened, Retrying, TodoChanged
from kimi_jupyter.safety.pictures import Picture

_THINK_SHOWN = 4_000
_OUTPUT_SHOWN = 2_000
_LIVE_SHOWN = 800

_MARKS: dict[ToolStatus, str] = {
    "waiting": "…",
    "asking": "?",
    "running": "…",
    "done": "✓",
    "failed": "✗",
    "rejected": "✗",
    "unknown": "?",
}
_DECIDED = {
    "approve": "Approved",
    "approve_task": "Approved for this task",
    "approve_remember": "Approved and remembered",
    "reject": "Rejected",
    "cancelled": "Cancelled",
}


@dataclass(frozen=True, slots=True)
class Piece:
    """One output of the cell; `source` is the model's Markdown for a reply, else Markdown of ours."""

    key: str
    source: str
    plain: str
    kind: Literal["reply", "ours"] = "ours"
    is_open: bool = False
    """It may still change; a terminal waits with it, unless it is a reply, which only grows."""
    image: str = ""
    """The `data:` URL of an image that a page draws in the place of text."""

    def bundle(self) -> dict[str, str]:
        """What is displayed, by its MIME types."""
        if self.image:
            head, _, data = self.image.partition(";base64,")
            return {head.removeprefix("data:"): data, "text/plain": self.plain}
        return {"text/markdown": self.markdown(), "text/plain": self.plain}

    def markdown(self) -> str:
        """What a page may draw."""
        return safe_markdown(self.source) if self.kind == "reply" else self.source


def thinking(key: str, text: str, *, is_thinking: bool, ms: int) -> Piece:
    """The reasoning, folded and cut to its end while it goes on."""
    seconds = round(ms / 1000)
    head = "Thinking…" if is_thinking else (f"Thought for {seconds} s" if seconds else "Thoughts")
    shown = text.strip()
    if len(shown) > _THINK_SHOWN:
        shown = "… " + shown[-_THINK_SHOWN:] if is_thinking else shown[:_THINK_SHOWN] + " …"
    body = f"<details><summary>{head}</summary>\n\n{safe_markdown(shown)}\n\n</details>"
    return Piece(key, body, f"[{head}]", is_open=is_thinking)


def notice(key: str, item: NoticeItem) -> Piece:
    """A sentence for the user; it may hold Markdown of ours and names from outside."""
    marks = {"info": "", "warning": "⚠ ", "error": "✗ "}
    return Piece(
        key, marks[item.level] + safe_markdown(item.text), marks[item.level] + plain(item.text)
    )


def joined(key: str, item: MessageItem) -> Piece:
    """A message that the user sent while the turn ran."""
    text = f"You added: {item.text}"
    return Piece(key, f"> {as_text(text, markdown=True)}", f"> {as_text(text)}")


def question(key: str, text: str, closed: AskClosed) -> Piece:
    """What was asked, and the answer."""
    where = " (in the sidebar)" if closed.by == "browser" else ""
    if closed.decision == "approve":
        mark, answer = "✓ ", closed.comment or "yes"
    else:
        mark, answer = "✗ ", "cancelled" if closed.decision == "cancelled" else "no answer"
        answer += f" ({closed.comment})" if closed.comment else ""
    asked, told = as_text(text, markdown=True), as_text(answer, markdown=True)
    return Piece(
        key,
        f"{mark}{asked} — **{told}**{where}",
        f"{mark}{as_text(text)} — {as_text(answer)}{where}",
    )


def compacted(key: str) -> Piece:
    """The mark where older conversation was replaced by a summary."""
    text = "What stands above was summed up for the model."
    return Piece(key, f"*{text}*", f"[{text}]")


def rewound(item: Rewind) -> Piece:
    """The conversation went back, and what became of the files."""
    if item.undone:
        text = "What was taken back counts again."
    else:
        text = "The conversation went back to before its last messages."
    text += f" Put back: {', '.join(item.restored)}." if item.restored else ""
    text += f" Left alone, because changed since: {', '.join(item.kept)}." if item.kept else ""
    return Piece("rewound", f"↶ {as_text(text, markdown=True)}", f"↶ {as_text(text)}")


def background(key: str, title: str, state: BackgroundState) -> list[Piece]:
    """A command that went on by itself, and its end."""
    lines = [(f"{key}:background", "↷ Goes on in the background: ", "")]
    if state.ended:
        lines.append((f"{key}:ended", "■ The background command ended: ", f" — {state.summary}"))
    return [
        Piece(
            place,
            f"{head}{as_code(title)}{as_text(tail, markdown=True)}",
            f"{head}{as_text(title)}{as_text(tail)}",
        )
        for place, head, tail in lines
    ]


def ended_elsewhere(call: str, summary: str) -> Piece:
    """A background command of an earlier turn is over."""
    text = f"■ A background command of an earlier message ended — {summary}"
    return Piece(f"ended:{call}", as_text(text, markdown=True), as_text(text))


def tool(
    key: str, item: ToolItem, closed: AskClosed | None, chosen: tuple[int, int] | None
) -> Piece:
    """One call: what it is, how far it is, and for a command or a failure what came out.

    `chosen` is how many of how many changes were approved, where it was a part.
    """
    how = _how(closed, chosen)
    head = f"{_MARKS[item.status]} {how + ': ' if how else ''}"
    says_more = item.summary not in item.title and item.status != "rejected"
    tail = f" — {item.summary}" if says_more else ""
    text = f"{head}{as_text(item.title)}{as_text(tail)}"
    is_open = item.status in ("waiting", "asking", "running")
    output = _output(item)
    if not output:
        line = f"{head}{as_code(item.title)}{as_text(tail, markdown=True)}"
        return Piece(key, line, text, is_open=is_open)
    summary = f"{as_html(head)}<code>{as_html(item.title)}</code>{as_html(tail)}"
    opened = " open" if is_open else ""
    body = f"<details{opened}><summary>{summary}</summary>\n\n{as_fence(output)}\n\n</details>"
    return Piece(key, body, text, is_open=is_open)


def image(key: str, url: str, picture: Picture) -> Piece:
    """An image that a tool showed to the model."""
    return Piece(key, f"*[{picture}]*", f"[{picture}]", image=url)


def _how(closed: AskClosed | None, chosen: tuple[int, int] | None) -> str:
    if closed is None:
        return ""
    part = f" {chosen[0]} of {chosen[1]} changes" if chosen is not None else ""
    where = " in the sidebar" if closed.by == "browser" else ""
    said = f" ({as_text(closed.comment)})" if closed.comment else ""
    return f"{_DECIDED[closed.decision]}{part}{where}{said}"


def _output(item: ToolItem) -> str:
    if item.status == "running":
        return _cut(item.output, _LIVE_SHOWN, from_end=True)
    is_shown = item.name == "execute_command" and item.status == "done"
    return _cut(item.output, _OUTPUT_SHOWN) if is_shown or item.status == "failed" else ""


def _cut(text: str, size: int, *, from_end: bool = False) -> str:
    text = text.strip("\n")
    if len(text) <= size:
        return text
    return (
        "…\n" + text[-size:]
        if from_end
        else text[:size] + "\n… (the rest is in the task's history)"
    )


def superseded(key: str, ask: AskOpened) -> Piece:
    """A card that no longer counts, because what it showed has changed."""
    title = ask.effect.title
    why = "the file has changed since this card was drawn; it is asked again below"
    return Piece(key, f"✗ {as_code(title)} — {why}", f"✗ {as_text(title)} — {why}")


def retry(event: Retrying) -> Piece:
    """A request failed and is sent again."""
    seconds = max(1, round(event.wait_ms / 1000))
    text = f"Trying again in {seconds} s (try {event.attempt} of {event.attempts}): {event.why}"
    return Piece("retry", f"⚠ {as_text(text, markdown=True)}", f"⚠ {as_text(text)}", is_open=True)


def todo(event: TodoChanged, *, is_open: bool) -> Piece:
    """The agent's plan as a list."""
    boxes = {"open": "☐", "active": "▸", "done": "☑"}
    lines = [f"- {boxes[item.status]} {as_text(item.text, markdown=True)}" for item in event.items]
    texts = [f"{boxes[item.status]} {as_text(item.text)}" for item in event.items]
    return Piece("todo", "\n".join(lines), "\n".join(texts), is_open=is_open)


def told(number: int, text: str) -> Piece:
    """A sentence of the cell's own."""
    return Piece(f"told:{number}", f"⚠ {as_text(text, markdown=True)}", f"⚠ {text}")


def refusal(number: int, item: Refusal) -> Piece:
    """A command of ours that was not taken."""
    return Piece(f"refusal:{number}", f"✗ {safe_markdown(item.why)}", f"✗ {plain(item.why)}")


def failure(text: str) -> Piece:
    """The turn could not be started or followed."""
    return Piece("failure", f"✗ {safe_markdown(text)}", f"✗ {plain(text)}")


def end(key: str, ended: End) -> list[Piece]:
    """Why the turn stopped, where it did not just end."""
    if ended.reason == "done" and not ended.message:
        return []
    stopped = {"stopped": "Stopped.", "interrupted": "Interrupted."}
    text = ended.message or stopped.get(ended.reason, f"The turn ended: {ended.reason}.")
    mark = "✗ " if ended.reason == "error" else "■ "
    return [Piece(key, mark + safe_markdown(text), mark + plain(text))]


def cost(usage: UsageTotal, model: str) -> Piece:
    """What the turn used, in one line."""
    parts = [f"{_tokens(usage.prompt_tokens)} tokens in"]
    if usage.cached_tokens and usage.prompt_tokens:
        parts[0] += f" ({round(100 * usage.cached_tokens / usage.prompt_tokens)}% cached)"
    parts.append(f"{_tokens(usage.completion_tokens)} out")
    if usage.cost is not None:
        parts.append(f"about ${usage.cost:.4f}")
    text = " · ".join(([as_text(model)] if model else []) + parts)
    return Piece("cost", f"*{as_text(text, markdown=True)}*", f"[{text}]")


def _tokens(count: int) -> str:
    return f"{count:,}" if count < 10_000 else f"{count / 1000:.1f}k"
