"""Images on their way to the model: attached, read, left out for a model that can't see them."""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Callable

import pytest

from kimi_jupyter import tools
from kimi_jupyter.agent import budget, context, words
from kimi_jupyter.agent.sight import TURN_CAP, Sight
from kimi_jupyter.models.catalogue import BUNDLED, OFFLINE
from kimi_jupyter.protocol.commands import AttachmentRequest, ModelSet, TurnStart
from kimi_jupyter.protocol.errors import CommandRefused
from kimi_jupyter.protocol.events import Event, ToolDone, TurnEnded, TurnStarted
from kimi_jupyter.protocol.messages import ImagePart, TextPart, ToolMessage, UserMessage
from kimi_jupyter.protocol.parts import Attachment
from tests.agent.desk import Desk, call
from tests.agent.test_context import done, reply, stamped, told
from tests.models.asking import provider
from tests.moonshot import Moonshot, Reply
from tests.moonshot import call as wire_call
from tests.pictures import JPEG, png, url

pytestmark = pytest.mark.anyio
Make = Callable[..., Desk]
RED = png(30, 20)
SEEN = Attachment(path="a.png", text="", size=len(RED), image=url(RED))


async def test_images_attached_and_read_reach_the_api_as_parts(desk: Make) -> None:
    api = Moonshot([Reply("", "x", (wire_call("read_file", path="b.jpg"),)), "Both red.", "Yes."])
    async with api, provider(api.url) as kimi:
        d = desk(kimi, tools=tools.ALL)
        (d.root / "a.png").write_bytes(RED)
        (d.root / "b.jpg").write_bytes(JPEG)
        up = AttachmentRequest(path="pasted.png", content=base64.b64encode(RED).decode())
        await d.submit(TurnStart(text="Compare @a.png and b.jpg", attachments=(up,)))
        assert (await d.until(TurnEnded)).message is None
        assert (await d.send("Sure?")).reason == "done"
        bodies = api.bodies
    user, tool = bodies[1]["messages"][1], bodies[1]["messages"][3]
    assert [part["type"] for part in user["content"]] == ["text", "image_url", "image_url"]
    assert user["content"][1] == {"type": "image_url", "image_url": {"url": url(RED)}}
    text = user["content"][0]["text"]
    assert text.index('path="pasted.png"') < text.index("image 1 of") < text.index('path="a.png"')
    assert "base64" not in text
    assert [part["type"] for part in tool["content"]] == ["text", "image_url"]
    assert tool["content"][1]["image_url"]["url"] == url(JPEG, "jpeg")
    sent = [[json.dumps(m) for m in body["messages"]] for body in bodies]
    for earlier, later in itertools.pairwise(sent):
        assert later[: len(earlier)] == earlier


async def test_a_model_that_can_not_see_is_sent_no_image_after_a_switch(desk: Make) -> None:
    d = desk(
        [[call("read_file", path="a.png")], [{"text": "Red."}], [{"text": "Ok."}]], tools=tools.ALL
    )
    (d.root / "a.png").write_bytes(RED)
    await d.send("What is on @a.png?")
    assert any(isinstance(part, ImagePart) for part in d.requests[1].messages[3].content)
    await d.submit(ModelSet(model=OFFLINE))
    await d.send("And now?")
    assert all(isinstance(message.content, str) for message in d.requests[2].messages)
    texts = [str(message.content) for message in d.requests[2].messages]
    assert sum(words.UNSEEN in text for text in texts) == 2
    assert "base64" not in "".join(texts)


async def test_an_image_is_refused_before_it_is_sent_to_a_model_that_can_not_see(
    desk: Make,
) -> None:
    d = desk([[call("read_file", path="a.png")], [{"text": "Ok."}]], tools=tools.ALL)
    (d.root / "a.png").write_bytes(RED)
    await d.submit(ModelSet(model=OFFLINE))
    with pytest.raises(CommandRefused) as refused:
        await d.submit(TurnStart(text="What is on @a.png?"))
    assert str(refused.value) == (
        f"Not sent: 'a.png' is an image, and {OFFLINE} can't see images; choose another model "
        f"({', '.join(info.id for info in BUNDLED)}) or leave it out."
    )
    assert not d.all(TurnStarted)
    await d.send("Read it yourself")
    (result,) = d.all(ToolDone)
    assert (result.images, result.ok) == ((), False)
    assert "can't see images" in result.output


