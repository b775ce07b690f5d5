"""A card shows what it asks about as it is: nothing hidden, turned around or pushed out of sight."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.conftest import KEY, OpenPanel, shoot
from tests.browser.lab import Lab
from tests.browser.scripts import call, say
from tests.browser.traffic import Traffic
from tests.moonshot.process import MoonshotProcess

POINTS = [
    *(
        0x202A,
        0x202B,
        0x202C,
        0x202D,
        0x202E,
        0x2066,
        0x2067,
        0x2068,
        0x2069,
        0x200E,
        0x200F,
        0x061C,
    ),
    *(0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF, 0x00AD, 0xE0041, 0xE007F, 0x115F, 0x3164, 0x2800),
    *(0x00A0, 0xFE0F, 0x0001, 0x001B, 0x009B, 0x007F, 0x2028, 0x0008),
]
"""Bidi, zero-width, tags, fillers, odd spaces, a variation selector and controls."""
TRICKS = "".join(f"a{chr(point)}" for point in POINTS)
MARKS = "".join(f"a⟨U+{point:04X}⟩" for point in POINTS)
SPACES = "true" + " " * 10_000 + "# rm -rf ~"
STACK = "e" + "\u0301" * 40


BEYOND = """card => [...card.querySelectorAll('pre, td, .jp-Kimi-askTitle, p, li')]
  .filter(e => e.getBoundingClientRect().right > card.getBoundingClientRect().right + 1)
  .map(e => e.className || e.localName)"""
"""What of a card is wider than the card."""


def test_c2_tricks_in_a_command_are_marks_and_nothing_is_out_of_sight(
    lab: Lab, api: MoonshotProcess, open_panel: OpenPanel
) -> None:
    assert len(POINTS) == 31
    command = f"echo {TRICKS.replace(chr(1), '')} `</code><b>**x**</b>` ls\rrm {STACK}\n{SPACES}"
    api.set_script([call("execute_command", command=command), say("Never.")])
    panel = open_panel(lab)
    panel.ask("Go")
    shown = panel.card.get_by_label("Command")
    expect(shown).to_contain_text(MARKS.replace("a⟨U+0001⟩", "a"))
    for text in (
        "`</code><b>**x**</b>`",
        "ls⟨U+000D⟩rm",
        "⟨10000 spaces⟩# rm -rf ~",
        "⟨U+0301⟩" * 40,
    ):
        expect(shown).to_contain_text(text)
    assert shown.locator("b, code").count() == 0
    assert panel.card.evaluate(BEYOND) == []
    shoot(panel.page, "tricks-command")
    panel.reject()


def test_c2_tricks_in_a_file_name_a_diff_and_a_question_are_marks(
    lab: Lab, api: MoonshotProcess, open_panel: OpenPanel
) -> None:
    name = "\u202egpj.exe\u200b.txt"
    api.set_script(
        [
            call("ask_user", question=f"Shall {TRICKS} be?", options=[f"Yes\u202e {STACK}", "No"]),
            call("write_file", path=name, content=f"{TRICKS.replace(chr(0x2028), '')}\n{SPACES}\n"),
            say("Never."),
        ]
    )
    panel = open_panel(lab)
    panel.ask("Go")
    expect(panel.card).to_contain_text(MARKS)
    expect(panel.card.get_by_role("button").first).to_contain_text("Yes⟨U+202E⟩")
    shoot(panel.page, "tricks-question")
    panel.answer("No")
    expect(panel.card).to_contain_text("⟨U+202E⟩gpj.exe⟨U+200B⟩.txt")
    panel.card.get_by_role("button", name="View diff").click()
    for form in ("narrow", "wide"):
        if form == "wide":
            panel.widen(950)
            expect(panel.diff_sides).to_have_count(2)
        for text in (MARKS.replace("a⟨U+2028⟩", "a"), "⟨10000 spaces⟩# rm -rf ~"):
            assert text in panel.diff.inner_text(), (form, text)
        assert panel.card.evaluate(BEYOND) == []
        shoot(panel.page, f"tricks-diff-{form}")
    panel.reject()


def test_c2_long_diff_is_approved_only_after_its_end_was_in_sight(
    lab: Lab, api: MoonshotProcess, open_panel: OpenPanel
) -> None:
    content = "".join(f"line {number}\n" for number in range(400)) + "import os; os.remove('x')\n"
    api.set_script([call("write_file", path="long.txt", content=content), say("Written.")])
    panel = open_panel(lab)
    panel.ask("Go")
    expect(panel.card).to_contain_text("View the diff and scroll to its end to approve it.")
    approve = panel.card.get_by_role("button", name="Approve", exact=True)
    expect(panel.card.get_by_role("button", name="Reject", exact=True)).to_be_enabled()
    panel.card.get_by_role("button", name="View diff").click()
    expect(approve).to_be_disabled()
    panel.diff.get_by_label("Diff", exact=True).focus()
    panel.page.keyboard.press("End")
    panel.approve()
    panel.wait_text("Written.")
    assert (lab.root / "long.txt").read_text() == content


def test_f2_links_name_their_host_and_open_nothing_by_themselves(
    lab: Lab, api: MoonshotProcess, open_panel: OpenPanel
) -> None:
    links = {
        "[google.com](https://evil.example/a)": "evil.example",
        "[https://google.com](https://e.com/b)": "e.com",
        "https://google.com@evil.example/c": "evil.example",
        "[apple.com](https://аpple.com/d)": "xn--pple-43d.com",
        "[\u202emoc.elgoog](https://evil.example/e)": "evil.example",
        "[mail](mailto:a@b.example)": "",
    }
    dead = [  # none of these is a link
        "[a](javascript:window.__pwn=1)",
        "[b](java&Tab;script:window.__pwn=1)",
        "[c](data:text/html,x)",
        "[d](file:///etc/passwd)",
        "[e](/kimi/key)",
        "[f](//evil.example)",
        "[g](vscode://x)",
    ]
    api.set_script([say("\n\n".join([*links, *dead]))])
    panel = open_panel(lab)
    panel.ask("Links")
    panel.wait_idle()
    drawn = panel.reply.locator("a")
    expect(drawn).to_have_count(len(links))
    for link, host in zip(drawn.all(), links.values(), strict=True):
        expect(link).to_have_attribute("rel", "noopener noreferrer nofollow")
        expect(link).to_have_attribute("target", "_blank")
        assert link.get_attribute("title") == link.get_attribute("href")
        assert (link.get_attribute("data-host") or "") == host
        seen = link.evaluate("a => getComputedStyle(a, '::after').content")
        assert host in seen
    assert len(panel.page.context.pages) == 1
    shoot(panel.page, "links")


def test_f6_line_of_ten_megabytes_leaves_the_page_alive(
    lab: Lab, api: MoonshotProcess, open_panel: OpenPanel
) -> None:
    command = "head -c 10000000 /dev/zero | tr '\\0' x"
    api.set_script([call("execute_command", command=command), say("y" * 400_000, size=20_000)])
    panel = open_panel(lab)
    panel.ask("Go")
    panel.page.evaluate(
        """() => { window.__longest = 0; let last = performance.now();
          const tick = () => { const now = performance.now();
            window.__longest = Math.max(window.__longest, now - last); last = now; requestAnimationFrame(tick); };
          requestAnimationFrame(tick); }"""
    )
    panel.approve()
    panel.wait_idle()
    panel.tool.get_by_role("button").first.click()
    expect(panel.root.get_by_label("Output")).to_contain_text("x" * 1000)
    longest = panel.page.evaluate("() => window.__longest")
    assert longest < 500, "the page stood still; on a quiet machine its longest frame has 50 ms"
    assert panel.root.evaluate("root => root.textContent.length") < 1_000_000
    panel.input.fill("still here")
    expect(panel.input).to_have_value("still here")


def test_e3_key_is_nowhere_in_the_page_and_its_field_is_only_written_to(
    lab: Lab, api: MoonshotProcess, open_panel: OpenPanel
) -> None:
    api.set_script([say("Hello.")])
    panel = open_panel(lab)
    traffic = Traffic(panel.page)
    panel.ask("Hi")
    panel.wait_idle()
    panel.button("Settings").click()
    panel.button("Change key").click()
    field = panel.root.get_by_label("Moonshot API key")
    expect(field).to_have_attribute("type", "password")
    expect(field).to_have_attribute("autocomplete", "off")
    expect(field).to_have_value("")

    page = panel.page.evaluate(
        """async () => JSON.stringify([document.documentElement.outerHTML, location.href, { ...localStorage },
          { ...sessionStorage }, document.cookie, await (await fetch('/lab/api/settings')).text(),
          await (await fetch('/kimi/status')).text(), [...document.querySelectorAll('input')].map(i => i.value)])"""
    )
    assert traffic.frames
    for text in (page, *traffic.urls, *traffic.frames):
        assert KEY not in text
        assert KEY[3:] not in text
