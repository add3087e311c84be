"""Options of the core: what the device is, and its limits, with units in the names."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from muster_protocol.limits import EXPECT_EVERY_S
from muster_protocol.messages import Component, UpdateMode


def _no_inventory() -> Sequence[Component]:
    return ()


@dataclass(frozen=True, kw_only=True)
class CoreOptions:
    """Settings of one device.

    Attributes:
        profile: device type, as the platform knows it.
        inventory: gives the components and versions now installed; called at each hello.
        attributes: os, model, locale, time_zone, …: shown in the device list.
        expect_every_s: after so long without a message the presence is published again.
        spool_bytes: budget of the spool.
        window: QoS 1 messages on their way to the broker at a time.
        parallel: command handlers that run at a time; others wait in the journal.
        open_limit: executions accepted and not ended; more are REJECTED as busy.
        keep_days: how long an ended execution is remembered at least.
        update_modes: what the device can do with an update; the others are REJECTED.
        correct_stamps: stamp with the server's clock once it is known (the simulator's skewed
            devices do not).
    """

    profile: str = "default"
    agent_name: str = "muster-agent"
    agent_version: str = "0"
    inventory: Callable[[], Sequence[Component]] = _no_inventory
    attributes: Mapping[str, Any] = field(default_factory=dict)
    expect_every_s: float = EXPECT_EVERY_S
    spool_bytes: int = 64 * 1024 * 1024
    window: int = 64
    parallel: int = 4
    open_limit: int = 500
    keep_days: int = 30
    update_modes: Sequence[UpdateMode] = ()
    correct_stamps: bool = True

    # How long to wait for an answer before going on without it.
    clock_wait_s: float = 10.0
    ledger_wait_s: float = 10.0
    resend_guard_s: float = 20.0
    # A hello that nobody answers is said again, each time after twice as long: a broker that has
    # just started takes it before the platform has subscribed again.
    hello_first_s: float = 15.0
    hello_again_s: float = 600.0