def test_the_tools_of_one_turn_show_so_many_bytes_of_images_and_no_more() -> None:
    big = url(png(560, 400, noise=7))
    size = len(big) * 3 // 4
    events: list[Event] = [
        TurnStarted(text="old"),
        ToolDone(call="0", ok=True, output="", images=(big,)),
    ]
    sight = Sight(events=events, model=lambda: "kimi-k2.6", models=lambda: BUNDLED)
    events.append(TurnStarted(text="new"))
    shown: list[str] = []
    for number in range(8):
        images, said = sight.admitted((big,))
        assert bool(said) == (not images)
        shown += images
        events.append(ToolDone(call=str(number), ok=True, output="", images=images))
    assert len(shown) == TURN_CAP // size
    assert "1 of 1 images not shown: the tools of one turn may show 4 MB" in said


@pytest.mark.parametrize(
    "image",
    [
        "https://example.org/a.png",
        "data:image/svg+xml;base64,PHN2Zz4=",
        "data:image/png;base64,PHN2Zz4=",
        url(RED, "jpeg"),
        url(RED) + "\n",
        url(RED[:-20]),
    ],
)
def test_what_is_no_image_for_the_api_is_left_out_of_a_result(image: str) -> None:
    sight = Sight(events=[], model=lambda: "kimi-k2.6", models=lambda: BUNDLED)
    assert sight.admitted((url(RED),)) == ((url(RED),), "")
    images, said = sight.admitted((image,))
    assert images == ()
    assert "not shown" in said


def test_the_same_eyes_get_the_same_bytes() -> None:
    log = stamped(
        TurnStarted(text="Look", attachments=(SEEN,)),
        reply("", "a"),
        done("a", "a.png").model_copy(update={"images": (url(RED),)}),
        reply("Red."),
    )
    for sees in (True, False):
        first, second = (context.messages(list(log), sees_images=sees) for _ in range(2))
        assert [m.model_dump_json() for m in first] == [m.model_dump_json() for m in second]
    user, _, tool, _ = context.messages(log, sees_images=True)
    assert isinstance(user, UserMessage)
    assert [type(part) for part in user.content] == [TextPart, ImagePart]
    assert isinstance(tool, ToolMessage)
    assert tool.content == (TextPart(text="a.png"), ImagePart(url=url(RED)))
    blind = told(*log)
    assert blind[2] == ToolMessage(tool_call_id="a", content=f"a.png\n\n{words.UNSEEN}")


def test_an_image_costs_tokens_by_what_it_shows_not_by_its_bytes() -> None:
    image = url(png(500, 500, noise=3))
    assert len(image) > 1_200_000
    message = UserMessage(content=(TextPart(text="x" * 3000), ImagePart(url=image)))
    assert 4_000 < budget.estimated_tokens(message) < 6_000
    assert budget.output_limit(262_144, [message] * 5, 0) == budget.MOST_OUTPUT


def test_without_images_a_message_stays_plain_text() -> None:
    (message,) = told(TurnStarted(text="Hi"))
    assert message == UserMessage(content="Hi")


async def test_four_megabytes_of_images_fit_into_a_request(desk: Make) -> None:
    api = Moonshot(["Noise."])
    async with api, provider(api.url) as kimi:
        d = desk(kimi, tools=tools.ALL)
        for number in range(4):
            (d.root / f"{number}.png").write_bytes(png(600, 400, noise=number + 1))
        end = await d.send("Compare @0.png @1.png @2.png @3.png")
        assert (end.reason, end.message) == ("done", None)
        content = api.bodies[0]["messages"][1]["content"]
    assert [part["type"] for part in content] == ["text", *["image_url"] * 4]
    assert api.bodies[0]["max_completion_tokens"] == budget.MOST_OUTPUT
