"""`muster flower`: Flower over our Celery application, for the web process alone."""

from urllib.parse import urlsplit

from muster_platform.bootstrap import build
from muster_platform.errors import ConfigurationError
from muster_platform.settings import Settings
from muster_platform.worker.celery_app import make_celery

MAX_TASKS = 2_000
"""Runs that Flower remembers, in memory: ours are in the database."""


def run_flower(settings: Settings, *, user: str, password: str, prefix: str) -> None:
    """Serve until stopped, where `flower_url` says.

    Args:
        user, password: what it asks for; the web process knows both.
        prefix: path under which the site shows it.

    Raises:
        ConfigurationError: `flower_url` is missing or names no port; Redis is missing.
    """
    address = urlsplit(settings.flower_url)
    if not address.hostname or not address.port:
        raise ConfigurationError(
            "flower_url says where Flower listens, such as http://127.0.0.1:5555: set "
            "MUSTER_FLOWER_URL, or run `muster up --with-flower`"
        )
    platform = build(settings)
    try:
        make_celery(platform).start(
            [
                "flower",
                f"--address={settings.flower_host or address.hostname}",
                f"--port={address.port}",
                f"--url_prefix={prefix}",
                f"--basic_auth={user}:{password}",
                f"--max_tasks={MAX_TASKS}",
                "--enable_events",
            ]
        )
    finally:
        platform.close()
