"""The role `accounts`: a Mosquitto's passwords in step with the database.

It is woken when a device enrols, gets another secret, is disabled, enabled, deleted or restored,
and compares all every `accounts_every_s` besides. Where something differs the file is written
whole and Mosquitto reads it again; whoever is connected and not in it any more is closed by
Mosquitto at that moment. Each Mosquitto has an `accounts` of its own beside it.

Killed at any point, the next start finds the same differences, and what is still to be forgotten
in accounts.json.
"""

import logging
import secrets
import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from muster_broker.accounts import mosquitto as files
from muster_broker.accounts.files import write_accounts
from muster_broker.receiver import ReceiverError
from muster_platform.access.actor import system_actor
from muster_platform.bootstrap import Platform
from muster_platform.devices.broker_accounts import (
    Deleted,
    deleted_since,
    device_accounts,
    own_connections,
)
from muster_platform.outbox import WAKE_ACCOUNTS
from muster_platform.stream import broker_memory, mosquitto

log = logging.getLogger(__name__)

STATE = "accounts.json"
PAUSE_S = 0.5
"""Between two writings: a fleet that enrols at once is written many devices at a time."""
IN_FORCE_S = 10.0
"""How long Mosquitto may take to read its files again before something is wrong."""
RETRY_S = 2.0
LATE_MS = 120_000
"""A deletion is stamped before its commit; so far back we look for those that came late."""


class Remembered(msgspec.Struct):
    """What is known from one step to the next.

    Attributes:
        looked_at: up to when deletions are known, ms since the epoch.
        seen: keys of devices whose deletion since then was dealt with or is in `forget`.
        forget: ids whose connection, session and retained messages must still go.
        probe: secret of the account that shows which files are in force.
    """

    looked_at: int = 0
    seen: list[int] = []
    forget: list[str] = []
    probe: str = ""


class KeeperRole:
    """Runs accounts until told to stop."""

    name = "accounts"

    def __init__(
        self, platform: Platform, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """Prepare; nothing is read or written yet."""
        self._platform, self._monotonic = platform, monotonic
        self._settings = platform.settings
        self._actor = system_actor("accounts")
        self._folder = self._settings.mosquitto_files
        self._note = "starting"
        self._stop = threading.Event()

    def run(self, stop: threading.Event) -> None:
        """Work until stopped.

        Raises:
            SQLAlchemyError: the database is away; the caller starts the role again.
            OSError: the folder cannot be written.
        """
        self._stop = stop
        wake_ups = self._platform.wake_ups(WAKE_ACCOUNTS)
        while not stop.is_set():
            patience_s = float(self._settings.accounts_every_s)
            try:
                self.step()
            except ReceiverError as error:
                if self._note != (why := f"the broker is away: {error}"):
                    log.warning("accounts: %s", why)
                self._note, patience_s = why, RETRY_S
            until = self._monotonic() + patience_s
            stop.wait(PAUSE_S)
            while not stop.is_set() and (left_s := until - self._monotonic()) > 0:
                if wake_ups.wait(min(left_s, 1.0)):
                    break

    def health(self) -> str:
        """Say in one line how it goes."""
        return self._note

    def step(self) -> bool:
        """Bring the files up to date, see that they are in force, forget who was deleted.

        Returns:
            Whether something was written.

        Raises:
            ReceiverError: the broker is away, or does not read its files; all is tried again.
        """
        state = self._read()
        wanted, known = self._wanted(), mosquitto.read_known(self._path)
        self._note_deleted(state, gone=known.keys() - wanted.keys())
        changed = wanted != known or not self._path.exists()
        if changed or not state.probe:
            state.probe = secrets.token_urlsafe()
            self._write(state)
            mosquitto.write_platform(self._settings, state.probe)
            write_accounts(self._path, wanted)
            files.read_again(mosquitto.pid_file(self._settings))
        elif state.forget:
            self._write(state)
        self._wait_in_force(state.probe)
        if state.forget:
            self._forget(state)
        self._write(state)
        if changed:
            log.info("accounts: %d devices may connect", len(wanted))
        self._note = f"ok; {len(wanted)} devices in Mosquitto's file"
        return changed

    @property
    def _path(self) -> Path:
        return self._folder / files.DEVICES_PASSWORDS

    def _wanted(self) -> dict[str, str]:
        with self._platform.unit(self._actor, write=False) as unit:
            return device_accounts(unit.session, unit.now())

    def _note_deleted(self, state: Remembered, gone: set[str]) -> None:
        """Add to what must be forgotten: who was deleted, and who became a gateway's child."""
        with self._platform.unit(self._actor, write=False) as unit:
            now = unit.now()
            since = state.looked_at - LATE_MS if state.looked_at else now
            found: list[Deleted] = deleted_since(unit.session, since)
            gone -= own_connections(unit.session, sorted(gone))  # disabled: its session stays
        gone |= {device.device_id for device in found if device.key not in state.seen}
        state.forget = sorted(gone.union(state.forget))
        state.looked_at, state.seen = now, [device.key for device in found]

    def _wait_in_force(self, probe: str) -> None:
        """Return when Mosquitto works by the newest files.

        Raises:
            ReceiverError: it does not.
        """
        until = self._monotonic() + IN_FORCE_S
        while not broker_memory.in_force(self._settings, probe):
            if self._monotonic() > until or self._stop.wait(0.05):
                raise ReceiverError(
                    f"Mosquitto has not read {self._folder} again: is it started with the files "
                    f"there, and is {mosquitto.pid_file(self._settings)} its pid_file? (A container"
                    " of its own must look at the files by itself.)"
                )

    def _forget(self, state: Remembered) -> None:
        with self._platform.unit(self._actor, write=False) as unit:
            live = own_connections(unit.session, state.forget)
        broker_memory.forget(self._settings, state.forget, live)
        log.info("accounts: %d devices forgotten by the broker", len(state.forget))
        state.forget = []

    def _read(self) -> Remembered:
        try:
            data = (self._folder / STATE).read_bytes()
            return msgspec.json.decode(data, type=Remembered)
        except (OSError, msgspec.MsgspecError):
            return Remembered()

    def _write(self, state: Remembered) -> None:
        mosquitto.write_text(self._folder / STATE, msgspec.json.encode(state).decode())
