"""Sign-ins at servers, kept in the person's own configuration folder."""

import os
import stat
from pathlib import Path

import msgspec

from muster_client.auth import Tokens
from muster_client.errors import ConfigError

FILE_MODE = 0o600
FOLDER_MODE = 0o700


class Login(msgspec.Struct, kw_only=True):
    """A sign-in at one server: an API token, or the tokens of a session.

    Attributes:
        access_until: seconds since the epoch.
        ca_file: certificates to trust for this server.
    """

    server: str
    name: str = ""
    token: str | None = None
    access: str | None = None
    refresh: str | None = None
    access_until: float = 0.0
    ca_file: str | None = None

    def tokens(self) -> Tokens | None:
        """Give the tokens of the session, None where it is an API token."""
        if self.access is None or self.refresh is None:
            return None
        return Tokens(self.access, self.refresh, self.access_until)


class Logins(msgspec.Struct, kw_only=True):
    """All of them; `current` is the one that commands use."""

    current: str = ""
    logins: dict[str, Login] = {}

    def find(self, server: str = "") -> Login | None:
        """Give the sign-in at a server, the current one when none is named."""
        return self.logins.get(server or self.current)


def path() -> Path:
    """Give the file; `XDG_CONFIG_HOME` moves it."""
    base = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    return Path(base) / "muster" / "logins.json"


def load() -> Logins:
    """Read the file; without one there are none.

    Raises:
        ConfigError: others may read it, or it is not ours.
    """
    file = path()
    try:
        mode = stat.S_IMODE(file.stat().st_mode)
        data = file.read_bytes()
    except FileNotFoundError:
        return Logins()
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}") from error
    if mode & 0o077:
        raise ConfigError(f"{file} holds tokens and others may read it: chmod 600 {file}")
    try:
        return msgspec.json.decode(data, type=Logins)
    except msgspec.DecodeError as error:
        raise ConfigError(f"{file}: {error}; delete it and sign in again") from error


def save(logins: Logins) -> None:
    """Write the file, whole or not at all, for its owner alone.

    Raises:
        ConfigError: it cannot be written.
    """
    file = path()
    fresh = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        file.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        number = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE)
        with os.fdopen(number, "wb") as stream:
            stream.write(msgspec.json.encode(logins))
        fresh.replace(file)
    except OSError as error:
        raise ConfigError(f"{file} cannot be written: {error.strerror}") from error


def keep_tokens(server: str, tokens: Tokens) -> None:
    """Write renewed tokens of a session; a sign-in that is gone meanwhile stays gone."""
    logins = load()
    login = logins.find(server)
    if login is not None and login.refresh is not None:
        login.access, login.refresh = tokens.access, tokens.refresh
        login.access_until = tokens.access_until
        save(logins)
