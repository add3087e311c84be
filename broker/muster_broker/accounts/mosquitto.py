"""What Mosquitto is given: its configuration, its access lists, and the order to read them again.

Two listeners with accounts of their own (`per_listener_settings`): devices come in by one and may
speak for themselves alone, the platform comes in by the other. A device's secret opens nothing on
the platform's listener, and the platform's password nothing on the devices'.
"""

import os
import signal
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from muster_protocol import acl
from muster_protocol.topics import PREFIX

CONFIG = "mosquitto.conf"
DEVICES_PASSWORDS = "devices.passwords"
PLATFORM_PASSWORDS = "platform.passwords"
DEVICES_ACL = "devices.acl"
PLATFORM_ACL = "platform.acl"
PID = "mosquitto.pid"


@dataclass(frozen=True, slots=True, kw_only=True)
class MosquittoOptions:
    """All that differs between installations.

    Attributes:
        files: folder of password files and access lists, as Mosquitto sees it.
        data: folder of its own database.
        pid_file: written by Mosquitto at its start.
        host: address that devices reach; port: MQTT; ws_port: MQTT over WebSocket, 0 for none.
        platform_host, platform_port: of the listener for the platform's own clients.
        tls_cert, tls_key: PEM files of the devices' listeners; None: no TLS.
        platform_tls: the platform's listener uses the same files.
        acl: folder of the access lists, where it is another than `files`.
        user: it runs as this user when it is started as root; "" keeps Mosquitto's default.
    """

    files: Path
    data: Path
    pid_file: Path
    host: str = "127.0.0.1"
    port: int = 1883
    ws_port: int = 0
    platform_host: str = "127.0.0.1"
    platform_port: int = 1884
    tls_cert: Path | None = None
    tls_key: Path | None = None
    platform_tls: bool = False
    acl: Path | None = None
    user: str = ""


_HEAD = """\
# Mosquitto as the broker of a Muster installation. Written by `muster mosquitto write`.
# Passwords of devices are kept in step with the database by `muster run accounts`.
per_listener_settings true
"""

_LIMITS = """\
# Answers at once: without it a round trip costs 40 ms more.
set_tcp_nodelay true

# Sessions and retained messages survive a restart. With autosave_on_changes false the interval is
# in seconds. What was acknowledged in the last second may still be lost: devices keep what
# is not confirmed by the database and send it again.
persistence true
autosave_interval 1
autosave_on_changes false

# Messages wait by bytes, not by number: Mosquitto drops in silence beyond a limit, and the
# default of 1,000 messages is an hour of nothing. Each client has this room of its own.
max_queued_messages 0
max_queued_bytes 268435456
max_inflight_messages 10000
# Largest packet: a payload of 64 KiB with its topic, and room.
max_packet_size 131072
# Sessions of devices that never came back.
persistent_client_expiration 60d

log_dest stderr
log_type error
log_type warning
log_type notice
connection_messages false
"""


def render_config(options: MosquittoOptions) -> str:
    """Write mosquitto.conf."""
    top = [_HEAD.rstrip()]
    if options.user:
        top.append(f"user {options.user}")
    top += [f"pid_file {options.pid_file}", f"persistence_location {options.data}/"]
    parts = ["\n".join(top), _LIMITS.rstrip()]
    parts.append("# --- devices: MQTT\n" + _devices(options, options.port, websocket=False))
    if options.ws_port:
        ws = _devices(options, options.ws_port, websocket=True)
        parts.append("# --- devices: MQTT over WebSocket\n" + ws)
    lines = [f"listener {options.platform_port} {options.platform_host}"]
    lines += _accounts(options, PLATFORM_PASSWORDS, PLATFORM_ACL)
    lines += _tls(options) if options.platform_tls else []
    parts.append("# --- the platform; keep it out of the devices' reach\n" + "\n".join(lines))
    return "\n\n".join(parts) + "\n"


def _devices(options: MosquittoOptions, port: int, *, websocket: bool) -> str:
    lines = [f"listener {port} {options.host}"]
    lines += ["protocol websockets"] if websocket else []
    # The client id is the user name, whatever CONNECT says: nobody takes another's session.
    lines += [*_accounts(options, DEVICES_PASSWORDS, DEVICES_ACL), "use_username_as_clientid true"]
    return "\n".join(lines + _tls(options))


def _accounts(options: MosquittoOptions, passwords: str, access: str) -> list[str]:
    return [
        "allow_anonymous false",
        f"password_file {options.files / passwords}",
        f"acl_file {(options.acl or options.files) / access}",
    ]


def _tls(options: MosquittoOptions) -> list[str]:
    if options.tls_cert is None or options.tls_key is None:
        return []
    return [f"certfile {options.tls_cert}", f"keyfile {options.tls_key}", "tls_version tlsv1.2"]


def devices_acl() -> str:
    """Write the access list of devices, from the protocol's rule (%u is the user name)."""
    rules = "".join(f"pattern {access} {topic}\n" for access, topic in acl.patterns("%u"))
    return (
        f"# A device says under its own up/ and hears under its own down/: nothing else.\n{rules}"
    )


def platform_acl(names: Iterable[str]) -> str:
    """Write the access list of the platform's own clients."""
    lines = ["# The platform's own clients; each has an account in platform.passwords."]
    for name in names:
        lines += ["", f"user {name}", f"topic readwrite {PREFIX}/#"]
        lines += ["topic readwrite $muster/#", "topic read $SYS/#"]
    return "\n".join(lines) + "\n"


def read_again(pid_file: Path) -> bool:
    """Tell the Mosquitto of a pid file to read its files again (SIGHUP).

    Returns:
        False: there is none on this machine; in another container it looks by itself.
    """
    try:
        pid = int(pid_file.read_text())
        # A pid of yesterday may be somebody else's today, who would be ended by the signal.
        if Path(f"/proc/{pid}/comm").read_text().strip() != "mosquitto":
            return False
        os.kill(pid, signal.SIGHUP)
    except (OSError, ValueError):
        return False
    return True
