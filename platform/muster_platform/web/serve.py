"""Runs the web process: granian, one master and `web_workers` workers with threads.

`serve(settings)` is what `muster web` calls; `app` is a factory for any other WSGI server.
"""

import logging
import os
from functools import partial
from typing import TYPE_CHECKING, Any

from granian.constants import Interfaces
from granian.server import MPServer

from muster_platform import bootstrap, config
from muster_platform.settings import Settings
from muster_platform.web.app import create_app
from muster_platform.web.process import end_with_master, require_free

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

THREADS = min(16, 2 * (os.cpu_count() or 1) + 1)
"""Requests that one worker serves at a time; each may hold one database connection."""

STOP_LIMIT_S = 10


def app() -> "WSGIApplication":
    """Make the WSGI application from the configuration (granian --factory, gunicorn, …)."""
    return load(config.load())


def load(settings: Settings) -> "WSGIApplication":
    """Make the WSGI application of one worker process.

    Args:
        settings: in force, as the master read them.
    """
    logging.basicConfig(level=settings.log_level)
    return create_app(bootstrap.build(settings))


def server(settings: Settings) -> MPServer:
    """Make the server without starting it."""
    return MPServer(
        "muster_platform.web.serve:app",
        address=settings.web_host,
        port=settings.web_port,
        interface=Interfaces.WSGI,
        workers=settings.web_workers,
        blocking_threads=THREADS,
        websockets=False,
        respawn_failed_workers=True,
        workers_kill_timeout=STOP_LIMIT_S,
        log_access=False,
    )


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        ConfigurationError: the port is taken.
    """
    require_free(settings.web_host, settings.web_port, "web_port")
    loader: Any = partial(_worker, settings, os.getpid())
    server(settings).serve(target_loader=loader, wrap_loader=False)


def _worker(settings: Settings, master: int) -> "WSGIApplication":
    end_with_master(master)
    return load(settings)
