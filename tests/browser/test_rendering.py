"""Whatever the model, a file or a command says: the page fetches nothing for it and runs nothing of it."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPanel, shoot
from tests.browser.lab import Lab
from tests.browser.panel import Panel
from tests.browser.payloads import EVIL, FETCHING, MUTATING, NAMES
from tests.browser.scripts import call, say
from tests.browser.traffic import Traffic
from tests.moonshot.process import MoonshotProcess

CORPUS = "\n\n".join((*FETCHING, *MUTATING))
NAME = '<img src=x onerror="window.__pwn=1">'


def is_untouched(page: Page) -> bool:
    """Nothing has run, and nothing stands where the page's own names should."""
    return page.evaluate(
        """() => window.__pwn === undefined && typeof window.jupyterapp?.commands?.execute === 'function'
          && typeof document.querySelector === 'function' && typeof document.cookie === 'string'
          && document.getElementById('jupyter-config-data')?.localName === 'script'"""
    )


def elements(panel: Panel) -> list[str]:
    """What may not be in a chat: elements that load or act, and attributes that run."""
    return panel.root.evaluate(
        """root => [...root.querySelectorAll('.jp-Kimi-log *')].filter(e =>
            (/^(iframe|object|embed|script|style|link|meta|base|form|video|audio|source|track|image|math)$/.test(e.localName)
              || [...e.attributes].some(a => /^on|^srcset$|^ping$|^srcdoc$|^background$|^data-command/.test(a.name))
              || e.localName === 'img' && !e.src.startsWith('data:image/'))
            && e.closest('svg, mjx-container') === null).map(e => e.outerHTML.slice(0, 200))"""
    )


def test_f1_danger_the_corpus_fetches_and_runs_where_it_is_put_into_a_page(
    lab: Lab, open_panel: OpenPanel
) -> None:
    panel = open_panel(lab)
    traffic = Traffic(panel.page)
    panel.page.evaluate(
        """forms => forms.filter(form => !/http-equiv|<base|<form/.test(form)).forEach(form => {
          const host = document.createElement('div');
          document.body.append(host);
          host.innerHTML = form;
        })""",
        [*FETCHING, *MUTATING],
    )
    assert len(set(traffic.caught())) > 40
    assert panel.page.evaluate("() => window.__pwn") == 1


def test_f1_f3_a_reply_and_its_reasoning_load_and_run_nothing_while_they_stream_and_after(
    lab: Lab, api: MoonshotProcess, open_panel: OpenPanel
) -> None:
    api.set_script([say(CORPUS, reasoning=CORPUS, per_second=60, size=131)])
    panel = open_panel(lab)
    traffic = Traffic(panel.page)
    panel.ask("Draw")
    panel.root.get_by_role("button", name=re.compile("^Th")).first.click()
    panel.wait_idle()
    expect(panel.root.locator(".jp-Kimi-thoughts .jp-Kimi-block").last).to_be_attached()

    assert traffic.caught() == []
    assert traffic.foreign(lab.address) == []
    assert elements(panel) == []
    assert is_untouched(panel.page)
    assert panel.root.locator(".jp-Kimi-unloaded").count() > 20
    shoot(panel.page, "hostile-reply")


def test_f1_f4_names_results_questions_plans_and_errors_are_text(
    lab: Lab, api: MoonshotProcess, open_panel: OpenPanel
) -> None:
    file = f"{NAME}.txt"
    corpus = "\n".join((*FETCHING, *MUTATING))
    (lab.root / file).write_text("one\n", encoding="utf-8")
    api.set_script(
        [
            call("todo", items=[{"text": NAMES[0], "status": "active"}]),
            call("ask_user", question=NAMES[1] + f"![a]({EVIL}/q)", options=[NAMES[2], NAMES[3]]),
            call("write_file", path=file, content=corpus),
            call("execute_command", command=f"cat '{file}' # {NAMES[4]}"),
            call("read_file", path=NAME + "-none"),
            call(NAME, path="x"),
            {"status": 400, "type": NAMES[5], "message": f"`{NAME}` {NAMES[6]} ![a]({EVIL}/e)"},
        ]
    )
    panel = open_panel(lab)
    traffic = Traffic(panel.page)
    panel.ask(f"{NAMES[7]} ![a]({EVIL}/u)")

    expect(panel.plan).to_contain_text(NAMES[0])
    expect(panel.card).to_contain_text(NAMES[1])
    panel.answer(NAMES[2])
    expect(panel.card).to_contain_text(file)
    panel.card.get_by_role("button", name="View diff").click()
    expect(panel.diff).to_contain_text(NAMES[0][:20])
    panel.widen(950)
    expect(panel.diff_sides).to_have_count(2)
    panel.diff.get_by_role("button", name="One column").click()
    expect(panel.card.get_by_role("button", name="Approve", exact=True)).to_be_disabled()
    panel.diff.get_by_label("Diff", exact=True).evaluate("box => box.scrollTo(0, box.scrollHeight)")
    panel.answer("Approve")
    expect(panel.card).to_contain_text(f"cat '{file}'")
    panel.answer("Approve")
    panel.wait_idle()
    expect(panel.root).to_contain_text("The API says")
    heads = panel.root.locator(".jp-Kimi-toolHead[aria-expanded=false]:enabled")
    while heads.count() > 0:
        heads.first.click()
    expect(panel.root.get_by_label("Output").filter(has_text="<iframe src=").first).to_be_visible()

    panel.input.fill("@img")
    expect(panel.root.get_by_role("option").first).to_contain_text("<img src=x")
    shoot(panel.page, "hostile-names")
    panel.input.fill("")
    panel.button("History").click()
    expect(panel.root.locator(".jp-Kimi-task").first).to_contain_text("<img src=")

    assert traffic.caught() == []
    assert traffic.foreign(lab.address) == []
    assert elements(panel) == []
    assert panel.root.locator("img").count() == 0
    assert is_untouched(panel.page)
