"""`[updates]` of agent.toml, and the options of `muster agent run` beside it."""

import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import msgspec

from muster_agent.errors import ConfigError
from muster_agent.updates.declarations import InstallDeclaration
from muster_agent.updates.errors import UpdateError
from muster_agent.updates.health import health_command, healthy
from muster_agent.updates.slots import SlotInstaller

Limit = Annotated[float, msgspec.Meta(gt=0, le=3600)]


class UpdatesTable(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """How `muster agent run` installs updates; without `slots` it does not.

    Attributes:
        slots: folder of the two slots; relative to the file.
        health_command: exit status 0 says that the new slot is healthy; runs in the slot.
        restart_command: starts the app again out of `current`, before the health is looked at.
        restart_by_exit: the agent itself runs out of the slot: it ends, so that its supervisor
            starts the new one.
        max_starts: starts of the agent that may find the new slot on trial.
    """

    slots: str | None = None
    health_command: str | None = None
    health_limit_s: Limit = 60.0
    restart_command: str | None = None
    restart_limit_s: Limit = 120.0
    restart_by_exit: bool = False
    max_starts: Annotated[int, msgspec.Meta(ge=1, le=100)] = 3


def declare(table: UpdatesTable, base: Path) -> InstallDeclaration | None:
    """Make what a table describes; None: updates are not installed.

    Raises:
        ConfigError: it contradicts itself.
    """
    if table.slots is None:
        if table.health_command or table.restart_command or table.restart_by_exit:
            raise ConfigError("updates: a health or restart command needs `slots` (--slots DIR)")
        return None
    if table.restart_command and table.restart_by_exit:
        raise ConfigError("updates: either restart_command or restart_by_exit, not both")
    installer = SlotInstaller(base / table.slots)
    health = healthy
    if table.health_command:
        health = health_command(table.health_command, table.health_limit_s, installer.current)
    return InstallDeclaration(installer, health, _restart(table), table.max_starts)


def _restart(table: UpdatesTable) -> Callable[[], bool] | None:
    if table.restart_by_exit:
        return lambda: True
    command = table.restart_command
    if command is None:
        return None
    words = shlex.split(command)

    def restart() -> bool:
        try:
            subprocess.run(  # noqa: S603
                words, check=True, capture_output=True, timeout=table.restart_limit_s
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise UpdateError("restart", f"`{command}`: {error}") from error
        return False

    return restart
