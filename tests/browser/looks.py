"""What a state of the panel looks like: narrow and wide, light and dark, by axe and by what sticks out."""

from __future__ import annotations

from pathlib import Path

from tests.browser.panel import ID, Panel

ROOT = Path(__file__).parents[2]
AXE = ROOT / "labextension" / "node_modules" / "axe-core" / "axe.min.js"
SCREENS = ROOT / "build" / "screens"
WIDTHS = {"narrow": 335, "wide": 735}
"""Where the sidebar's right edge is dragged to; the activity bar takes 34 of it."""
THEMES = {"dark": "JupyterLab Dark", "light": "JupyterLab Light"}
"""Light comes last, since the server keeps the choice for the next test."""

_STICKING_OUT = """panel => {
  const edge = panel.getBoundingClientRect().right;
  const scrolls = node => ['auto', 'scroll'].includes(getComputedStyle(node).overflowX);
  const isInScroller = node => {
    for (let up = node.parentElement; up && up !== panel; up = up.parentElement) {
      if (scrolls(up) && up.scrollWidth > up.clientWidth) return true;
    }
    return false;
  };
  const hidden = node => node.closest('.jp-Kimi-hidden') !== null;
  const ellipsis = node => getComputedStyle(node).textOverflow === 'ellipsis';
  const found = [];
  for (const node of panel.querySelectorAll('*')) {
    const box = node.getBoundingClientRect();
    if (box.width === 0 || hidden(node) || isInScroller(node)) continue;
    const style = getComputedStyle(node);
    const isCut = style.overflowX === 'hidden' && !ellipsis(node)
      && !node.matches('.jp-Kimi-copySign') && node.scrollWidth > node.clientWidth + 1;
    if (box.right > edge + 1 || isCut) {
      found.push(`${isCut ? 'cut' : 'outside'}: ${node.outerHTML.slice(0, 160)}`);
    }
  }
  return found;
}"""


def violations(panel: Panel) -> list[str]:
    """What axe says of the panel."""
    panel.page.add_script_tag(path=AXE)
    found = panel.page.evaluate(f"async () => (await axe.run('#{ID}')).violations")
    return [
        f"{each['id']}: {each['help']}: {node['html'][:200]}"
        for each in found
        for node in each["nodes"]
    ]


def faults(panel: Panel, name: str) -> list[str]:
    """Go through both themes and both widths, keep a picture of each, and tell what is wrong."""
    found: list[str] = []
    SCREENS.mkdir(parents=True, exist_ok=True)
    panel.page.set_viewport_size({"width": 1100, "height": 640})
    for theme, full in THEMES.items():
        panel.set_theme(full)
        for width, edge in WIDTHS.items():
            panel.widen(edge)
            panel.page.wait_for_function(
                "([id, edge]) => Math.abs(document.getElementById(id).getBoundingClientRect().right - edge) < 8",
                arg=[ID, edge],
            )
            state = f"{name}-{theme}-{width}"
            panel.root.screenshot(path=SCREENS / f"{state}.png")
            found += [f"{state}: {each}" for each in violations(panel)]
            found += [f"{state}: {each}" for each in panel.root.evaluate(_STICKING_OUT)]
    return found
