"""Nothing but a person's click on the card approves: no output, no command of JupyterLab, no script's click."""

from __future__ import annotations

import json

from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPanel, shoot
from tests.browser.lab import Lab
from tests.browser.panel import Panel
from tests.browser.payloads import SAME
from tests.browser.scripts import call, say
from tests.browser.traffic import Traffic
from tests.moonshot.process import MoonshotProcess

OVER = """css => {
  const over = document.createElement('div');
  over.id = 'over';
  over.textContent = 'Tidy the workspace?';
  over.style.cssText = 'position:fixed;z-index:99999;background:white;' + css;
  const box = document.querySelector('.jp-Kimi-askTitle').getBoundingClientRect();
  Object.assign(over.style, { left: `${box.left}px`, top: `${box.top - 20}px`,
    width: `${box.width}px`, height: `${box.height + 60}px` });
  document.body.append(over);
}"""


def asking(lab: Lab, api: MoonshotProcess, open_panel: OpenPanel, name: str) -> Panel:
    """A tab with an open card for a command that would make a file."""
    api.set_script([call("execute_command", command=f"touch {name}"), say("Done.")])
    panel = open_panel(lab)
    panel.ask("Go")
    expect(panel.card).to_contain_text(f"touch {name}")
    return panel


def our_commands(page: Page) -> list[str]:
    return page.evaluate(
        "() => window.jupyterapp.commands.listCommands().filter(id => id.startsWith('kimi'))"
    )


def close_dialogs(page: Page) -> None:
    """Say no to whatever JupyterLab asks."""
    page.evaluate("() => new Promise(requestAnimationFrame)")
    dialogs = page.locator(".jp-Dialog")
    while (left := dialogs.count()) > 0:
        dialogs.last.locator(".jp-Dialog-button").first.click()
        expect(dialogs).to_have_count(left - 1)


def untrusted(path: str, lab: Lab, html: str) -> None:
    """A notebook that somebody else has saved, this output in it."""
    output: dict[str, object] = {
        "output_type": "display_data",
        "data": {"text/html": html},
        "metadata": {},
    }
    code: dict[str, object] = {
        "cell_type": "code",
        "source": "1",
        "outputs": [output],
        "execution_count": None,
    }
    text: dict[str, object] = {"cell_type": "markdown", "source": html}
    notebook: dict[str, object] = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3"}},
        "cells": [{**cell, "id": f"c{i}", "metadata": {}} for i, cell in enumerate((code, text))],
    }
    (lab.root / path).write_text(json.dumps(notebook), encoding="utf-8")


def test_c6_click_of_a_script_and_a_click_too_early_do_not_count(
    lab: Lab, api: MoonshotProcess, open_panel: OpenPanel
) -> None:
    panel = asking(lab, api, open_panel, "by-script")
    approve = panel.card.get_by_role("button", name="Approve", exact=True)
    expect(approve).to_be_enabled()
    approve.evaluate(
        """button => {
          button.click();
          for (const type of ['pointerdown', 'mousedown', 'mouseup', 'click']) {
            button.dispatchEvent(new MouseEvent(type, { bubbles: true, cancelable: true, composed: true }));
          }
          button.focus();
          for (const type of ['keydown', 'keypress', 'keyup']) {
            button.dispatchEvent(new KeyboardEvent(type, { key: 'Enter', code: 'Enter', bubbles: true }));
          }
        }"""
    )
    expect(panel.card).to_be_visible()
    assert not (lab.root / "by-script").exists()
    panel.approve()
    panel.wait_text("Done.")
    assert (lab.root / "by-script").exists(), "a person's click counts"


def test_c6_no_command_of_ours_answers_sends_or_changes_the_mode(
    lab: Lab, api: MoonshotProcess, open_panel: OpenPanel
) -> None:
    panel = asking(lab, api, open_panel, "by-command")
    seen = len(api.bodies())
    traffic = Traffic(panel.page)
    commands = our_commands(panel.page)
    assert len(commands) >= 10
    assert not [
        c
        for c in commands
        if any(word in c for word in ("approve", "deny", "reject", "mode", "send"))
    ]
    modes = panel.root.get_by_role("radio", checked=True)
    mode = modes.first.inner_text()
    for id in commands:
        if id.endswith(":stop"):
            continue  # it ends a turn, which is safe
        panel.page.evaluate(
            "id => void window.jupyterapp.commands.execute(id, { text: 'x', mode: 'bypass', decision: 'approve' }).catch(() => null)",
            id,
        )
        close_dialogs(panel.page)

    sent = [json.loads(frame).get("type") for frame in traffic.frames if frame.startswith("{")]
    assert not {"ask.answer", "turn.start", "mode.set", "model.set"} & set(sent)
    assert len(api.bodies()) == seen
    assert modes.first.inner_text() == mode
    assert not (lab.root / "by-command").exists()


