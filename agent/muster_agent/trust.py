"""Whom a device trusts: the system's authorities, or those of a file."""

import ssl
from pathlib import Path

from muster_agent.errors import ConfigError


def checked(ca_file: str | Path, source: str) -> str:
    """Give the absolute path of a file that holds certificates of authorities, in PEM form.

    Args:
        source: where its name comes from, for the error.

    Raises:
        ConfigError: it cannot be read or holds none; a device would try to connect for ever.
    """
    path = Path(ca_file).expanduser().absolute()
    try:
        ssl.create_default_context(cafile=str(path))
    except ssl.SSLError as error:
        raise ConfigError(
            f"{source}: {path} holds no certificate in PEM form ({error.reason or error})"
        ) from error
    except OSError as error:
        raise ConfigError(f"{source}: {path}: {error.strerror or error}") from error
    return str(path)
