"""`muster doctor`: one finding per part, each with what to do."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass

import redis
from sqlalchemy import text

from muster_broker.receiver import Receiver, ReceiverError, ReceiverOptions, TlsOptions
from muster_platform.adapters.elastic import connect
from muster_platform.bootstrap import build
from muster_platform.db import migrate
from muster_platform.errors import MusterError
from muster_platform.logs.elastic.indices import has_templates
from muster_platform.settings import Settings
from muster_platform.stream.kafka.setup import missing
from muster_platform.up.probes import answers_http

LOW_DISK_BYTES = 1024**3


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found about one part.

    Attributes:
        state: good, warning or bad.
    """

    check: str
    state: str
    detail: str


def examine(settings: Settings) -> list[Finding]:
    """Run every check; one that fails never hides the next."""
    checks: dict[str, Callable[[Settings], Finding]] = {
        "disk": _disk,
        "database": _database,
        "redis": _redis,
        "broker": _broker,
        "web": _web,
        "live": _live,
        "spool": _spool,
        "kafka": _kafka,
        "elasticsearch": _elasticsearch,
    }
    findings = []
    for name, check in checks.items():
        try:
            findings.append(check(settings))
        except Exception as error:
            findings.append(Finding(name, "bad", f"{type(error).__name__}: {error}"))
    return findings


def _disk(settings: Settings) -> Finding:
    folder = settings.state_dir
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    state = "good" if free > LOW_DISK_BYTES else "bad"
    return Finding("disk", state, f"{free // 1024**2} MiB free at {settings.state_dir}")


def _database(settings: Settings) -> Finding:
    platform = build(settings)
    try:
        migrate.check(platform.engine)
        with platform.engine.connect() as connection:
            connection.execute(text("SELECT 1"))
        return Finding("database", "good", f"{platform.engine.dialect.name}, at {migrate.head()}")
    except MusterError as error:
        return Finding("database", "bad", error.detail)
    finally:
        platform.close()


def _redis(settings: Settings) -> Finding:
    if not settings.redis_url:
        return Finding("redis", "warning", "none configured and no `muster up` runs: set redis_url")
    client = redis.Redis.from_url(settings.redis_url, socket_connect_timeout=2)
    try:
        client.ping()
        return Finding("redis", "good", settings.redis_url.rpartition("@")[2])
    except redis.RedisError as error:
        return Finding("redis", "bad", f"{error}; start it or correct redis_url")
    finally:
        client.close()


def _broker(settings: Settings) -> Finding:
    host, port, with_tls = settings.platform_broker
    options = ReceiverOptions(
        host=host,
        port=port,
        client_id="_doctor",
        username="_doctor",
        password=settings.mqtt_password,
        persistent=False,
        tls=TlsOptions(ca_file=settings.broker_ca_file or None) if with_tls else None,
    )
    address = f"{host}:{port}"
    try:
        with Receiver(options) as receiver:
            receiver.connect()
            return Finding("broker", "good", f"{address} lets the platform's account in")
    except ReceiverError as error:
        return Finding("broker", "bad", f"{address}: {error}")


def _web(settings: Settings) -> Finding:
    if answers_http(settings.web_host, settings.web_port, "/health/ready"):
        return Finding("web", "good", settings.public_url)
    return Finding("web", "bad", f"{settings.public_url} is not ready: see its /health/ready")


def _live(settings: Settings) -> Finding:
    if answers_http(settings.live_host, settings.live_port, "/health/live"):
        return Finding("live", "good", settings.live_url)
    return Finding("live", "warning", f"{settings.live_url} does not answer: pages will poll")


def _kafka(settings: Settings) -> Finding:
    if not settings.kafka_brokers:
        return Finding("kafka", "good", "none configured: ingest reads everything from MQTT")
    try:
        absent = missing(settings)
    except MusterError as error:
        return Finding("kafka", "bad", error.detail)
    if absent:
        detail = f"it has no topic {', '.join(absent)}: run `muster kafka setup`"
        return Finding("kafka", "bad", detail)
    return Finding("kafka", "good", f"{', '.join(settings.kafka_brokers)} has all topics")


def _elasticsearch(settings: Settings) -> Finding:
    name = "elasticsearch"
    if not settings.elasticsearch_urls:
        return Finding(name, "good", "none configured: logs are searched in the database")
    engine = connect(settings)
    try:
        health = (engine.call("GET", "/_cluster/health") or {}).get("status", "unknown")
        if not has_templates(engine, settings.elasticsearch_index):
            return Finding(name, "bad", "it has no templates: run `muster elastic setup`")
    except MusterError as error:
        return Finding(name, "bad", error.detail)
    finally:
        engine.close()
    state = {"green": "good", "yellow": "warning"}.get(health, "bad")
    return Finding(name, state, f"{', '.join(settings.elasticsearch_urls)} is {health}")


def _spool(settings: Settings) -> Finding:
    held = sum(path.stat().st_size for path in settings.spool_dir.glob("**/*") if path.is_file())
    share = held / settings.spool_bytes if settings.spool_bytes else 0
    state = "good" if share < 0.5 else "warning" if share < 0.9 else "bad"
    return Finding("spool", state, f"{held // 1024} KiB of {settings.spool_bytes // 1024**2} MiB")
