"""The Kimi sidebar as a person uses it: by labels and buttons, not by classes where a label will do."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

ID = "kimi-jupyter-panel"


class Panel:
    """One page's sidebar, or the same chat elsewhere on the page."""

    def __init__(self, page: Page, *, id: str = ID) -> None:
        self.page = page
        self.root = page.locator(f"#{id}")
        self.input = self.root.get_by_label("Message Kimi")
        self.card = self.root.locator(".jp-Kimi-ask")
        """The open approval card."""
        self.tool = self.root.get_by_test_id("kimi-tool")
        """The tool calls, open cards included."""
        self.queued = self.root.get_by_test_id("kimi-queued")
        self.plan = self.root.locator(".jp-Kimi-todo")
        self.stop = self.root.locator(".jp-Kimi-composer").get_by_role("button", name="Stop")
        self.messages = self.root.get_by_test_id("kimi-message")
        """What the user said."""
        self.reply = self.root.get_by_test_id("kimi-reply").last.locator(".jp-Kimi-markdown").last
        """The words of the last reply."""
        self.reasoning = self.root.get_by_role("button", name=re.compile("^Thought"))
        self.code = self.reply.locator("pre")
        self.highlighted = self.code.locator("span[class]")
        self.footer = self.root.get_by_test_id("kimi-usage")
        self.diff = self.root.get_by_test_id("kimi-diff")
        self.diff_sides = self.diff.locator(".cm-editor")

    def show(self) -> None:
        """Bring the sidebar to the front, as a click on its icon does, and wait for its first page."""
        self.page.evaluate(f"() => window.jupyterapp.shell.activateById('{ID}')")
        self.root.wait_for(state="visible")
        welcome = self.root.get_by_role("heading", name="Welcome to Kimi Jupyter")
        expect(self.input.or_(welcome).first).to_be_visible()

    def ask(self, text: str) -> None:
        """Type a message and send it with Enter."""
        self.input.fill(text)
        self.input.press("Enter")
        expect(self.messages.last).to_contain_text(text)

    def queue(self, text: str) -> None:
        """Send a message while the turn runs, and see it wait."""
        self.input.fill(text)
        self.input.press("Enter")
        expect(self.queued.last).to_contain_text(text)

    def button(self, name: str) -> Locator:
        return self.root.get_by_role("button", name=name, exact=True)

    def answer(self, name: str) -> None:
        """Press a button of the card, which takes no click in its first half second, and see the card go."""
        button = self.card.get_by_role("button", name=name, exact=True)
        button.scroll_into_view_if_needed()
        expect(button).to_be_enabled()
        ask = self.card.get_attribute("data-ask")
        button.click()
        expect(self.root.locator(f'[data-ask="{ask}"]')).to_have_count(0)

    def approve(self) -> None:
        self.answer("Approve")

    def reject(self) -> None:
        self.answer("Reject")

    def wait_idle(self) -> None:
        """Until the turn has ended."""
        expect(self.button("Send")).to_be_visible(timeout=30_000)

    def wait_card_or_idle(self) -> None:
        """Until the agent asks, or the turn has ended."""
        expect(self.card.or_(self.button("Send")).first).to_be_visible(timeout=60_000)

    def wait_text(self, text: str, *, seconds: float = 15) -> None:
        """Until the panel shows this."""
        expect(self.root).to_contain_text(text, timeout=seconds * 1000)

    def open_from_history(self, title: str) -> None:
        """Find a task in the list and open it."""
        self.button("History").click()
        self.root.locator(".jp-Kimi-task").filter(has_text=title).first.click()
        expect(self.input).to_be_visible()

    def start_offline(self) -> None:
        """From the welcome panel into the scripted demo, and its first message."""
        offline = self.root.get_by_test_id("kimi-offline")
        idea = self.button("Show me what you can do")
        expect(offline.or_(idea).first).to_be_visible()
        if offline.is_visible():
            offline.click()
        idea.click()
        expect(self.messages).to_be_visible()

    def set_key(self, key: str, *, name: str) -> None:
        """Fill in the welcome panel."""
        self.root.get_by_label("Moonshot API key").fill(key)
        self.root.get_by_label("Your name").fill(name)
        self.button("Save").click()

    def widen(self, width: int) -> None:
        """Drag the edge of the sidebar to the right."""
        handle = self.page.locator("#jp-main-split-panel > .lm-SplitPanel-handle").first
        box = handle.bounding_box()
        assert box is not None
        self.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 300)
        self.page.mouse.down()
        self.page.mouse.move(width, box["y"] + 300, steps=5)
        self.page.mouse.up()

    def set_theme(self, name: str) -> None:
        self.page.evaluate(
            "name => window.jupyterapp.commands.execute('apputils:change-theme', { theme: name })",
            name,
        )
        is_light = "true" if name.endswith("Light") else "false"
        expect(self.page.locator("body")).to_have_attribute("data-jp-theme-light", is_light)
        # It covers the page while the style sheet loads, and would take the next click.
        expect(self.page.locator("#jupyterlab-splash")).to_have_count(0)
