"""`muster simulate`: options, progress, signals."""

import signal
import sys
import threading
import time
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from muster_agent.errors import ConfigError, MusterError
from muster_agent.simulator.fleet import Fleet
from muster_agent.simulator.scenario import load_scenario, with_failing_updates

_LINE_EVERY_S = 1.0
_LOG_EVERY_S = 30.0


def register(app: typer.Typer) -> None:
    """Add the `simulate` command to the application."""
    app.command()(simulate)


def simulate(
    server: Annotated[str, typer.Option(help="Address of the platform, http:// or https://.")],
    token: Annotated[
        list[str],
        typer.Option(
            envvar="MUSTER_ENROLMENT_TOKEN",
            help="Enrolment token (allow new), or PROFILE=TOKEN for the devices of one profile.",
        ),
    ],
    devices: Annotated[int, typer.Option(min=1, max=100_000, help="How many.")] = 25,
    scenario: Annotated[Path | None, typer.Option(help="Scenario file (see the guide).")] = None,
    fail_updates: Annotated[
        str | None,
        typer.Option(help="Share of the devices that fails its updates: 6% or 0.06."),
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same behaviour.")] = 1,
    state: Annotated[
        Path | None, typer.Option(help="Keep identities, spools and journals between runs here.")
    ] = None,
) -> None:
    """Drive a rehearsal fleet until SIGTERM or Ctrl-C; all devices then say goodbye."""
    story = load_scenario(scenario)
    if fail_updates is not None:
        story = with_failing_updates(story, parse_share(fail_updates))
    fleet = Fleet(
        story,
        devices,
        seed,
        server,
        parse_tokens(token),
        state,
        version("muster"),
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: fleet.stopping.set())
    try:
        _drive(fleet)
    finally:
        fleet.close()


def parse_tokens(words: list[str]) -> dict[str, str]:
    """Read TOKEN and PROFILE=TOKEN; the key "" is the one for all other profiles."""
    tokens = {}
    for word in words:
        profile, _, text = word.rpartition("=")
        tokens[profile] = text
    return tokens


def parse_share(text: str) -> float:
    """Read "6%" or "0.06".

    Raises:
        ConfigError: it is neither, or not between 0 and 1.
    """
    try:
        share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise ConfigError(f"--fail-updates {text!r}: expected a share such as 6% or 0.06")
    return share


def _drive(fleet: Fleet) -> None:
    tell = Progress()
    identities = fleet.enrol_all(tell.note)
    fleet.populate(identities)
    loop = threading.Thread(target=fleet.driver.run, name="muster-fleet", daemon=True)
    loop.start()
    tell.say(f"ready: {len(identities)} devices, scenario {fleet.scenario.description!r}")
    try:
        while not fleet.stopping.wait(_LINE_EVERY_S):
            if not loop.is_alive():
                raise MusterError("the fleet's network thread has ended; see the message above")
            tell.line(fleet.line())
    finally:
        fleet.stop()
        loop.join(10.0)
        tell.say(f"stopped: {fleet.line()}")


class Progress:
    """One line that is rewritten on a terminal; in a log, a line now and then."""

    def __init__(self) -> None:
        self._terminal = sys.stdout.isatty()
        self._next = 0.0
        self._last_note = ""

    def line(self, text: str) -> None:
        """Show the present state."""
        if self._terminal:
            sys.stdout.write(f"\r\033[K{text}")
        elif time.monotonic() >= self._next:
            self._next = time.monotonic() + _LOG_EVERY_S
            sys.stdout.write(f"{text}\n")
        sys.stdout.flush()

    def say(self, text: str) -> None:
        """Write a line that stays."""
        start = "\r\033[K" if self._terminal else ""
        sys.stdout.write(f"{start}{text}\n")
        sys.stdout.flush()

    def note(self, text: str) -> None:
        """Write a line that stays, once however often it comes."""
        if text != self._last_note:
            self._last_note = text
            self.say(text)
