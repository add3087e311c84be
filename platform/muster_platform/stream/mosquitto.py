"""Mosquitto's files, written from settings and database: what is there once, and what changes."""

import os
import secrets
import stat
from pathlib import Path

from muster_broker.accounts import mosquitto as files
from muster_broker.accounts.files import AccountsFileError, read_accounts, write_accounts
from muster_broker.accounts.passwords import hash_secret, verify_secret
from muster_platform.settings import Settings
from muster_platform.stream.accounts import PLATFORM_ACCOUNTS, PROBE

OWNER_ONLY = stat.S_IRUSR | stat.S_IWUSR


def options(settings: Settings) -> files.MosquittoOptions:
    """Say what Mosquitto is to be like by the settings."""
    folder = settings.mosquitto_files
    tls = settings.broker_tls
    host, port, platform_tls = settings.platform_broker
    return files.MosquittoOptions(
        files=folder.absolute(),
        data=(folder / "data").absolute(),
        pid_file=pid_file(settings).absolute(),
        host=settings.broker_host,
        port=settings.broker_port,
        ws_port=settings.broker_ws_port,
        platform_host=host,
        platform_port=port,
        tls_cert=Path(settings.broker_tls_cert_file).absolute() if tls else None,
        tls_key=Path(settings.broker_tls_key_file).absolute() if tls else None,
        platform_tls=platform_tls,
        user="root" if os.geteuid() == 0 else "",
    )


def pid_file(settings: Settings) -> Path:
    """Say where the Mosquitto of these files notes its process."""
    return Path(settings.mosquitto_pid_file or settings.mosquitto_files / files.PID)


def write_installation(settings: Settings) -> list[Path]:
    """Write the configuration, the access lists and the platform's accounts; give their paths.

    The devices' file is left as it is, and made empty where there is none: Mosquitto needs it.
    """
    folder = settings.mosquitto_files
    texts = {
        files.CONFIG: files.render_config(options(settings)),
        files.DEVICES_ACL: files.devices_acl(),
        files.PLATFORM_ACL: files.platform_acl(PLATFORM_ACCOUNTS),
    }
    (folder / "data").mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        write_text(folder / name, text)
    write_platform(settings, secrets.token_urlsafe())
    devices = folder / files.DEVICES_PASSWORDS
    if not devices.exists():
        write_accounts(devices, {})
    return [folder / name for name in (*texts, files.PLATFORM_PASSWORDS, files.DEVICES_PASSWORDS)]


def write_platform(settings: Settings, probe: str) -> None:
    """Write the platform's accounts; those that hold keep their lines.

    Args:
        probe: the secret of the account that shows which file is in force.
    """
    path = settings.mosquitto_files / files.PLATFORM_PASSWORDS
    known = read_known(path)
    accounts = {}
    for name in PLATFORM_ACCOUNTS:
        line = known.get(name, "")
        holds = verify_secret(settings.mqtt_password, line)
        accounts[name] = line if holds else hash_secret(settings.mqtt_password)
    write_accounts(path, accounts | {PROBE: hash_secret(probe)})


def read_known(path: Path) -> dict[str, str]:
    """Read an accounts file; one that is missing or damaged is written anew anyway."""
    try:
        return read_accounts(path)
    except AccountsFileError:
        return {}


def write_text(path: Path, text: str) -> None:
    """Write a file whole, readable by its owner alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.new")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    with os.fdopen(os.open(temporary, flags, OWNER_ONLY), "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)
