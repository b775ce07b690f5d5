"""A reply on its way to the screen: the first painted character, and 100,000 characters at 1,000 chunks a second."""

from __future__ import annotations

import json
import statistics
import tempfile
import time
import urllib.request
from dataclasses import astuple, dataclass
from itertools import pairwise
from pathlib import Path

from playwright.sync_api import CDPSession, Page, sync_playwright

from benchmarks.report import Row, table
from tests.browser.chromium import ADVICE, FLAGS, find_chromium
from tests.browser.conftest import KEY, WIDE, open_lab, running, with_key
from tests.browser.lab import Lab
from tests.browser.panel import ID, Panel
from tests.moonshot.by_hand import long_text
from tests.moonshot.process import MoonshotProcess, moonshot_process

RUNS = 15
LENGTH, CHUNK, PACE = 100_000, 4, 1000
WATCH = """([id, mark]) => {
  const panel = document.getElementById(id);
  window.kimiPainted = 0;
  // Only what is new is looked at: the whole text would cost more with every chunk.
  const shows = record => record.type === 'characterData'
    ? record.target.data.includes(mark)
    : [...record.addedNodes].some(node => node.textContent.includes(mark));
  const observer = new MutationObserver(records => {
    if (!records.some(shows)) return;
    observer.disconnect();
    requestAnimationFrame(() => {
      const after = new MessageChannel();
      after.port1.onmessage = () => {
        window.kimiPainted = performance.timeOrigin + performance.now();
      };
      after.port2.postMessage(0);
    });
  });
  observer.observe(panel, { childList: true, characterData: true, subtree: true });
}"""
"""The moment after the frame that shows the mark, in milliseconds since the epoch."""
LONG_TASKS = """() => {
  window.kimiLongTasks = [];
  new PerformanceObserver(list => {
    for (const entry of list.getEntries()) {
      window.kimiLongTasks.push([performance.timeOrigin + entry.startTime, entry.duration]);
    }
  }).observe({ type: 'longtask' });
}"""


