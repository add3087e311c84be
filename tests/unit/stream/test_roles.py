"""Roles in one process: a failure starts one again, a wrong set-up ends all."""

import sys
import threading
from types import ModuleType
from typing import ClassVar

import pytest

from muster_platform.bootstrap import Platform, build
from muster_platform.errors import ConfigurationError, InvalidInput
from muster_platform.settings import Settings
from muster_platform.stream import roles

LIMIT_S = 10.0


class Flaky:
    """Fails at its first start, then works until it is stopped."""

    starts: ClassVar[list[object]] = []
    works = threading.Event()

    def __init__(self, platform: Platform) -> None:
        self.starts.append(platform)

    def run(self, stop: threading.Event) -> None:
        if len(self.starts) == 1:
            raise RuntimeError("first time")
        self.works.set()
        stop.wait(LIMIT_S)

    def health(self) -> str:
        return "ok"


class Misconfigured(Flaky):
    def run(self, stop: threading.Event) -> None:
        raise ConfigurationError("no spool")


@pytest.fixture
def platform(monkeypatch: pytest.MonkeyPatch) -> Platform:
    module = ModuleType("roles_for_tests")
    module.Flaky, module.Misconfigured = Flaky, Misconfigured  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(roles.ROLES, "flaky", f"{module.__name__}:Flaky")
    monkeypatch.setitem(roles.ROLES, "wrong", f"{module.__name__}:Misconfigured")
    monkeypatch.setattr(roles, "BACKOFF_MIN_S", 0.01)
    return build(Settings(database_url="sqlite://"))


def test_a_role_that_fails_is_started_again(platform: Platform) -> None:
    Flaky.starts.clear()
    stop, said = threading.Event(), list[str]()
    running = threading.Thread(
        target=roles.run_roles, args=(platform, ["flaky"], stop), kwargs={"say": said.append}
    )
    running.start()
    assert Flaky.works.wait(LIMIT_S)
    stop.set()
    running.join(LIMIT_S)
    assert not running.is_alive()
    assert len(Flaky.starts) == 2


def test_a_wrong_setup_stops_all_and_is_told(platform: Platform) -> None:
    Flaky.starts.clear()
    with pytest.raises(ConfigurationError, match="no spool"):
        roles.run_roles(platform, ["flaky", "wrong"], threading.Event())


def test_an_unknown_role_is_named_with_those_there_are(platform: Platform) -> None:
    with pytest.raises(InvalidInput, match=r"no such role: nope; there are .*ingest"):
        roles.run_roles(platform, ["nope"], threading.Event())
