"""What a page asks of the network, recorded by the browser's own debugger."""

from __future__ import annotations

from urllib.parse import urlsplit

from playwright.sync_api import Page

from tests.browser.payloads import EVIL, SAME


class Traffic:
    """All requests from now on, those of sockets and frames included."""

    def __init__(self, page: Page) -> None:
        self.urls: list[str] = []
        self.frames: list[str] = []
        """What went over websockets, both ways."""
        self._page = page
        page.context.route(f"{EVIL}/**", lambda route: route.abort())
        self._debugger = page.context.new_cdp_session(page)
        self._debugger.on("Network.requestWillBeSent", self._request)
        self._debugger.on("Network.webSocketCreated", self._socket)
        for way in ("Sent", "Received"):
            self._debugger.on(f"Network.webSocketFrame{way}", self._frame)
        self._debugger.send("Network.enable")  # pyright: ignore[reportUnknownMemberType] -- Playwright types its answer loosely

    def _request(self, event: dict[str, dict[str, str]]) -> None:
        self.urls.append(event["request"]["url"])

    def _socket(self, event: dict[str, str]) -> None:
        self.urls.append(event["url"])

    def _frame(self, event: dict[str, dict[str, str]]) -> None:
        self.frames.append(event["response"]["payloadData"])

    def caught(self) -> list[str]:
        """The requests that a payload has made."""
        self._page.evaluate("() => new Promise(done => setTimeout(done, 150))")
        return [url for url in self.urls if _is_evil(url)]

    def foreign(self, address: str) -> list[str]:
        """The requests to anyone but the server that the page comes from."""
        own = urlsplit(address).netloc
        return [
            url
            for url in self.urls
            if urlsplit(url).scheme not in ("data", "blob") and urlsplit(url).netloc != own
        ]


def _is_evil(url: str) -> bool:
    return url.startswith((EVIL, "file:", "attachment:")) or SAME in url or "evil.example" in url
