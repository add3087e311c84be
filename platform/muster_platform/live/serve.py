"""Runs the live process: granian with one ASGI worker.

`serve(settings)` is what `muster live` calls; `app` is a factory for any other ASGI server.
"""

import logging
import os
from functools import partial
from typing import Any

from granian.constants import Interfaces
from granian.server import MPServer
from starlette.applications import Starlette

from muster_platform import bootstrap, config
from muster_platform.live.app import create_app
from muster_platform.settings import Settings
from muster_platform.web.process import end_with_master, require_free

STOP_LIMIT_S = 5


def app() -> Starlette:
    """Make the ASGI application from the configuration."""
    return load(config.load())


def load(settings: Settings) -> Starlette:
    """Make the ASGI application of one worker process."""
    logging.basicConfig(level=settings.log_level)
    return create_app(bootstrap.build(settings))


def server(settings: Settings) -> MPServer:
    """Make the server without starting it."""
    return MPServer(
        "muster_platform.live.serve:app",
        address=settings.live_host,
        port=settings.live_port,
        interface=Interfaces.ASGI,
        workers=1,
        respawn_failed_workers=True,
        workers_kill_timeout=STOP_LIMIT_S,
        log_access=False,
    )


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        ConfigurationError: the port is taken.
    """
    require_free(settings.live_host, settings.live_port, "live_port")
    loader: Any = partial(_worker, settings, os.getpid())
    server(settings).serve(target_loader=loader, wrap_loader=False)


def _worker(settings: Settings, master: int) -> Starlette:
    end_with_master(master)
    return load(settings)
