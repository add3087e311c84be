"""Who this device is: kept in `identity.json` of the state folder, readable by its owner only."""

import fcntl
import os
from pathlib import Path
from typing import IO

import msgspec

from muster_agent.errors import StateError
from muster_protocol.ids import uuid7

IDENTITY_FILE = "identity.json"
LOCK_FILE = "lock"


class Identity(msgspec.Struct, kw_only=True):
    """What enrolment gave the device.

    Attributes:
        secret: "" until the enrolment was answered.
        brokers: URLs, in the order they are tried.
        ca_file: certificates that server and brokers are trusted by; "" for the system's.
        last_session: number of the last MQTT connection.
    """

    device_id: str
    install_id: str
    secret: str = ""
    profile: str = "default"
    server: str = ""
    brokers: list[str] = []
    ca_file: str = ""
    last_session: int = 0

    @property
    def enrolled(self) -> bool:
        """Whether the device has a secret and somewhere to connect to."""
        return bool(self.secret and self.brokers)


def new_identity(device_id: str) -> Identity:
    """Make an identity with a new installation id."""
    return Identity(device_id=device_id, install_id=uuid7())


class StateDir:
    """The state folder of one agent; only one process may have it open.

    Args:
        path: made if it does not exist.
        lock: False only looks, also while an agent runs.

    Raises:
        StateError: it cannot be made, or another agent has it open.
    """

    def __init__(self, path: Path, *, lock: bool = True) -> None:
        self.path = path
        self._lock: IO[bytes] | None = None
        if lock:
            self._take_lock()

    def _take_lock(self) -> None:
        path = self.path
        try:
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = (path / LOCK_FILE).open("ab")
        except OSError as error:
            raise StateError(f"state folder {path}: {error.strerror or error}") from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._lock.close()
            raise StateError(
                f"state folder {path} is in use by another agent: stop it, or choose another "
                "folder with --state"
            ) from error

    @property
    def database(self) -> Path:
        """Where spool and journal are."""
        return self.path / "agent.db"

    def load(self) -> Identity | None:
        """Read the identity; None when there is none yet.

        Raises:
            StateError: the file cannot be read or is damaged.
        """
        file = self.path / IDENTITY_FILE
        try:
            return msgspec.json.decode(file.read_bytes(), type=Identity)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, msgspec.DecodeError) as error:
            raise StateError(
                f"{file} cannot be read: {error}; move it away and enrol the device again"
            ) from error

    def require(self) -> Identity:
        """Read the identity of an enrolled device.

        Raises:
            StateError: it is not enrolled, or the file is damaged.
        """
        identity = self.load()
        if identity is None or not identity.enrolled:
            raise StateError(
                f"no device is enrolled in {self.path}: run `muster agent enrol --server URL "
                f"--token TOKEN --device-id ID --state {self.path}` first"
            )
        return identity

    def save(self, identity: Identity) -> None:
        """Replace the file in one step, so that a power cut leaves the old or the new one.

        Raises:
            StateError: it could not be written.
        """
        file = self.path / IDENTITY_FILE
        fresh = file.with_suffix(".new")
        try:
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as out:
                out.write(msgspec.json.format(msgspec.json.encode(identity)))
                out.flush()
                os.fsync(out.fileno())
            fresh.replace(file)
            folder = os.open(self.path, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise StateError(f"{file} cannot be written: {error.strerror or error}") from error

    def close(self) -> None:
        """Let the folder go."""
        if self._lock is not None:
            self._lock.close()
