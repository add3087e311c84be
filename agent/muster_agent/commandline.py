"""`muster agent …`."""

import logging
import time
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from muster_agent import machine
from muster_agent.config import build_agent, default_state_dir
from muster_agent.enrolment import EnrolClient, Pending
from muster_agent.errors import ConfigError, StateError
from muster_agent.identity import Identity, StateDir, new_identity
from muster_agent.trust import checked
from muster_protocol.ids import is_device_id

StateOption = Annotated[
    Path | None,
    typer.Option(
        "--state", help="State folder (default: $MUSTER_AGENT_STATE, else ~/.muster-agent)."
    ),
]


def register(app: typer.Typer) -> None:
    """Add the `agent` commands to the application."""
    group = typer.Typer(help="Be one device: enrol it, run it.", no_args_is_help=True)
    group.command()(enrol)
    group.command()(run)
    group.command()(status)
    app.add_typer(group, name="agent")


def enrol(
    server: Annotated[str, typer.Option(help="Address of the platform, http:// or https://.")],
    token: Annotated[str, typer.Option(help="Enrolment token, or - to read it from input.")],
    device_id: Annotated[str, typer.Option(help="Letters, digits and . _ -; at most 64.")],
    profile: Annotated[str | None, typer.Option(help="Profile, if the token allows any.")] = None,
    state: StateOption = None,
    ca_file: Annotated[
        str | None,
        typer.Option(help="Certificates to trust, here and at the brokers, from now on."),
    ] = None,
) -> None:
    """Turn an enrolment token into this device's own secret, kept in the state folder."""
    if not is_device_id(device_id):
        raise ConfigError(
            f"--device-id {device_id!r}: 1 to 64 letters, digits and . _ - are allowed, "
            "beginning with a letter or digit"
        )
    trusted = checked(ca_file, "--ca-file") if ca_file else ""
    words = typer.get_text_stream("stdin").readline().strip() if token == "-" else token  # noqa: S105
    folder = StateDir(state or default_state_dir())
    client = EnrolClient(server, trusted or None)
    try:
        identity = _identity_for(folder, device_id)
        facts = machine.describe()
        answer = client.enrol(words, device_id, identity.install_id, profile, facts)
        while isinstance(answer, Pending):
            typer.echo(
                f"{device_id} waits for approval; asking again in {answer.retry_after_s:.0f} s",
                err=True,
            )
            time.sleep(max(1.0, answer.retry_after_s))
            answer = client.enrol(words, device_id, identity.install_id, profile, facts)
        identity.secret = answer.secret
        identity.brokers = [broker.url for broker in answer.broker]
        identity.profile = answer.profile or profile or identity.profile
        identity.server, identity.ca_file = server, trusted
        folder.save(identity)
    finally:
        client.close()
        folder.close()
    typer.echo(f"{device_id} is enrolled; start it with: muster agent run --state {folder.path}")


def _identity_for(folder: StateDir, device_id: str) -> Identity:
    """Give the identity to enrol; its install_id is on disk before it is sent.

    An answer that is lost can so be asked for again with the same install_id.
    """
    identity = folder.load()
    if identity is None:
        identity = new_identity(device_id)
        folder.save(identity)
    if identity.device_id != device_id:
        raise StateError(
            f"{folder.path} belongs to {identity.device_id}: choose another folder with --state"
        )
    return identity


def run(
    state: StateOption = None,
    config: Annotated[Path | None, typer.Option(help="Options, see the guide: agent.toml.")] = None,
    slots: Annotated[
        Path | None, typer.Option(help="Install updates into two slots in this folder.")
    ] = None,
    health_command: Annotated[
        str | None, typer.Option(help="Exit status 0: what was installed is healthy.")
    ] = None,
    restart_command: Annotated[
        str | None, typer.Option(help="Starts the app again after an update.")
    ] = None,
    restart_by_exit: Annotated[
        bool, typer.Option(help="End after an update: a supervisor starts the new one.")
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log more.")] = False,
) -> None:
    """Run the device until SIGTERM or Ctrl-C; what is not confirmed stays on disk."""
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    updates = {
        "slots": str(slots.resolve()) if slots else None,
        "health_command": health_command,
        "restart_command": restart_command,
        "restart_by_exit": restart_by_exit,
    }
    agent = build_agent(config, state, version("muster"), updates)
    typer.echo(f"{agent.identity.device_id} runs; brokers: {', '.join(agent.identity.brokers)}")
    agent.run()


def status(
    state: StateOption = None,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Show who this device is and where it connects to (also while the agent runs)."""
    folder = StateDir(state or default_state_dir(), lock=False)
    identity = folder.require()
    shown = {**msgspec.to_builtins(identity), "secret": "***", "state": str(folder.path)}
    if json:
        typer.echo(msgspec.json.encode(shown))
        return
    for name, value in shown.items():
        typer.echo(f"{name:14} {', '.join(value) if isinstance(value, list) else value}")
