"""What must be true before the parts start: ports, database, accounts, a first administrator."""

import fcntl
import os
from dataclasses import dataclass, replace
from typing import IO

from sqlalchemy import func, select

from muster_broker.accounts.files import write_accounts
from muster_broker.accounts.passwords import hash_secret
from muster_platform import config
from muster_platform.access.actor import system_actor
from muster_platform.access.models import User
from muster_platform.access.users import UserService
from muster_platform.bootstrap import Platform
from muster_platform.db import migrate
from muster_platform.errors import ConfigurationError
from muster_platform.settings import Settings
from muster_platform.stream.accounts import PLATFORM_ACCOUNTS
from muster_platform.up.probes import free_port, port_is_free

FIRST_ADMINISTRATOR = "admin@muster.local"


@dataclass(frozen=True, slots=True)
class SignIn:
    """An account to print once.

    Attributes:
        others: (address, what they may) of more accounts with the same password.
    """

    email: str
    password: str
    others: tuple[tuple[str, str], ...] = ()


def lock(settings: Settings) -> IO[str]:
    """Take the state folder for this process, until the file is closed.

    Raises:
        ConfigurationError: another `muster up` works in it.
    """
    settings.state_dir.mkdir(parents=True, exist_ok=True)
    path = settings.state_dir / "up.lock"
    handle = path.open("a+")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        with handle:
            handle.seek(0)
            pid = handle.read().strip() or "?"
        raise ConfigurationError(
            f"another `muster up` (pid {pid}) works in {settings.state_dir}; "
            "stop it or choose another --state"
        ) from None
    handle.truncate(0)
    handle.write(str(os.getpid()))
    handle.flush()
    return handle


def check_ports(settings: Settings) -> None:
    """Refuse to start on a port that is taken.

    Raises:
        ConfigurationError: naming the port, what it is for and the setting.
    """
    wanted = [
        ("web", settings.web_host, settings.web_port),
        ("live", settings.live_host, settings.live_port),
        ("broker", settings.broker_host, settings.broker_port),
    ]
    if settings.broker_ws_port:
        wanted.append(("broker_ws", settings.broker_host, settings.broker_ws_port))
    if settings.broker_kind == "mosquitto":
        host, port, _ = settings.platform_broker
        wanted.append(("broker_platform", host, port))
    for name, host, port in wanted:
        if not port_is_free(host, port):
            raise ConfigurationError(
                f"port {port} on {host} is taken, {name} needs it: stop what uses it, or set "
                f"MUSTER_{name.upper()}_PORT (or {name}_port in muster.toml)"
            )


def embedded_redis(settings: Settings) -> tuple[Settings, int | None]:
    """Choose a port for the embedded Valkey where no Redis is configured.

    The caller holds the lock: an address that an earlier `muster up` left behind is dead.
    """
    left_behind = config.embedded_redis_url(settings.state_dir)
    if settings.redis_url and settings.redis_url != left_behind:
        return settings, None
    port = free_port()
    settings = replace(settings, redis_url=f"redis://127.0.0.1:{port}/0")
    config.runtime_file(settings.state_dir).write_text(f'redis_url = "{settings.redis_url}"\n')
    return settings, port


def with_flower_address(settings: Settings) -> Settings:
    """Choose where Flower listens, where nobody has: a free port of this machine alone."""
    if settings.flower_url:
        return settings
    return replace(settings, flower_url=f"http://127.0.0.1:{free_port()}")


def forget_redis(settings: Settings) -> None:
    """Take the embedded Valkey's address away when it stops."""
    config.runtime_file(settings.state_dir).unlink(missing_ok=True)


def database(platform: Platform) -> None:
    """Make an empty database ready; refuse one of another version.

    Raises:
        ConfigurationError: what is wrong and what to do.
    """
    if migrate.current(platform.engine) is None:
        migrate.upgrade(platform.engine)
    migrate.check(platform.engine)


def accounts(settings: Settings) -> None:
    """Write the password file of the platform's own MQTT accounts."""
    hashed = {name: hash_secret(settings.mqtt_password) for name in PLATFORM_ACCOUNTS}
    write_accounts(settings.accounts_file, hashed)


def first_administrator(platform: Platform) -> SignIn | None:
    """Make the first administrator of an installation without people.

    Returns:
        What to sign in with (the password must be changed), or None when there are people.
    """
    with platform.unit(system_actor("setup")) as unit:
        if unit.session.scalar(select(func.count()).select_from(User)):
            return None
        service = UserService(unit)
        user, password = service.create(FIRST_ADMINISTRATOR, "First administrator")
        service.bind(user.id, "administrator", None)
    return SignIn(FIRST_ADMINISTRATOR, password or "")
