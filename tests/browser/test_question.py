"""A question of the agent in the sidebar: its answer reaches the model and stays readable."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.conftest import OpenPanel
from tests.browser.lab import Lab
from tests.browser.looks import faults
from tests.browser.scripts import Step, call, say, tool_results
from tests.moonshot.process import MoonshotProcess

QUESTION = "Which file format shall the monthly report be written in, given that both are read?"


def question(*options: str) -> Step:
    return call("ask_user", question=QUESTION, options=list(options))


def test_chosen_option_reaches_the_model_and_stands_on_the_card(
    lab: Lab, api: MoonshotProcess, open_panel: OpenPanel
) -> None:
    seen = len(api.bodies())
    api.set_script([question("CSV, as before", "Parquet"), say("Parquet it is.")])
    panel = open_panel(lab)

    panel.ask("Write the report")
    expect(panel.card).to_contain_text(QUESTION)
    assert faults(panel, "question") == []
    panel.answer("Parquet")
    panel.wait_text("Parquet it is.")

    (told,) = tool_results(api.bodies()[seen + 1])
    assert told.startswith("The user answered: Parquet")
    expect(panel.tool).to_contain_text(QUESTION)
    expect(panel.tool).to_contain_text("→ Parquet")
    expect(panel.tool).not_to_contain_text("approved")
    assert faults(panel, "answered") == []


def test_own_words_answer_a_question(lab: Lab, api: MoonshotProcess, open_panel: OpenPanel) -> None:
    seen = len(api.bodies())
    api.set_script([question("CSV"), say("So be it.")])
    panel = open_panel(lab)
    panel.ask("Write the report")
    expect(panel.card.get_by_role("button", name="Answer", exact=True)).to_be_disabled()

    panel.card.get_by_label("Your answer").fill("JSON, one object a line")
    panel.answer("Answer")
    panel.wait_text("So be it.")

    (told,) = tool_results(api.bodies()[seen + 1])
    assert told.startswith("The user answered: JSON, one object a line")
    expect(panel.tool).to_contain_text("JSON, one object a line")


def test_question_without_an_answer_ends_the_turn_and_says_so(
    lab: Lab, api: MoonshotProcess, open_panel: OpenPanel
) -> None:
    seen = len(api.bodies())
    api.set_script([question(), say("Never said.")])
    panel = open_panel(lab)
    panel.ask("Write the report")

    panel.answer("No answer")
    panel.wait_idle()

    assert len(api.bodies()) == seen + 1
    expect(panel.tool).to_contain_text("no answer")
    expect(panel.tool).not_to_contain_text("rejected")


def test_question_is_answered_with_the_keyboard_alone_option_by_option(
    lab: Lab, api: MoonshotProcess, open_panel: OpenPanel
) -> None:
    seen = len(api.bodies())
    api.set_script([question("CSV", "Parquet"), say("By keys.")])
    panel = open_panel(lab)
    panel.ask("Write the report")
    first = panel.card.get_by_role("button", name="CSV")
    expect(first).to_be_enabled()

    first.focus()
    order: list[str] = []
    for _ in range(5):
        order.append(
            panel.page.evaluate(
                "() => document.activeElement.ariaLabel || document.activeElement.innerText"
            )
        )
        panel.page.keyboard.press("Tab")
    assert order[:4] == ["CSV", "Parquet", "Your answer", "No answer"]

    panel.card.get_by_role("button", name="Parquet").focus()
    panel.page.keyboard.press("Enter")
    panel.wait_text("By keys.")
    (told,) = tool_results(api.bodies()[seen + 1])
    assert told.startswith("The user answered: Parquet")
