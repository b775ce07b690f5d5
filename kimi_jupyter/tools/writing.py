"""What write_file and apply_diff share: the effect of a new text, and the write that an approval binds to it."""

from __future__ import annotations

from kimi_jupyter.agent.tool import Result, Work
from kimi_jupyter.protocol.effects import Effect
from kimi_jupyter.protocol.errors import FileChanged
from kimi_jupyter.safety import files
from kimi_jupyter.safety.files import TextFile
from kimi_jupyter.safety.names import shortened
from kimi_jupyter.tools.common import count, fingerprint, shown


def effect(
    tool: str, verb: str, path: str, before: TextFile | None, after: str, work: Work
) -> Effect:
    """The effect of putting `after` in the file's place; one without a diff where the bytes stay the same."""
    diff = files.diff(path, before, after)
    title = f"{verb} {path} (+{diff.added} −{diff.removed})"
    if before is not None and diff.before_hash == diff.after_hash:
        return Effect(kind="read", title=title, paths=(path,), digest=fingerprint(tool, path))
    return Effect(
        kind="write",
        title=title,
        paths=(path,),
        diff=diff,
        digest=fingerprint(
            tool, path, work.workspace.real(path), diff.before_hash, diff.after_hash
        ),
    )


def write(effect: Effect, before: TextFile | None, after: str, work: Work) -> Result:
    """Do what the effect shows; `FileChanged` where the file, or what would be written, is another by now."""
    diff = effect.diff
    path = effect.paths[0]
    if diff is None:
        raise FileChanged(f"There is nothing to write to {shortened(path)}.")
    present = before.digest if before else ""
    data = files.encode(after, before)
    if present != diff.before_hash or files.digest(data) != diff.after_hash:
        raise FileChanged(f"{shortened(path)} changed since this was shown; nothing was written.")
    files.replace(work.workspace, path, data, expected=diff.before_hash)
    return Result(
        ok=True,
        output=_report(path, before, after, diff.added, diff.removed, work),
        summary=f"+{diff.added} −{diff.removed}",
        diff=diff,
    )


def _report(
    path: str, before: TextFile | None, after: str, added: int, removed: int, work: Work
) -> str:
    lines = after.count("\n") + (not after.endswith("\n") and bool(after))
    what = "Created" if before is None else "Wrote"
    text = f"{what} {shown(path, work)}: {count(lines, 'line')}, +{added} −{removed}."
    if before is None:
        return text
    now = files.encoding_for(after, before)
    if now != before.encoding:
        return f"{text} The encoding was {before.encoding} and is {now}, as the first lines say."
    form = describe_form(before)
    return f"{text} Kept: {form}." if form else text


def describe_form(file: TextFile) -> str:
    """What is unusual in a file's form: encoding, byte order mark, line ends; empty for plain UTF-8 with `\\n`."""
    found: list[str] = []
    if file.encoding != "utf-8" or file.bom:
        found.append(file.encoding + (" with byte order mark" if file.bom else ""))
    if file.ends != ("\n",):
        kinds = {"\r\n": "CRLF", "\r": "CR", "\n": "LF"}
        names = [kinds[end] for end in dict.fromkeys(file.ends)]
        found.append(" and ".join(names) + " line ends")
    return ", ".join(found)
