"""A real Chromium on a real JupyterLab whose only model is the simulated Moonshot API."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.browser.chromium import ADVICE, FLAGS, find_chromium
from tests.browser.lab import TOKEN, Lab
from tests.browser.panel import Panel
from tests.moonshot.process import MoonshotProcess, moonshot_process

KEY = "sk-" + "browser-test-key"
HERE = Path(__file__).parent
SCREENS = HERE.parent.parent / "build" / "screens"
WIDE = {"width": 1400, "height": 900}
NARROW = {"width": 760, "height": 900}
FAILED = pytest.StashKey[bool]()
expect.set_options(timeout=15_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    if report.when == "call" and report.failed:
        item.stash[FAILED] = True
    return report


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """Scoped to this package: while it lives, its event loop bars other async tests from this thread."""
    path = find_chromium()
    if path is None:
        pytest.skip(ADVICE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def context(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[BrowserContext]:
    """A browser profile of its own; what fails in our code on any of its pages fails the test."""
    context = chromium.new_context(viewport=WIDE)
    context.set_default_timeout(15_000)
    faults: list[str] = []
    context.on("weberror", lambda fault: faults.append(str(fault.error)))
    yield context
    if request.node.stash.get(FAILED, False):
        for number, page in enumerate(context.pages, 1):
            shoot(page, f"failed-{request.node.name}-{number}")
    context.close()
    assert [fault for fault in faults if "kimi" in fault.lower()] == []


def shoot(page: Page, name: str) -> None:
    """Keep what the user sees; build output, never committed."""
    SCREENS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENS / f"{name}.png")


def open_lab(context: BrowserContext, lab: Lab, path: str = "") -> Page:
    """A tab with a workspace of its own, JupyterLab ready in it."""
    page = context.new_page()
    tree = f"/tree/{path}" if path else ""
    page.goto(f"{lab.address}/lab/workspaces/w{uuid.uuid4().hex}{tree}?token={TOKEN}")
    wait_ready(page)
    if not path:
        # It comes after the rest, and takes the focus when it comes.
        page.locator(".jp-Launcher").first.wait_for()
    return page


def wait_ready(page: Page) -> None:
    page.wait_for_function(
        "() => window.jupyterapp && !document.querySelector('#jupyterlab-splash')", timeout=30_000
    )
    page.evaluate("() => window.jupyterapp.restored.then(() => null)")


def wait_kernel(page: Page) -> None:
    """The toolbar's own mark comes before the kernel is connected, so the session is asked."""
    page.wait_for_function(
        """() => {
          const session = window.jupyterapp?.shell?.currentWidget?.sessionContext;
          const kernel = session?.session?.kernel;
          return !!(session?.isReady && kernel && kernel.connectionStatus === 'connected'
            && kernel.status === 'idle' && !document.querySelector('#jupyterlab-splash'));
        }""",
        timeout=40_000,
    )


OpenPanel = Callable[..., Panel]


@pytest.fixture
def open_panel(context: BrowserContext) -> OpenPanel:
    """Opens a tab of JupyterLab with the Kimi sidebar in front."""

    def open(lab: Lab, path: str = "") -> Panel:
        panel = Panel(open_lab(context, lab, path))
        panel.show()
        return panel

    return open


@pytest.fixture(scope="package")
def api() -> Iterator[MoonshotProcess]:
    """The simulated API; a test says with `set_script` what the next requests are answered."""
    with moonshot_process("--chunks-per-second", "0") as process:
        yield process


@pytest.fixture(autouse=True)
def _no_script_left(api: MoonshotProcess) -> None:
    api.set_script([])


@pytest.fixture(scope="package")
def lab(api: MoonshotProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """JupyterLab with a key, for all tests that leave it as it was."""
    with running(tmp_path_factory.mktemp("lab"), with_key(api)) as lab:
        yield lab


@contextmanager
def running(
    folder: Path, environment: dict[str, str], settings: dict[str, object] | None = None
) -> Iterator[Lab]:
    """A JupyterLab that ends with the block."""
    lab = Lab(folder, environment=environment)
    if settings is not None:
        lab.write_settings(settings)
    lab.start()
    try:
        yield lab
    finally:
        lab.stop()


def with_key(api: MoonshotProcess) -> dict[str, str]:
    return {"MOONSHOT_API_KEY": KEY, "MOONSHOT_BASE_URL": api.url}
