"""Scenario files: what a fleet consists of and what goes wrong in it."""

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

import msgspec

from muster_agent.config import read_toml
from muster_agent.errors import ConfigError
from muster_protocol.ids import is_device_id
from muster_protocol.messages import Level, UpdateMode

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Seconds = Annotated[float, msgspec.Meta(gt=0, le=30 * 86_400)]
Rate = Annotated[float, msgspec.Meta(ge=0, le=3600)]
Span = tuple[float, float]
"""From and to, both included."""


class _Table(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Base of all tables: an unknown key is an error, most often a slip of the pen."""


class Walk(_Table, tag="walk", tag_field="kind"):
    """A number that wanders: each value is the last one plus a normal step."""

    start: Span
    step: float
    min: float
    max: float
    digits: int = 2


class Sine(_Table, tag="sine", tag_field="kind"):
    """A number that follows the time of day, with noise; each device has its own phase."""

    mean: float
    amplitude: float
    period_s: Seconds = 86_400
    noise: float = 0.0
    digits: int = 2


class Counter(_Table, tag="counter", tag_field="kind"):
    """A whole number that grows by a random amount."""

    step: Span


class Choice(_Table, tag="choice", tag_field="kind"):
    """One of some values (numbers, texts, booleans); it changes with the chance given."""

    values: list[float | bool | str]
    change: Share = 0.1


class Place(_Table, tag="place", tag_field="kind"):
    """A place that drifts around a centre (degrees, kilometres)."""

    lat: float
    lon: float
    radius_km: float = 5.0


Metric = Walk | Sine | Counter | Choice | Place
_KINDS = "walk, sine, counter, choice or place"


def _usual_levels() -> dict[Level, float]:
    return {Level.INFO: 0.85, Level.WARN: 0.12, Level.ERROR: 0.03}


class LogTable(_Table):
    """Log records.

    Attributes:
        per_hour: ordinary records per device.
        crashes_per_hour: records of level ERROR or FATAL with a stack trace, per device.
        levels: share of each level among the ordinary ones.
    """

    per_hour: Rate = 20
    crashes_per_hour: Rate = 0.0
    levels: dict[Level, Share] = msgspec.field(default_factory=_usual_levels)


class CommandTable(_Table):
    """How commands end; what remains of the shares succeeds.

    Attributes:
        names: commands the devices have, beside `ping`, `collect_info`, `log_level`, `reboot`.
        seconds: how long one takes; a slow one takes `slow_seconds`.
    """

    names: list[str] = []
    seconds: Span = (0.2, 3.0)
    slow: Share = 0.0
    slow_seconds: Span = (30.0, 120.0)
    fail: Share = 0.0
    reject: Share = 0.0


class UpdateTable(_Table):
    """How updates go; what remains of the shares of both kinds of trouble succeeds.

    Attributes:
        modes: what the devices can do with an update.
        fail: rolled back after its health check (notify: the store fails).
        disk_full: finds no room while it downloads.
        lie: claims SUCCEEDED, and its inventory stays as it was.
        power_loss: loses power while installing, starts again and goes on.
        decline: share of people who say no to a notice.
        seconds: the download; a share `slow` takes `slow_seconds`.
        confirm_seconds: how long a person thinks.
    """

    modes: list[UpdateMode] = msgspec.field(default_factory=lambda: list(UpdateMode))
    fail: Share = 0.0
    disk_full: Share = 0.0
    lie: Share = 0.0
    power_loss: Share = 0.0
    decline: Share = 0.0
    seconds: Span = (1.0, 5.0)
    slow: Share = 0.0
    slow_seconds: Span = (60.0, 300.0)
    install_seconds: Span = (0.5, 2.0)
    confirm_seconds: Span = (2.0, 10.0)


class FaultTable(_Table):
    """What goes wrong. A share says how many devices have the fault.

    Attributes:
        flapping: lose their connection every `flap_every_s`, for `flap_away_s`.
        skewed: have a clock that is off by `skew_s` and do not correct their stamps.
        sleepers: say goodbye and sleep every `sleep_every_s`, for `sleep_for_s`.
        reboots_per_day: restarts without a goodbye, per device.
    """

    flapping: Share = 0.0
    flap_every_s: Span = (60.0, 300.0)
    flap_away_s: Span = (1.0, 20.0)
    skewed: Share = 0.0
    skew_s: Span = (-7200.0, 7200.0)
    sleepers: Share = 0.0
    sleep_every_s: Span = (120.0, 600.0)
    sleep_for_s: Span = (30.0, 300.0)
    reboots_per_day: Rate = 0.0


class ProfileTable(_Table):
    """One profile of devices.

    Attributes:
        share: its weight among the profiles.
        every_s: telemetry interval.
        attributes, inventory: a list means that each device takes one of it.
    """

    share: Annotated[float, msgspec.Meta(ge=0)] = 1.0
    every_s: Seconds = 30.0
    expect_every_s: Seconds = 300.0
    attributes: dict[str, Any] = {}
    inventory: dict[str, str | list[str]] = {}
    metrics: dict[str, Metric] = {}
    logs: LogTable = msgspec.field(default_factory=LogTable)
    commands: CommandTable = msgspec.field(default_factory=CommandTable)
    updates: UpdateTable = msgspec.field(default_factory=UpdateTable)
    faults: FaultTable = msgspec.field(default_factory=FaultTable)


class Scenario(_Table):
    """The whole file.

    Attributes:
        prefix: device ids are `{prefix}-{profile}-{number}`.
        connect_over_s: the first connections are spread over this time.
        keepalive_s: MQTT keep-alive.
    """

    profiles: dict[str, ProfileTable]
    description: str = ""
    prefix: str = "sim"
    connect_over_s: Annotated[float, msgspec.Meta(ge=0, le=3600)] = 5.0
    keepalive_s: Annotated[int, msgspec.Meta(ge=5, le=3600)] = 60


def load_scenario(file: Path | None) -> Scenario:
    """Read a scenario; None is the one that comes with the program.

    Raises:
        ConfigError: naming file, key, and what was expected.
    """
    where = Path(str(files("muster_agent.simulator") / "default.toml")) if file is None else file
    scenario = read_toml(where, Scenario, {"kind": _KINDS})
    for problem in _problems(scenario):
        raise ConfigError(f"{where}: {problem}")
    return scenario


def with_failing_updates(scenario: Scenario, share: float) -> Scenario:
    """Give the same scenario, in which this share of the devices fails its updates.

    Raises:
        ConfigError: together with its other shares that is more than 1.
    """
    profiles = {
        name: msgspec.structs.replace(
            profile, updates=msgspec.structs.replace(profile.updates, fail=share)
        )
        for name, profile in scenario.profiles.items()
    }
    changed = msgspec.structs.replace(scenario, profiles=profiles)
    for problem in _problems(changed):
        raise ConfigError(f"--fail-updates {share:.0%}: {problem}")
    return changed


def _problems(scenario: Scenario) -> Iterator[str]:
    """Check what types cannot say."""
    if not scenario.profiles:
        yield "profiles: at least one table [profiles.NAME] is needed"
    elif not any(profile.share for profile in scenario.profiles.values()):
        yield "profiles: at least one share must be above 0"
    for name, profile in scenario.profiles.items():
        if not is_device_id(f"{scenario.prefix}-{name}-0000"):
            yield f"profiles.{name}: prefix and name must make a device id (letters, digits . _ -)"
        yield from _profile_problems(f"profiles.{name}", profile)


def _profile_problems(where: str, profile: ProfileTable) -> Iterator[str]:
    for key, span in _spans(where, profile):
        if span[0] > span[1]:
            yield f"{key}: expected [from, to] with from <= to, found {list(span)}"
    for metric, made in profile.metrics.items():
        if isinstance(made, Walk) and made.min >= made.max:
            yield f"{where}.metrics.{metric}: expected min < max"
        if isinstance(made, Choice) and not made.values:
            yield f"{where}.metrics.{metric}.values: expected at least one"
    commands = profile.commands
    if commands.slow + commands.fail + commands.reject > 1:
        yield f"{where}.commands: slow + fail + reject: expected at most 1 together"
    updates = profile.updates
    if updates.fail + updates.disk_full + updates.lie + updates.power_loss > 1:
        yield f"{where}.updates: fail + disk_full + lie + power_loss: at most 1 together"


def _spans(where: str, profile: ProfileTable) -> Iterator[tuple[str, Span]]:
    for table in ("commands", "updates", "faults"):
        values = getattr(profile, table)
        for field in values.__struct_fields__:
            value = getattr(values, field)
            if isinstance(value, tuple):
                yield f"{where}.{table}.{field}", value
    for metric, made in profile.metrics.items():
        for field in ("start", "step"):
            value = getattr(made, field, None)
            if isinstance(value, tuple):
                yield f"{where}.metrics.{metric}.{field}", value


def share_out(scenario: Scenario, count: int) -> list[str]:
    """Give the profile of each of `count` devices, by largest remainder, then by name."""
    total = sum(profile.share for profile in scenario.profiles.values())
    exact = {name: count * p.share / total for name, p in scenario.profiles.items()}
    whole = {name: int(value) for name, value in exact.items()}
    rest = count - sum(whole.values())
    for name in sorted(exact, key=lambda n: (whole[n] - exact[n], n))[:rest]:
        whole[name] += 1
    return [name for name in scenario.profiles for _ in range(whole[name])]
