"""Images in the sidebar: mentioned, read, pasted, picked and dropped; drawn small, and sent to the model."""

from __future__ import annotations

import base64

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import OpenPanel, shoot, wait_ready
from tests.browser.lab import Lab
from tests.browser.scripts import call, say
from tests.moonshot.process import MoonshotProcess
from tests.pictures import chart, url

CHART = chart(300, 480)


def is_drawn(image: Locator) -> tuple[int, int]:
    """The pixels of an image that the browser has decoded."""
    expect(image).to_be_visible()
    width, height = image.evaluate(
        "image => image.decode().then(() => [image.naturalWidth, image.naturalHeight])"
    )
    return width, height


def test_an_image_that_is_mentioned_and_one_that_is_read_are_drawn(
    lab: Lab, api: MoonshotProcess, open_panel: OpenPanel
) -> None:
    (lab.root / "plots").mkdir(exist_ok=True)
    (lab.root / "plots/sales.png").write_bytes(CHART)
    api.set_script([call("read_file", path="plots/sales.png"), say("It rises and falls.")])
    panel = open_panel(lab)
    before = len(api.bodies())
    panel.ask("Which bar of @plots/sales.png is the highest?")
    panel.wait_idle()

    message = panel.messages.get_by_test_id("kimi-image")
    expect(message).to_have_attribute("alt", "plots/sales.png")
    assert is_drawn(message) == (300, 480)
    assert message.evaluate("image => image.getBoundingClientRect().height") <= 160
    tool = panel.root.get_by_test_id("kimi-tool").get_by_test_id("kimi-image")
    assert is_drawn(tool) == (300, 480)
    expect(tool).to_have_attribute("alt", "Read file plots/sales.png")
    small = tool.evaluate("image => image.getBoundingClientRect().height")
    shoot(panel.page, "images-small")
    tool.click()
    assert tool.evaluate("image => image.getBoundingClientRect().height") > small

    user, _, result = api.bodies()[before + 1]["messages"][1:4]
    for content in (user["content"], result["content"]):
        assert content[-1] == {"type": "image_url", "image_url": {"url": url(CHART)}}
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        panel.set_theme(theme)
        expect(panel.page.locator("#jupyterlab-splash")).to_have_count(0)
        shoot(panel.page, f"images-{theme.split()[-1].lower()}")
    panel.set_theme("JupyterLab Light")

    panel.page.reload()
    wait_ready(panel.page)
    panel.show()
    assert is_drawn(panel.messages.get_by_test_id("kimi-image")) == (300, 480)


_EVENT = """(box, [kind, name, type, bytes]) => {
  const data = new DataTransfer();
  const raw = Uint8Array.from(atob(bytes), sign => sign.charCodeAt(0));
  data.items.add(new File([raw], name, { type }));
  box.dispatchEvent(kind === 'paste'
    ? new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true })
    : new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }));
}"""


@pytest.mark.parametrize("way", ["paste", "drop", "pick"])
def test_an_image_of_this_computer_goes_with_the_next_message_once(
    lab: Lab, api: MoonshotProcess, open_panel: OpenPanel, way: str
) -> None:
    api.set_script([say("A chart."), say("Yes.")])
    panel = open_panel(lab)
    before = len(api.bodies())
    if way == "pick":
        panel.root.get_by_test_id("kimi-upload").set_input_files(
            {"name": "image.png", "mimeType": "image/png", "buffer": CHART}
        )
    else:
        content = base64.b64encode(CHART).decode()
        panel.input.evaluate(_EVENT, [way, "image.png", "image/png", content])
    chips = panel.root.get_by_label("Attached to the next message")
    assert is_drawn(chips.get_by_test_id("kimi-image")) == (300, 480)
    shoot(panel.page, f"attached-{way}")

    panel.ask("What is this?")
    panel.wait_idle()
    expect(chips).to_have_count(0)
    assert is_drawn(panel.messages.get_by_test_id("kimi-image")) == (300, 480)
    panel.ask("Sure?")
    panel.wait_idle()
    first, second = (body["messages"] for body in api.bodies()[before:])
    assert first[1]["content"][-1]["image_url"]["url"] == url(CHART)
    assert isinstance(second[-1]["content"], str), "it was sent twice"


def test_an_image_for_a_model_that_can_not_see_comes_back_with_its_message(
    lab: Lab, api: MoonshotProcess, open_panel: OpenPanel
) -> None:
    api.set_script([say("Hello.")])
    panel = open_panel(lab)
    panel.ask("Hi")
    panel.wait_idle()
    panel.input.fill("/model offline-demo")
    panel.input.press("Enter")
    panel.wait_text("offline-demo")
    panel.root.get_by_test_id("kimi-upload").set_input_files(
        {"name": "image.png", "mimeType": "image/png", "buffer": CHART}
    )
    expect(panel.root.get_by_label("Attached to the next message")).to_be_visible()
    panel.input.fill("What is this?")
    panel.input.press("Enter")
    panel.wait_text("'image.png' is an image, and offline-demo can't see images")
    expect(panel.input).to_have_value("What is this?")
    expect(
        panel.root.get_by_label("Attached to the next message").get_by_test_id("kimi-image")
    ).to_be_visible()
