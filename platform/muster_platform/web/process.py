"""What granian leaves to us: a taken port is an error, and workers end with their master."""

import ctypes
import errno
import os
import signal
import socket

from muster_platform.errors import ConfigurationError

_PR_SET_PDEATHSIG = 1


def end_with_master(master: int) -> None:
    """Ask the kernel to end this worker when its master is killed (prctl(2), Linux).

    Else it would go on serving, on a port that the next master takes for another program's.
    By SIGKILL: a worker that is still starting has its master's handler for SIGTERM, which does
    not end a worker.

    Args:
        master: its process id; a worker whose master is gone by now ends here.
    """
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != master:
        os._exit(1)


def require_free(host: str, port: int, setting: str) -> None:
    """Refuse to start where another program listens: granian would share the port in silence.

    Args:
        setting: name of the setting that chooses the port, for the message.

    Raises:
        ConfigurationError: taken, not ours to use, or no address of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # Not SO_REUSEPORT, which is what would let two servers share it.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            what = "is taken" if error.errno == errno.EADDRINUSE else f"cannot be used: {error}"
            raise ConfigurationError(
                f"port {port} on {host} {what}: stop what uses it, or set "
                f"MUSTER_{setting.upper()} (or {setting} in muster.toml)"
            ) from error