def test_c6_cve_2026_42557_outputs_of_a_saved_notebook_act_on_nothing_of_ours(
    lab: Lab, api: MoonshotProcess, open_panel: OpenPanel
) -> None:
    panel = asking(lab, api, open_panel, "by-output")
    commands = our_commands(panel.page)
    buttons = "".join(
        f'<button class="trap" data-commandlinker-command="{id}" data-commandlinker-args="{{}}">{id}</button>'
        for id in commands
        if not id.endswith(":stop")
    )
    untrusted(
        "trap.ipynb",
        lab,
        f'{buttons}<form action="/kimi/tasks" method="post" enctype="text/plain"><button>Send</button></form><img src="{SAME}/i">'
        f'<meta http-equiv="refresh" content="0;url={SAME}/m"><script>window.__pwn=1</script>'
        '<div class="jp-Kimi-ask" style="position:fixed;inset:0;z-index:9999"><button data-decision="approve">Approve</button></div>',
    )
    seen = len(api.bodies())
    traffic = Traffic(panel.page)
    panel.page.evaluate(
        "() => window.jupyterapp.commands.execute('docmanager:open', { path: 'trap.ipynb', factory: 'Notebook' }).then(() => null)"
    )
    output = panel.page.locator(".jp-NotebookPanel .jp-OutputArea-output").first
    expect(output).to_contain_text("Approve")
    close_dialogs(panel.page)
    asked = 0
    for button in output.locator("button.trap, .jp-Kimi-ask button").all():
        button.dispatch_event("click")
        run = panel.page.get_by_role("button", name="Run Once")
        if run.count() > 0:
            run.click()
            asked += 1
        close_dialogs(panel.page)
    assert asked or panel.page.locator(".jp-Kimi-greeting").count(), "the trap never fired"
    shoot(panel.page, "trap")

    sent = [json.loads(frame).get("type") for frame in traffic.frames if frame.startswith("{")]
    assert not {"ask.answer", "turn.start", "mode.set", "model.set"} & set(sent)
    assert panel.page.evaluate("() => window.__pwn") is None
    assert len(api.bodies()) == seen
    assert not (lab.root / "by-output").exists()

    with panel.page.expect_navigation() as sent_form:
        output.locator("form button").evaluate("button => button.click()")
    assert sent_form.value is not None
    assert sent_form.value.status == 403, (
        "JupyterLab lets forms through: the token of the page holds"
    )


def test_c6_card_that_something_lies_over_takes_no_approval_and_says_so(
    lab: Lab, api: MoonshotProcess, open_panel: OpenPanel
) -> None:
    panel = asking(lab, api, open_panel, "covered")
    approve = panel.card.get_by_role("button", name="Approve", exact=True)
    expect(approve).to_be_enabled()
    for css in ("", "pointer-events:none"):
        panel.page.evaluate(OVER, css)
        approve.click()
        expect(panel.card).to_contain_text("Something lies over this card")
        shoot(panel.page, "covered")
        panel.page.evaluate("() => document.getElementById('over').remove()")
    assert not (lab.root / "covered").exists()

    panel.approve()
    panel.wait_text("Done.")
    assert (lab.root / "covered").exists()


def test_c6_danger_c7_script_of_an_output_that_is_trusted_has_the_users_own_power(
    lab: Lab, api: MoonshotProcess, open_panel: OpenPanel
) -> None:
    """The limit that SECURITY.md states: a script in the page can do what its user can, our routes included."""
    panel = open_panel(lab)
    status = panel.page.evaluate(
        """async () => {
          const xsrf = document.cookie.match(/_xsrf=([^;]*)/)?.[1] ?? '';
          const answer = await fetch('/kimi/tasks', { method: 'POST', body: '{}', headers: { 'X-XSRFToken': xsrf } });
          return answer.status;
        }"""
    )
    assert status == 201


def test_c7_script_of_an_untrusted_output_does_not_run_and_no_request_goes_without_the_token(
    lab: Lab, api: MoonshotProcess, open_panel: OpenPanel
) -> None:
    panel = asking(lab, api, open_panel, "by-output-script")
    script = "<script>window.__pwn=1;fetch('/kimi/tasks',{method:'POST',body:'{}'})</script>"
    untrusted("script.ipynb", lab, f'<p>Here</p>{script}<img src=x onerror="window.__pwn=1">')
    traffic = Traffic(panel.page)
    panel.page.evaluate(
        "() => window.jupyterapp.commands.execute('docmanager:open', { path: 'script.ipynb' }).then(() => null)"
    )
    expect(panel.page.locator(".jp-OutputArea-output").first).to_contain_text("Here")
    assert panel.page.evaluate("() => window.__pwn") is None
    assert not [url for url in traffic.urls if url.endswith("/kimi/tasks")]
    status = panel.page.evaluate(
        "async () => (await fetch('/kimi/tasks', { method: 'POST', body: '{}' })).status"
    )
    assert status == 403, "a request without the token of the page is refused"
    assert not (lab.root / "by-output-script").exists()
