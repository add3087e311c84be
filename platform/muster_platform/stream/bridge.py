"""The role `bridge`: everything that devices say, from MQTT to Kafka; one active at a time."""

import time
from threading import Event

from muster_broker.receiver import Receiver
from muster_platform.access.actor import system_actor
from muster_platform.bootstrap import Platform
from muster_platform.errors import ConfigurationError, Unavailable
from muster_platform.stream.ingest import STEP_S, calm_collector, receiver_options
from muster_platform.stream.kafka.audit import AuditOut
from muster_platform.stream.kafka.light import LightReader
from muster_platform.stream.kafka.setup import missing
from muster_platform.stream.kafka.sink import KafkaSink
from muster_platform.stream.kafka.writer import KafkaWriter
from muster_platform.stream.leased import Leased
from muster_platform.stream.pipeline import Pipeline
from muster_platform.stream.spool import Spool

CLIENT_ID = "_bridge"


class BridgeRole:
    """Runs the bridge until told to stop."""

    name = "bridge"

    def __init__(self, platform: Platform) -> None:
        """Prepare; nothing connects yet.

        Raises:
            ConfigurationError: no Kafka is configured.
        """
        if not platform.settings.kafka_brokers:
            raise ConfigurationError(
                "the bridge needs Kafka: set MUSTER_KAFKA_BROKERS (or kafka_brokers in "
                "muster.toml) to host:port"
            )
        self._platform = platform
        self._leased = Leased(platform, system_actor(self.name), self.name)
        self._pipeline: Pipeline | None = None
        self._receiver: Receiver | None = None

    def run(self, stop: Event) -> None:
        """Stand by until the lease is ours, then move messages; return when stopped.

        Raises:
            ConfigurationError: the spool cannot be opened, or topics are missing.
        """
        self._leased.run(stop, lambda: self._work(stop))

    def health(self) -> str:
        """Say in one line how it goes."""
        pipeline, receiver = self._pipeline, self._receiver
        if pipeline is None or receiver is None:
            return self._leased.note
        state = "ok" if receiver.connected else f"connecting to {receiver.options.address}"
        counts = pipeline.counts
        return (
            f"{pipeline.problem or receiver.problem or state}; received {counts.received}, in "
            f"Kafka {counts.stored}, of them unreadable {counts.quarantined}, in the spool "
            f"{pipeline.spooled}"
        )

    def figures(self) -> dict[str, float]:
        """Give what is counted."""
        return {"spooled": float(self._pipeline.spooled if self._pipeline else 0)}

    def _work(self, stop: Event) -> None:
        settings = self._platform.settings
        calm_collector()
        self._check_topics()
        spool = Spool(settings.spool_dir / "bridge.sqlite", settings.spool_bytes)
        writer = KafkaWriter(settings)
        try:
            options = receiver_options(settings, CLIENT_ID)
            with Receiver(options, self._platform.clock) as receiver:
                sink = KafkaSink(writer, lambda: self._leased.keep(time.monotonic()))
                self._receiver = receiver
                self._pipeline = Pipeline(
                    receiver,
                    sink,
                    spool,
                    LightReader(settings.payload_bytes),
                    batch_messages=settings.bridge_batch_messages,
                    window_s=settings.bridge_window_ms / 1000,
                )
                writer.meanwhile = self._pipeline.read_ahead
                audit = AuditOut(self._platform.units, writer)
                while not stop.is_set():
                    self._pipeline.step(STEP_S)
                    if self._pipeline.problem is None:  # where Kafka is away, devices go first
                        audit.step()
                    self._leased.keep(time.monotonic())
        finally:
            self._pipeline = self._receiver = None
            writer.close()
            spool.close()

    def _check_topics(self) -> None:
        """Refuse to start where topics are missing; a Kafka that is away is no reason.

        Raises:
            ConfigurationError: saying how they are made.
        """
        try:
            absent = missing(self._platform.settings)
        except Unavailable:
            return
        if absent:
            raise ConfigurationError(
                f"Kafka has no topic {', '.join(absent)}: run `muster kafka setup` once"
            )
