"""The conversation stays where its reader is: at the end, or where they scrolled to."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.conftest import OpenPanel
from tests.browser.lab import Lab
from tests.browser.panel import Panel
from tests.browser.scripts import say
from tests.moonshot.process import MoonshotProcess

LONG = "\n\n".join(f"Paragraph {i} has some words in it." for i in range(120))
IS_AT_THE_END = """() => {
  const box = document.querySelector('.jp-Kimi-scroller');
  return box.scrollHeight - box.scrollTop - box.clientHeight < 48 && box.scrollTop > 0;
}"""

HAS_COME_TO_REST = """() => {
  const { scrollTop } = document.querySelector('.jp-Kimi-scroller');
  const isSame = window.lastTop === scrollTop;
  window.lastTop = scrollTop;
  return isSame;
}"""


def at_the_end(panel: Panel) -> None:
    panel.page.wait_for_function(IS_AT_THE_END, timeout=5000)


def test_reader_who_scrolled_up_is_left_alone_until_they_jump_to_the_latest(
    lab: Lab, api: MoonshotProcess, open_panel: OpenPanel
) -> None:
    api.set_script([say(LONG, per_second=100)])
    panel = open_panel(lab)
    panel.ask("Tell me much")
    panel.wait_text("Paragraph 40 ")
    at_the_end(panel)

    panel.root.locator(".jp-Kimi-scroller").hover()
    panel.page.mouse.wheel(0, -400)
    jump = panel.button("Jump to latest")
    expect(jump).to_be_visible()
    panel.page.wait_for_function(HAS_COME_TO_REST, polling=200, timeout=5000)
    top = panel.page.evaluate("() => document.querySelector('.jp-Kimi-scroller').scrollTop")
    panel.wait_idle()
    now = panel.page.evaluate("() => document.querySelector('.jp-Kimi-scroller').scrollTop")
    assert abs(now - top) < 5, "the text moved under the reader"

    jump.click()
    at_the_end(panel)
    expect(jump).to_be_hidden()


def test_content_that_shrinks_for_a_moment_does_not_lose_the_end(
    lab: Lab, api: MoonshotProcess, open_panel: OpenPanel
) -> None:
    api.set_script([say(LONG)])
    panel = open_panel(lab)
    panel.ask("Tell me much")
    panel.wait_idle()
    at_the_end(panel)

    panel.page.evaluate(
        """() => {
          const content = document.querySelector('.jp-Kimi-content');
          content.style.height = '10px';
          content.style.overflow = 'hidden';
          content.getBoundingClientRect();
          document.querySelector('.jp-Kimi-scroller').scrollTop;
          content.style.height = content.style.overflow = '';
        }"""
    )

    at_the_end(panel)
    expect(panel.button("Jump to latest")).to_be_hidden()
