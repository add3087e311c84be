"""Mosquitto as a part of `muster up`."""

import shutil

from muster_platform.errors import ConfigurationError
from muster_platform.settings import Settings
from muster_platform.stream.mosquitto import write_installation
from muster_platform.up.parts import Part
from muster_platform.up.probes import answers_tcp

FOLDERS = "/usr/local/sbin:/usr/sbin:/sbin"
"""Where distributions put it; not on everybody's PATH."""


def prepare_mosquitto(settings: Settings) -> Part:
    """Write its files and give the part.

    Raises:
        ConfigurationError: it is not installed.
    """
    binary = shutil.which("mosquitto") or shutil.which("mosquitto", path=FOLDERS)
    if binary is None:
        raise ConfigurationError(
            "Mosquitto is not installed (no program `mosquitto` on PATH): install it, on Debian "
            "with `apt install mosquitto`, or take the embedded broker with `--broker embedded`"
        )
    conf = write_installation(settings)[0]
    host, port, _ = settings.platform_broker
    return Part(
        "broker",
        (binary, "-c", str(conf)),
        probe=lambda: (
            answers_tcp(settings.broker_host, settings.broker_port) and answers_tcp(host, port)
        ),
        shown=f"{settings.broker_urls[0]}, Mosquitto",
    )
