"""`%%kimi` in a kernel that no server has started: the agent works in the kernel."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.browser.scripts import call, say, tool_results
from tests.kernel.front_end import FrontEnd
from tests.moonshot.process import MoonshotProcess

pytestmark = pytest.mark.kernel

CODE = '%%kimi\nPlease "do" it, it\'s time'


def test_reply_streams_into_the_output_and_stays_there(
    front: FrontEnd, api: MoonshotProcess
) -> None:
    words = " ".join(f"word{n}" for n in range(60))
    api.set_script([say(f"**Bold** {words}", per_second=25)])
    cell = front.run(CODE)
    front.shows(cell, "word3 ")
    assert "word59" not in cell.text
    front.finish(cell)

    assert f"**Bold** {words}" in cell.text
    assert "<details><summary>Thought" in cell.text
    assert "tokens in" in cell.text
    assert cell.error is None
    (body,) = api.bodies()[-1:]
    assert 'Please "do" it, it\'s time' in body["messages"][-1]["content"]
    (reply,) = [data for data in cell.outputs if "**Bold**" in data.get("text/markdown", "")]
    assert reply["text/plain"] == reply["text/markdown"]


def test_approve_in_the_card_while_the_cell_runs_writes_the_file(
    front: FrontEnd, api: MoonshotProcess, folder: Path
) -> None:
    before = len(api.bodies())
    api.set_script([call("write_file", path="made.txt", content="one\ntwo\n"), say("Done.")])
    cell = front.run(CODE)
    front.shows(cell, "Kimi waits for an answer: Write file made.txt (+2 −0)")
    assert not (folder / "made.txt").exists()

    front.draw()
    front.press("View diff")
    front.until(lambda: "+two" in front.html)
    front.press("Approve")
    front.finish(cell)

    assert (folder / "made.txt").read_bytes() == b"one\ntwo\n"
    assert "✓ Approved: `Write file made.txt (+2 −0)`" in cell.text
    assert "Done." in cell.text
    assert front.comms == {}, "the card was not taken out of the kernel"
    assert not any("application/vnd.jupyter.widget-view+json" in data for data in cell.outputs)
    (told,) = tool_results(api.bodies()[before + 1])
    assert "made.txt" in told


def test_click_before_half_a_second_is_ignored(
    front: FrontEnd, api: MoonshotProcess, folder: Path
) -> None:
    api.set_script([call("write_file", path="early.txt", content="x\n"), say("Done.")])
    cell = front.run(CODE)
    front.shows(cell, "Kimi waits for an answer")
    approve = next(c for c, s in front.comms.items() if s.get("description") == "Approve")
    front.draw()
    front.click(approve)
    front.press("Approve")  # as soon as the kernel lets it be pressed
    front.finish(cell)
    assert (folder / "early.txt").exists()

    api.set_script([call("write_file", path="never.txt", content="x\n"), say("Done.")])
    cell = front.run(CODE)
    front.shows(cell, "Kimi waits for an answer")
    approve = next(c for c, s in front.comms.items() if s.get("description") == "Approve")
    front.draw()
    front.click(approve)
    front.press("Reject")
    front.finish(cell)
    assert not (folder / "never.txt").exists()


def test_reject_writes_nothing_and_ends_the_turn(
    front: FrontEnd, api: MoonshotProcess, folder: Path
) -> None:
    api.set_script([call("write_file", path="no.txt", content="x\n"), say("Never said.")])
    cell = front.run(CODE)
    front.draw()
    front.press("Reject")
    front.finish(cell)

    assert not (folder / "no.txt").exists()
    assert "✗ Rejected: `Write file no.txt (+1 −0)`" in cell.text
    assert "Never said." not in cell.text
    assert cell.error is None


def test_command_card_shows_the_command_and_runs_it(
    front: FrontEnd, api: MoonshotProcess, folder: Path
) -> None:
    api.set_script(
        [call("execute_command", command="echo 'a<b' > out.txt; cat out.txt"), say("Ran.")]
    )
    cell = front.run(CODE)
    front.until(lambda: "echo &#x27;a&lt;b&#x27; &gt; out.txt; cat out.txt" in front.html)
    front.until(lambda: front.button("Approve & remember") is not None)
    front.press("Approve")
    front.finish(cell)

    assert (folder / "out.txt").read_text(encoding="utf-8") == "a<b\n"
    assert "exit code 0" in cell.text
    assert "a<b" in cell.text


def test_next_cell_goes_on_with_the_task_and_new_starts_another(
    front: FrontEnd, api: MoonshotProcess
) -> None:
    api.set_script([say("One."), say("Two."), say("Three.")])
    for code in ("%%kimi\nfirst", "%%kimi\nsecond", "%%kimi --new\nthird"):
        front.do(code)
    first, second, third = (
        [m["content"] for m in body["messages"] if m["role"] == "user"]
        for body in api.bodies()[-3:]
    )

    assert len(first) == 1
    assert len(second) == 2
    assert len(third) == 1
    history = front.do("%kimi history").text
    assert history.index("third") < history.index("first")


def test_queued_cells_run_after_it_in_their_order(front: FrontEnd, api: MoonshotProcess) -> None:
    api.set_script([call("write_file", path="q.txt", content="x\n"), say("Done.")])
    cell = front.run(CODE)
    later = [front.run(f"print({n}); order = globals().get('order', []) + [{n}]") for n in range(5)]
    front.draw()
    front.press("Approve")
    front.until(lambda: all(one.is_idle for one in later))

    assert cell.is_idle
    assert [one.streams for one in later] == [f"{n}\n" for n in range(5)]
    starts = [one.started_at or 0 for one in [cell, *later]]
    assert starts == sorted(starts)
    assert front.do("print(order)").streams == "[0, 1, 2, 3, 4]\n"


def test_other_widgets_work_while_the_cell_runs(front: FrontEnd, api: MoonshotProcess) -> None:
    front.do(
        "import ipywidgets; s = ipywidgets.IntSlider(); seen = []; s.observe(lambda c: seen.append(c.new), 'value')"
    )
    slider = next(c for c, s in front.comms.items() if s.get("_model_name") == "IntSliderModel")
    api.set_script([call("write_file", path="w.txt", content="x\n"), say("Done.")])
    cell = front.run(CODE)
    front.draw()
    for value in (3, 5, 8):
        front.send(slider, {"method": "update", "state": {"value": value}, "buffer_paths": []})
    front.press("Approve")
    front.finish(cell)

    assert front.do("print(seen)").streams == "[3, 5, 8]\n"


@pytest.mark.parametrize("is_running", [True, False], ids=["running", "asking"])
def test_kernel_that_is_shut_down_leaves_no_command_and_a_closed_log(
    front: FrontEnd,
    api: MoonshotProcess,
    folder: Path,
    environ: dict[str, str],
    is_running: bool,
) -> None:
    command = "echo $$ > pid.txt; sleep 300"
    api.set_script([call("execute_command", command=command), say("Never said.")])
    cell = front.run(CODE)
    front.shows(cell, "Kimi waits for an answer")
    if is_running:
        front.draw()
        front.press("Approve")
        front.until(
            lambda: (folder / "pid.txt").exists() and (folder / "pid.txt").read_text() != ""
        )
    front.shutdown()

    if is_running:
        assert not Path(f"/proc/{(folder / 'pid.txt').read_text().strip()}").exists()
    (log,) = Path(environ["JUPYTER_DATA_DIR"]).rglob("*.jsonl")
    events = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    assert events[-1]["type"] == "turn.ended"
    assert events[-1]["reason"] in ("interrupted", "stopped")
    if not is_running:
        assert [e["decision"] for e in events if e["type"] == "ask.closed"] == ["cancelled"]


@pytest.mark.parametrize("while_asking", [False, True], ids=["running", "asking"])
def test_interrupt_stops_the_turn_and_the_cell_and_kills_the_command(
    front: FrontEnd, api: MoonshotProcess, folder: Path, while_asking: bool
) -> None:
    command = "echo $$ > pid.txt; sleep 300"
    api.set_script([call("execute_command", command=command), say("Never said.")])
    cell = front.run(CODE)
    after = front.run("print('not run')")
    front.until(lambda: front.play() is not None)
    if not while_asking:
        front.press("Approve")
        front.until(
            lambda: (folder / "pid.txt").exists() and (folder / "pid.txt").read_text() != ""
        )
    before = time.monotonic()
    front.interrupt()
    front.finish(cell)
    took = time.monotonic() - before

    assert took < 2
    assert cell.error is not None
    assert cell.error[0] == "KeyboardInterrupt"
    assert front.comms == {}
    if not while_asking:
        pid = int((folder / "pid.txt").read_text())
        assert not Path(f"/proc/{pid}").exists()
    front.finish(after)
    assert after.streams == "", "Run All must stop"
    api.set_script([say("Still well.")])
    assert "Still well." in front.do(CODE).text


def test_interrupt_of_a_silent_model_is_quick(front: FrontEnd, api: MoonshotProcess) -> None:
    api.set_script([{"content": "Begin", "fault": "stall", "fault_after": 2, "chunk_size": 2}])
    cell = front.run(CODE)
    front.shows(cell, "Be")
    before = time.monotonic()
    front.interrupt()
    front.finish(cell)

    assert time.monotonic() - before < 2
    assert "■ Stopped." in cell.text
    assert cell.error is not None


def test_hostile_reply_reaches_the_page_as_text(front: FrontEnd, api: MoonshotProcess) -> None:
    api.set_script([say("Hi <img src=x onerror=alert(1)> ![x](https://evil.example/y)")])
    cell = front.do(CODE)

    assert "<img" not in cell.text
    assert "![" not in cell.text


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("%%kimi --nwe\nHello", "did you mean `--new`"),
        ("%%kimi\n", "There is no message"),
        ("%kimi hsitory", "Did you mean `%kimi history`?"),
        ("%kimi key set sk-1234567890", "A key in a cell would be saved with the notebook"),
        ("%kimi mode yolo", "the modes are ask"),
        ("%kimi model kimi-k9", 'Unknown model "kimi-k9"'),
    ],
)
def test_what_can_not_be_understood_is_said_in_one_line(
    front: FrontEnd, code: str, said: str
) -> None:
    cell = front.do(code)

    assert said in cell.streams + cell.text + str(cell.error)
    assert "Traceback" not in cell.streams + cell.text


def test_mode_and_model_hold_for_the_next_cell(
    front: FrontEnd, api: MoonshotProcess, folder: Path
) -> None:
    front.do("%kimi mode accept_edits")
    api.set_script([call("write_file", path="free.txt", content="x\n"), say("Done.")])
    cell = front.do(CODE)
    assert (folder / "free.txt").exists()
    assert "✓ `Write file free.txt" in cell.text

    front.do("%kimi mode plan")
    api.set_script([say("A plan.")])
    front.do(CODE)
    offered = {tool["function"]["name"] for tool in api.bodies()[-1]["tools"]}
    assert "write_file" not in offered
    assert "read_file" in offered


def test_slash_command_is_answered_without_a_turn(front: FrontEnd, api: MoonshotProcess) -> None:
    before = len(api.bodies())
    cell = front.do("%%kimi\n/help")

    assert "`/model`" in cell.text
    assert len(api.bodies()) == before


@pytest.mark.parametrize("code", ["%%kimi\n/new", "%kimi new"])
def test_fresh_task_can_be_asked_for_by_itself(
    front: FrontEnd, api: MoonshotProcess, code: str
) -> None:
    api.set_script([say("One."), say("Two.")])
    front.do("%%kimi\nfirst")
    assert "The next `%%kimi` cell starts another task." in front.do(code).text
    front.do("%%kimi\nsecond")

    assert [m["role"] for m in api.bodies()[-1]["messages"]].count("user") == 1


def test_error_of_the_model_is_shown_in_its_words(front: FrontEnd, api: MoonshotProcess) -> None:
    api.set_script(
        [{"status": 400, "type": "invalid_request_error", "message": "This is not right."}]
    )
    cell = front.do(CODE)

    assert "This is not right." in cell.text
    assert cell.error is None


def test_unloading_takes_the_magics_away(front: FrontEnd) -> None:
    front.do("%unload_ext kimi_jupyter")

    assert "not found" in front.do("%%kimi\nHello").streams


def test_undo_takes_the_last_message_back_and_cost_is_told(
    front: FrontEnd, api: MoonshotProcess
) -> None:
    no_task = front.do("%kimi undo")
    assert "This notebook has no task yet." in no_task.streams + no_task.text
    api.set_script([say("One."), say("Two."), say("Three.")])
    front.do("%%kimi\nfirst")
    front.do("%%kimi\nsecond")
    assert "2 requests" in front.do("%kimi cost").text
    assert "Taken back: second" in front.do("%kimi undo").text
    front.do("%%kimi\nthird")

    users = [m["content"] for m in api.bodies()[-1]["messages"] if m["role"] == "user"]
    assert len(users) == 2
    assert "first" in users[0]
    assert "third" in users[1]


def test_compact_sums_up_and_the_cell_ends_when_it_is_done(
    front: FrontEnd, api: MoonshotProcess
) -> None:
    api.set_script([say("One."), say("They said first."), say("Two.")])
    front.do("%%kimi\nfirst")
    cell = front.do("%%kimi\n/compact")
    assert "The older conversation was summed up." in cell.text
    front.do("%%kimi\nsecond")

    first, summary, _ = (m["content"] for m in api.bodies()[-1]["messages"] if m["role"] == "user")
    assert first == "first"
    assert "They said first." in summary


def test_line_goes_back_by_number_and_says_how_to_export(
    front: FrontEnd, api: MoonshotProcess
) -> None:
    api.set_script([say("One."), say("Two."), say("Three.")])
    front.do("%%kimi --new\nfirst")
    front.do("%%kimi\nsecond")
    before = len(api.bodies())
    assert "`/rewind 2` to before `first`" in front.do("%%kimi\n/rewind").text
    assert "before: `first`" in front.do("%kimi rewind 2").text
    assert "export?format=ipynb" in front.do("%kimi export ipynb").text
    assert "No MCP servers" in front.do("%kimi mcp").text
    assert len(api.bodies()) == before
    front.do("%%kimi\nthird")

    assert [m["role"] for m in api.bodies()[-1]["messages"]].count("user") == 1
