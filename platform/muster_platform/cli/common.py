"""What the commands that work on this machine share: the platform, and who acts.

How results are shown is the client's (`muster_client.cli.show`).
"""

import getpass
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from muster_client.cli.connect import named_server
from muster_client.cli.show import Json, Limit, State, show, show_one
from muster_platform import config
from muster_platform.access.actor import Actor, Grant
from muster_platform.access.permissions import Permission
from muster_platform.bootstrap import Platform, build
from muster_platform.db import migrate
from muster_platform.errors import InvalidInput
from muster_platform.settings import Settings
from muster_platform.unit import Unit
from muster_protocol.ids import uuid7

__all__ = [
    "Json",
    "Limit",
    "State",
    "local_actor",
    "pick",
    "platform",
    "set_up_logging",
    "settings",
    "show",
    "show_one",
    "unit",
]


def settings(state: Path | None = None, **overrides: Any) -> Settings:
    """Read the configuration as every command on this machine does.

    Raises:
        InvalidInput: another machine was named, and the command cannot work there.
    """
    server = named_server()
    if server is not None:
        raise InvalidInput(
            f"this command works on the machine of the installation, not at {server}: leave "
            "--server and MUSTER_SERVER out",
            where="--server",
        )
    return config.load(state_dir=state, **overrides)


def set_up_logging(chosen: Settings) -> None:
    """Send log lines to stderr in the one plain form."""
    logging.basicConfig(
        stream=sys.stderr,
        level=chosen.log_level.upper(),
        format="%(asctime)s %(levelname)-7s %(name)s: %(message)s",
    )


def local_actor() -> Actor:
    """Give the person at this machine: whoever can read the state folder may do all."""
    name = f"cli ({getpass.getuser()})"
    everything = (Grant(frozenset(Permission)),)
    return Actor("system", "cli", name, everything, request_id=uuid7())


@contextmanager
def platform(state: Path | None = None) -> Iterator[Platform]:
    """Open the platform, its database checked.

    Raises:
        ConfigurationError: no configuration, or a database of another version.
    """
    chosen = settings(state)
    built = build(chosen)
    try:
        migrate.check(built.engine)
        yield built
    finally:
        built.close()


@contextmanager
def unit(state: Path | None = None, *, write: bool = True) -> Iterator[Unit]:
    """Open a unit of work of the person at this machine."""
    with platform(state) as opened, opened.unit(local_actor(), write=write) as work:
        yield work


def pick(thing: object, *names: str, **also: Callable[[Any], Any]) -> dict[str, Any]:
    """Take attributes of a row by name, and some by function."""
    row = {name: getattr(thing, name) for name in names}
    return row | {name: get(thing) for name, get in also.items()}
