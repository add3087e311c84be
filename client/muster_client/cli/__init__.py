"""The commands that work on this machine and against a server alike."""

import typer


def register(app: typer.Typer) -> None:
    """Add the client's commands to the application."""
    from muster_client.cli import (
        account,
        alarms,
        devices,
        fleet,
        logs,
        oncall,
        people,
        releases,
        rights,
        rollouts,
        settings,
        trail,
        work,
    )

    fleet_work = (account, devices, work, releases, rollouts, logs, alarms, oncall, settings, fleet)
    for module in (*fleet_work, people, rights, trail):
        module.register(app)


def merge(app: typer.Typer) -> None:
    """Make one of groups that have the same name, such as `device` of client and platform.

    A command that both have is the one that was added first.
    """
    groups: dict[str, typer.Typer] = {}
    for group in list(app.registered_groups):
        name, found = str(group.name), group.typer_instance
        if found is None or groups.setdefault(name, found) is found:
            continue
        known = {command.name for command in groups[name].registered_commands}
        groups[name].registered_commands += [
            command for command in found.registered_commands if command.name not in known
        ]
        app.registered_groups.remove(group)
