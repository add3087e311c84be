"""The site of a running installation with two simulated devices, in Chromium."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Page,
    Request,
    Response,
    StorageState,
    WebSocket,
)

from tests.e2e.conftest import PASSWORD, Installation, choose_password
from tests.services.muster import MusterProcess

SCENARIO = Path(__file__).with_name("scenario.toml")
DESKTOP = (1440, 900)
PHONE = (390, 844)
LIMIT_MS = 30_000
_numbers = itertools.count(1)


@dataclass
class Watch:
    """What a browser did that it should not.

    Attributes:
        faults: console errors (a broken policy is one), page errors, failed answers.
        hosts: hosts that were asked, over HTTP or WebSocket.
    """

    faults: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    def follow(self, page: Page) -> None:
        """Watch a page."""
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("request", self._request)
        page.on("response", self._response)
        page.on("websocket", self._websocket)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.faults.append(f"console: {message.text}")

    def _request(self, request: Request) -> None:
        self._host(request.url)

    def _websocket(self, socket: WebSocket) -> None:
        self._host(socket.url)

    def _host(self, url: str) -> None:
        if not url.startswith("data:"):
            self.hosts.add(url.split("/")[2].partition(":")[0])

    def _response(self, response: Response) -> None:
        if response.status >= 400:
            self.faults.append(f"{response.status} {response.url}")


@pytest.fixture(scope="session")
def fleet(
    installation: Installation, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """Give the installation with two devices of the scenario."""
    installation.muster("profile", "create", "station")
    token = installation.muster(
        "token", "create", "walk", "--profile", "station", "--mode", "allow_new"
    )
    folder = tmp_path_factory.mktemp("simulate")
    process = MusterProcess(
        (
            *("simulate", "--server", installation.web_url, "--token", token["token"]),
            *("--devices", "2", "--scenario", str(SCENARIO), "--state", str(folder / "state")),
        ),
        folder / "simulate.log",
        installation.environment,
    )
    try:
        process.wait_for("ready")
        yield installation
        assert process.terminate() == 0
    finally:
        process.reap()


@pytest.fixture(scope="module")
def signed_in(fleet: Installation, browser: Browser) -> StorageState:
    """Sign in once, as a person does, and give what the browser keeps of it."""
    watch, context = Watch(), browser.new_context()
    page = context.new_page()
    watch.follow(page)
    page.goto(fleet.web_url)
    page.get_by_label("E-mail").fill(fleet.email)
    page.get_by_label("Password").fill(fleet.password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{fleet.web_url}/admin/")
    state = context.storage_state()
    context.close()
    assert watch.faults == []
    return state


@pytest.fixture(scope="module")
def person(fleet: Installation, browser: Browser) -> Callable[..., StorageState]:
    """Give a function that lets somebody in with roles and gives what their browser keeps."""
    known: dict[tuple[str, ...], StorageState] = {}

    def signed_in_as(*roles: str) -> StorageState:
        if roles not in known:
            email = f"{'-'.join(roles)}-{next(_numbers)}@example.org"
            made = fleet.muster("user", "create", email, "--role", roles[0])
            for role in roles[1:]:
                fleet.muster("user", "bind", email, role)
            choose_password(fleet.web_url, email, made["one_time_password"])
            context = browser.new_context()
            page = context.new_page()
            page.goto(fleet.web_url)
            page.get_by_label("E-mail").fill(email)
            page.get_by_label("Password").fill(PASSWORD)
            page.get_by_role("button", name="Sign in").click()
            page.wait_for_url(f"{fleet.web_url}/admin/")
            known[roles] = context.storage_state()
            context.close()
        return known[roles]

    return signed_in_as


@pytest.fixture
def open_site(
    fleet: Installation, browser: Browser, signed_in: StorageState
) -> Iterator[Callable[..., Page]]:
    """Give a function that opens the home page; at the end nothing may have gone wrong."""
    watch, contexts = Watch(), []

    def start(
        size: tuple[int, int] = DESKTOP, scheme: str = "light", who: StorageState | None = None
    ) -> Page:
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme=scheme,  # type: ignore[arg-type]
            storage_state=who or signed_in,
        )
        contexts.append(context)
        context.set_default_timeout(LIMIT_MS)
        page = context.new_page()
        watch.follow(page)
        page.goto(f"{fleet.web_url}/admin/")
        return page

    yield start
    for context in contexts:
        context.close()
    assert watch.faults == []
    assert watch.hosts == {"127.0.0.1"}
