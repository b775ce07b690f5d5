"""A reply on its way to the screen: the first painted character, and 100,000 characters at 1,000 chunks a second."""

from __future__ import annotations

import json
import statistics
import tempfile
import time
import urllib.request
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
  const observer = new MutationObserver(() => {
    if (!panel.textContent.includes(mark)) return;
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
    for (const entry of list.getEntries()) window.kimiLongTasks.push(entry.duration);
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
    panel.ask("A long reply")
    metrics = panel.page.context.new_cdp_session(panel.page)
    metrics.send("Performance.enable")
    seen = len(api.sent())
    samples = _sample(panel.page, metrics)
    painted = panel.page.evaluate("() => window.kimiPainted") / 1000
    began = api.sent()[seen - 1]
    longest = max(panel.page.evaluate("() => window.kimiLongTasks"), default=0.0)
    whole = painted - began
    first, last = _cost(samples, began, whole, 0.0), _cost(samples, began, whole, 0.9)
    chunks = LENGTH / CHUNK / 10
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
            "below 50 counts as none",
        ),
        Row(
            "100,000 characters: last tenth over first tenth",
            last / first,
            "x",
            1.5,
            f"{last / chunks * 1e6:.0f} over {first / chunks * 1e6:.0f} µs of main thread a chunk",
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


def _sample(page: Page, metrics: CDPSession) -> list[tuple[float, float]]:
    """Wall time and main-thread seconds so far, until the last character is there."""
    samples: list[tuple[float, float]] = []
    deadline = time.time() + 120
    while time.time() < deadline:
        values = {
            each["name"]: each["value"]
            for each in metrics.send("Performance.getMetrics")["metrics"]
        }
        samples.append((time.time(), values["TaskDuration"]))
        if page.evaluate("() => window.kimiPainted > 0"):
            break
        page.wait_for_timeout(200)
    return samples


def _cost(samples: list[tuple[float, float]], began: float, whole: float, start: float) -> float:
    """Main-thread seconds of a tenth of the stream that begins at this share of it."""
    return _at(samples, began + (start + 0.1) * whole) - _at(samples, began + start * whole)


def _at(samples: list[tuple[float, float]], when: float) -> float:
    """The main-thread seconds at a moment, between the two samples around it."""
    for (time_a, value_a), (time_b, value_b) in pairwise(samples):
        if time_a <= when <= time_b:
            return value_a + (value_b - value_a) * (when - time_a) / (time_b - time_a)
    return samples[0][1] if when < samples[0][0] else samples[-1][1]


if __name__ == "__main__":
    print(table(measure()))
