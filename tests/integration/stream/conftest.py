"""A migrated database with a few devices and a sink on it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from muster_platform.bootstrap import Platform, build
from muster_platform.clock import ManualClock
from muster_platform.db import migrate
from muster_platform.settings import Settings
from tests.integration.stream.helpers import Store, register


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def make_platform(clock: ManualClock, tmp_path: Path) -> Iterator[Callable[..., Platform]]:
    opened: list[Platform] = []

    def make(url: str, **more: Any) -> Platform:
        settings = Settings(state_dir=tmp_path, database_url=url, **more)
        opened.append(build(settings, clock))
        return opened[-1]

    yield make
    for platform in opened:
        platform.close()


@pytest.fixture
def store(database_url: str, make_platform: Callable[..., Platform], clock: ManualClock) -> Store:
    platform = make_platform(database_url)
    migrate.upgrade(platform.engine)
    register(platform, "a", "b", "gw")
    register(platform, "kid", gateway="gw")
    return Store(platform, clock)
