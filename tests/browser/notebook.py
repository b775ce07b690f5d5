"""A notebook in a real JupyterLab: its cells are run by the menu's own commands and read as a person reads them."""

from __future__ import annotations

from pathlib import Path

import nbformat
from playwright.sync_api import BrowserContext, Locator, Page

from tests.browser.conftest import open_lab, wait_kernel
from tests.browser.lab import Lab


def write_notebook(path: Path, *cells: str) -> None:
    notebook = nbformat.v4.new_notebook()
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    notebook.cells = [nbformat.v4.new_code_cell(cell) for cell in cells]
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)


class Notebook:
    """The notebook in front of one tab."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.root = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
        self.cells = self.root.locator(".jp-Cell")

    @classmethod
    def open(cls, context: BrowserContext, lab: Lab, path: str) -> Notebook:
        page = open_lab(context, lab, path)
        wait_kernel(page)
        return cls(page)

    def run_all(self) -> None:
        """As Run, Run All Cells; it does not wait for the end."""
        self.page.evaluate(
            "() => { window.jupyterapp.commands.execute('notebook:run-all-cells'); }"
        )

    def output(self, cell: int) -> Locator:
        return self.cells.nth(cell).locator(".jp-Cell-outputArea")

    def widget_button(self, name: str) -> Locator:
        """A button of the approval card in any cell's output."""
        return self.root.locator(".jupyter-button").filter(has_text=name).first

    def wait_idle(self) -> None:
        """Until no cell runs or waits."""
        self.page.wait_for_function(
            """() => {
              const panel = window.jupyterapp.shell.currentWidget;
              const cells = [...panel.node.querySelectorAll('.jp-InputPrompt')];
              return panel.sessionContext.session.kernel.status === 'idle'
                && !cells.some(cell => cell.textContent.includes('*'));
            }""",
            timeout=40_000,
        )

    def save(self) -> None:
        self.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