def measure() -> list[Row]:
    """The latency rows, then those of the long reply."""
    chromium = find_chromium()
    if chromium is None:
        raise RuntimeError(ADVICE)
    with (
        tempfile.TemporaryDirectory() as folder,
        moonshot_process("--chunks-per-second", "0") as api,
        running(Path(folder), with_key(api)) as lab,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        context = browser.new_context(viewport=WIDE)
        rows = [*_first_paint(context, lab, api), *_long_reply(context, lab, api)]
        browser.close()
    return rows


def _panel(context: object, lab: Lab) -> Panel:
    panel = Panel(open_lab(context, lab))  # type: ignore[arg-type]
    panel.show()
    panel.input.wait_for()
    return panel


def _first_paint(context: object, lab: Lab, api: MoonshotProcess) -> list[Row]:
    """From the simulator's first content chunk to the frame that shows its first character."""
    panel = _panel(context, lab)
    took: list[float] = []
    for run in range(RUNS + 1):
        mark = chr(0x2460 + run)
        reply = {"content": f"{mark} and more words.", "reasoning": "Hm.", "chunks_per_second": 50}
        api.set_script([reply])
        panel.page.evaluate(WATCH, [ID, mark])
        panel.ask(f"Run {run}")
        panel.page.wait_for_function("() => window.kimiPainted > 0", polling=200)
        painted = panel.page.evaluate("() => window.kimiPainted")
        panel.wait_idle()
        took.append(painted - api.sent()[-1] * 1000)
    warm = took[1:]
    panel.page.close()
    beside = (
        f"median of {RUNS}; fastest {min(warm):.0f}, slowest {max(warm):.0f}; a frame lasts 16.7"
    )
    return [Row("first painted character", statistics.median(warm), "ms", 50, beside)]


def _long_reply(context: object, lab: Lab, api: MoonshotProcess) -> list[Row]:
    reply = {
        "content": long_text(LENGTH - 1) + "⏹",
        "reasoning": "",
        "chunk_size": CHUNK,
        "chunks_per_second": PACE,
    }
    api.set_script([reply])
    bare = _bare(api.url)
    panel = _panel(context, lab)
    api.set_script([reply])
    panel.page.evaluate(LONG_TASKS)
    panel.page.evaluate(WATCH, [ID, "⏹"])
    seen = len(api.sent())
    panel.ask("A long reply")
    metrics = panel.page.context.new_cdp_session(panel.page)
    metrics.send("Performance.enable", {"timeDomain": "threadTicks"})
    samples = _sample(panel.page, metrics)
    painted = panel.page.evaluate("() => window.kimiPainted") / 1000
    began = api.sent()[seen]
    tasks: list[list[float]] = panel.page.evaluate("() => window.kimiLongTasks")
    at, longest = max(tasks, key=lambda task: task[1], default=[0.0, 0.0])
    whole = painted - began
    first, last = _tenth(samples, began, whole, 0.0), _tenth(samples, began, whole, 0.9)
    return [
        Row(
            "100,000 characters: behind a bare reader at the end",
            whole - bare,
            "s",
            1,
            f"{whole:.2f} s; a bare socket reader {bare:.2f} s",
        ),
        Row(
            "100,000 characters: longest main-thread task",
            longest,
            "ms",
            100,
            f"{len(tasks)} above 50"
            + (f"; it came {at / 1000 - began:.1f} s after the first chunk" if tasks else ""),
        ),
        Row(
            "100,000 characters: last tenth over first tenth",
            last.all / first.all,
            "x",
            1.5,
            f"a chunk: {last.per_chunk()} over {first.per_chunk()}",
        ),
    ]


def _bare(url: str) -> float:
    """Seconds from the first content chunk to the end, read by nothing but a socket."""
    body = {
        "model": "kimi-k2.6",
        "stream": True,
        "messages": [{"role": "user", "content": "A long reply"}],
    }
    request = urllib.request.Request(
        f"{url}/chat/completions",
        data=json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"},
    )
    began = 0.0
    with urllib.request.urlopen(request, timeout=120) as answer:
        for line in answer:
            if not began and b'"content":"' in line and b'"content":""' not in line:
                began = time.perf_counter()
    return time.perf_counter() - began


@dataclass(frozen=True)
class Spent:
    """Seconds of the main thread: all of them, and three kinds."""

    at: float
    all: float
    script: float
    style: float
    layout: float

    def since(self, before: Spent) -> Spent:
        """What was spent from `before` to this."""
        return Spent(*(b - a for a, b in zip(astuple(before), astuple(self), strict=True)))

    def per_chunk(self) -> str:
        """In words, as a share of each chunk of a tenth of the reply."""
        one = 1e6 / (LENGTH / CHUNK / 10)
        return (
            f"{self.all * one:.0f} µs (script {self.script * one:.0f}, style {self.style * one:.0f}, "
            f"layout {self.layout * one:.0f})"
        )


def _sample(page: Page, metrics: CDPSession) -> list[Spent]:
    """What the main thread has spent so far, until the last character is there."""
    samples: list[Spent] = []
    deadline = time.time() + 120
    while time.time() < deadline:
        told = metrics.send("Performance.getMetrics")["metrics"]
        spent = {each["name"]: each["value"] for each in told}
        names = ("TaskDuration", "ScriptDuration", "RecalcStyleDuration", "LayoutDuration")
        samples.append(Spent(time.time(), *(spent[name] for name in names)))
        if page.evaluate("() => window.kimiPainted > 0"):
            break
        page.wait_for_timeout(200)
    return samples


def _tenth(samples: list[Spent], began: float, whole: float, start: float) -> Spent:
    """What was spent in the tenth of the stream that begins at this share of it."""
    before = _at(samples, began + start * whole)
    return _at(samples, began + (start + 0.1) * whole).since(before)


def _at(samples: list[Spent], when: float) -> Spent:
    """The state at a moment, between the two samples around it."""
    for a, b in pairwise(samples):
        if a.at <= when <= b.at:
            share = (when - a.at) / (b.at - a.at)
            pairs = zip(astuple(a), astuple(b), strict=True)
            return Spent(*(one + (other - one) * share for one, other in pairs))
    return samples[0] if when < samples[0].at else samples[-1]


if __name__ == "__main__":
    print(table(measure()))
