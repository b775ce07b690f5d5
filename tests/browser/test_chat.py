"""A message in the sidebar: the reply streams, tools show as cards, an approved edit is on disk."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import NARROW, OpenPanel, shoot
from tests.browser.lab import Lab
from tests.browser.scripts import call, say, tool_results
from tests.moonshot.process import MoonshotProcess

MARKDOWN = """# Totals

Here is **what I found**, with `code` in a line.

| month | total |
|-------|-------|
| May   | 12    |

```python
def mean(values: list[float]) -> float:
    return sum(values) / len(values)
```

> That is all.
"""
BEFORE = "export const a = 1;\nexport const b = 2;\nexport const c = 3;\n"
AFTER = "export const a = 1;\n" + "".join(f"export const n{i} = {i};\n" for i in range(5))


def test_reply_streams_as_rendered_markdown_with_its_reasoning_folded(
    lab: Lab, api: MoonshotProcess, open_panel: OpenPanel
) -> None:
    api.set_script([say(MARKDOWN, reasoning="First I count.", per_second=20)])
    panel = open_panel(lab)

    panel.ask("What are the totals?")
    expect(panel.root.get_by_role("heading", name="Totals")).to_be_visible()
    assert panel.root.locator("table").count() == 0, "the reply came all at once"
    shoot(panel.page, "streaming")
    panel.wait_idle()

    reply = panel.reply
    expect(reply.locator("strong")).to_have_text("what I found")
    expect(reply.locator("td").nth(1)).to_have_text("12")
    expect(reply.locator("blockquote")).to_have_text("That is all.")
    expect(panel.code.first).to_contain_text("def mean(values: list[float]) -> float:")
    expect(panel.highlighted.first).to_be_visible()
    expect(panel.root.get_by_text("First I count.")).to_be_hidden()
    panel.reasoning.first.click()
    expect(panel.root.get_by_text("First I count.")).to_be_visible()
    shoot(panel.page, "reply")


def test_tokens_and_estimated_cost_appear_under_the_input_after_the_first_turn(
    lab: Lab, api: MoonshotProcess, open_panel: OpenPanel
) -> None:
    api.set_script([say("Hello.")])
    panel = open_panel(lab)
    expect(panel.footer).to_have_count(0)

    panel.ask("Hello")
    panel.wait_idle()

    expect(panel.footer).to_contain_text("tokens")
    expect(panel.footer).to_contain_text("$")


def test_shift_enter_makes_a_new_line_and_enter_sends(
    lab: Lab, api: MoonshotProcess, open_panel: OpenPanel
) -> None:
    seen = len(api.bodies())
    api.set_script([say("Two lines.")])
    panel = open_panel(lab)

    panel.input.click()
    panel.page.keyboard.type("first")
    panel.page.keyboard.press("Shift+Enter")
    panel.page.keyboard.type("second")
    panel.page.keyboard.press("Enter")
    panel.wait_text("Two lines.")

    assert "first\nsecond" in str(api.bodies()[seen]["messages"][-1]["content"])


def test_approved_edit_is_on_disk_byte_for_byte_and_the_model_is_told(
    lab: Lab, api: MoonshotProcess, open_panel: OpenPanel
) -> None:
    file = lab.root / "src" / "utils.ts"
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(BEFORE.encode())
    seen = len(api.bodies())
    api.set_script([call("write_file", path="src/utils.ts", content=AFTER), say("It is written.")])
    panel = open_panel(lab)

    panel.ask("Rewrite it")
    expect(panel.card).to_contain_text("Write file src/utils.ts (+5 −2)")
    assert file.read_bytes() == BEFORE.encode()
    shoot(panel.page, "card-write")
    panel.approve()
    panel.wait_text("It is written.")

    assert file.read_bytes() == AFTER.encode()
    assert panel.card.count() == 0
    (told,) = tool_results(api.bodies()[seen + 1])
    assert "src/utils.ts" in told
    assert "reject" not in told.lower()
    shoot(panel.page, "written")


def test_diff_is_shown_in_lines_and_side_by_side_where_there_is_room(
    lab: Lab, api: MoonshotProcess, open_panel: OpenPanel
) -> None:
    (lab.root / "plan.txt").write_text("one\ntwo\nthree\n", encoding="utf-8")
    api.set_script(
        [call("write_file", path="plan.txt", content="one\nTWO\nthree\n"), say("Left alone.")]
    )
    panel = open_panel(lab)

    panel.ask("Change it")
    panel.card.get_by_role("button", name="View diff").click()
    expect(panel.diff.locator(".jp-mod-removed")).to_contain_text("two")
    expect(panel.diff.locator(".jp-mod-added")).to_contain_text("TWO")
    shoot(panel.page, "diff-narrow")

    panel.widen(950)
    expect(panel.diff_sides.nth(0)).to_contain_text("two")
    expect(panel.diff_sides.nth(1)).to_contain_text("TWO")
    shoot(panel.page, "diff-wide")

    panel.reject()
    panel.wait_idle()


def test_rejected_edit_leaves_the_file_and_ends_the_turn(
    lab: Lab, api: MoonshotProcess, open_panel: OpenPanel
) -> None:
    seen = len(api.bodies())
    api.set_script([call("write_file", path="never.txt", content="x\n"), say("Never said.")])
    panel = open_panel(lab)

    panel.ask("Write it")
    expect(panel.card).to_contain_text("Write file never.txt (+1 −0)")
    panel.reject()
    panel.wait_idle()

    assert not (lab.root / "never.txt").exists()
    assert len(api.bodies()) == seen + 1
    expect(panel.root).to_contain_text("ejected")
    shoot(panel.page, "rejected")


def test_rejected_edit_is_told_to_the_model_with_the_next_message(
    lab: Lab, api: MoonshotProcess, open_panel: OpenPanel
) -> None:
    seen = len(api.bodies())
    api.set_script([call("write_file", path="never.txt", content="x\n"), say("I know.")])
    panel = open_panel(lab)
    panel.ask("Write it")
    panel.reject()
    panel.wait_idle()

    panel.ask("And now?")
    panel.wait_text("I know.")

    (told,) = tool_results(api.bodies()[seen + 1])
    assert "reject" in told.lower()


def test_command_card_shows_command_and_folder_and_the_result_comes_back(
    lab: Lab, api: MoonshotProcess, open_panel: OpenPanel
) -> None:
    seen = len(api.bodies())
    api.set_script([call("execute_command", command="echo from-the-shell"), say("It ran.")])
    panel = open_panel(lab)

    panel.ask("Run it")
    expect(panel.card).to_contain_text("echo from-the-shell")
    for name in ("Approve", "Approve & remember", "Reject"):
        expect(panel.card.get_by_role("button", name=name, exact=True)).to_be_visible()
    shoot(panel.page, "card-command")
    panel.approve()
    panel.wait_text("It ran.")

    (told,) = tool_results(api.bodies()[seen + 1])
    assert "from-the-shell" in told
    assert "0" in told


def test_remembered_command_is_in_the_settings_and_asks_no_more(
    lab: Lab, api: MoonshotProcess, open_panel: OpenPanel
) -> None:
    command = "echo remember.me"
    seen = len(api.bodies())
    api.set_script([call("execute_command", command=command), say("Once.")])
    panel = open_panel(lab)
    panel.ask("Run it")
    panel.answer("Approve & remember")
    panel.wait_text("Once.")
    assert r"^echo\ remember\.me$" in (lab.setting("kimi.autoApprove.commands") or [])

    api.set_script([call("execute_command", command=command), say("Twice.")])
    panel.ask("Again")
    panel.wait_text("Twice.")

    assert panel.card.count() == 0
    told = tool_results(api.bodies()[seen + 3])
    assert len(told) == 2
    assert all("remember.me" in each for each in told)


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_panel_can_be_used_narrow_and_wide_in_both_themes(
    lab: Lab, api: MoonshotProcess, open_panel: OpenPanel, theme: str
) -> None:
    api.set_script(
        [say(MARKDOWN), call("write_file", path=f"{theme}.txt", content="x\n"), say("Done.")]
    )
    panel = open_panel(lab)
    panel.set_theme(theme)
    panel.ask("Totals?")
    panel.wait_idle()
    panel.ask("Write")
    expect(panel.card).to_be_visible()
    name = theme.rsplit(" ", 1)[1].lower()
    shoot(panel.page, f"wide-{name}")

    panel.page.set_viewport_size(NARROW)
    shoot(panel.page, f"narrow-{name}")

    approve = panel.card.get_by_role("button", name="Approve", exact=True)
    expect(approve).to_be_in_viewport()
    panel.approve()
    panel.wait_text("Done.")
