"""The role `ingest`: MQTT to the database, one active at a time, others stand by."""

import gc
import logging
import time
from collections.abc import Sequence
from threading import Event

from muster_broker.receiver import Receiver, ReceiverOptions, TlsOptions
from muster_platform.access.actor import system_actor
from muster_platform.bootstrap import Platform
from muster_platform.settings import Settings
from muster_platform.stream.appliers import Appliers
from muster_platform.stream.kafka import topics
from muster_platform.stream.kafka.records import RecordPublisher
from muster_platform.stream.kafka.writer import KafkaWriter
from muster_platform.stream.leased import Leased
from muster_platform.stream.messages import Reader
from muster_platform.stream.pipeline import Pipeline
from muster_platform.stream.replay import Replayer
from muster_platform.stream.sink import DatabaseSink
from muster_platform.stream.spool import Spool
from muster_protocol.topics import ALL_UP

log = logging.getLogger(__name__)

CLIENT_ID = "_ingest"
STEP_S = 0.5
"""Longest wait for messages, so that stopping, leases and ledgers are never later than this."""


def receiver_options(
    settings: Settings, client_id: str = CLIENT_ID, channels: Sequence[str] = ()
) -> ReceiverOptions:
    """Say how a platform client that hears all devices connects.

    Args:
        channels: what it hears, behind `up/`, of devices and of children; all when empty.
    """
    host, port, with_tls = settings.platform_broker
    tls = TlsOptions(ca_file=settings.broker_ca_file or None) if with_tls else None
    return ReceiverOptions(
        host,
        client_id,
        port=port,
        username=client_id,
        password=settings.mqtt_password or None,
        subscriptions=subscriptions(channels),
        # The broker remembers what we heard before there was Kafka, and would send all twice.
        dropped=(ALL_UP,) if channels else (),
        tls=tls,
        max_packet_bytes=max(1024 * 1024, 2 * settings.payload_bytes),
    )


def subscriptions(channels: Sequence[str]) -> tuple[tuple[str, int], ...]:
    """Give the filters of some channels, with their QoS; of all when there are none."""
    if not channels:
        return ((ALL_UP, 1),)
    forms = [
        form
        for channel in channels
        for form in ((channel,) if channel.endswith("#") else (channel, f"{channel}/+"))
    ]
    return tuple((f"{ALL_UP.removesuffix('#')}{form}", 1) for form in forms)


class IngestRole:
    """Runs ingest until told to stop."""

    name = "ingest"

    def __init__(self, platform: Platform, appliers: Appliers | None = None) -> None:
        """Prepare; nothing connects yet.

        Args:
            platform: the composition root.
            appliers: what takes messages; the platform's own when None.
        """
        self._platform, self._appliers = platform, appliers
        self._actor = system_actor(self.name)
        self._leased = Leased(platform, self._actor, self.name)
        self._pipeline: Pipeline | None = None
        self._receiver: Receiver | None = None
        self._records: RecordPublisher | None = None

    @property
    def active(self) -> bool:
        """Say whether this process holds the lease."""
        return self._leased.active

    def run(self, stop: Event) -> None:
        """Stand by until the lease is ours, then move messages; return when stopped.

        Raises:
            ConfigurationError: the spool cannot be opened.
        """
        self._leased.run(stop, lambda: self._work(stop))

    def health(self) -> str:
        """Say in one line how it goes."""
        pipeline, receiver = self._pipeline, self._receiver
        if pipeline is None or receiver is None:
            return self._leased.note
        state = "ok" if receiver.connected else f"connecting to {receiver.options.address}"
        problem = pipeline.problem or receiver.problem or state
        counts = pipeline.counts
        return (
            f"{problem}; received {counts.received}, stored {counts.stored}, "
            f"quarantined {counts.quarantined}, in the spool {pipeline.spooled}"
        )

    def _work(self, stop: Event) -> None:
        settings, lease = self._platform.settings, self._leased.lease
        calm_collector()
        spool = Spool(settings.spool_dir / "ingest.sqlite", settings.spool_bytes)
        writer = self._writer()
        self._records = None if writer is None else RecordPublisher(writer)
        try:
            with Receiver(self._options(), self._platform.clock) as receiver:
                sink = DatabaseSink(
                    self._platform.units,
                    self._actor,
                    self._chosen(),
                    receiver,
                    lease,
                    self._records,
                )
                self._receiver = receiver
                self._pipeline = Pipeline(
                    receiver,
                    sink,
                    spool,
                    Reader(settings.payload_bytes),
                    batch_messages=settings.ingest_batch_messages,
                    window_s=settings.ingest_window_ms / 1000,
                )
                replayer = Replayer(
                    self._platform.units,
                    self._actor,
                    self._chosen(),
                    lease,
                    Reader(settings.payload_bytes),
                    self._records,
                )
                log.info("ingest is active")
                self._loop(self._pipeline, sink, replayer, stop)
        finally:
            self._pipeline = self._receiver = None
            spool.close()
            if writer is not None:
                writer.close()

    def _writer(self) -> KafkaWriter | None:
        """Give what takes documents: a replay from the quarantine has log records, too."""
        settings = self._platform.settings
        return KafkaWriter(settings) if settings.kafka_brokers else None

    def _options(self) -> ReceiverOptions:
        """Take control alone where there is Kafka: the rest comes through it."""
        settings = self._platform.settings
        channels = topics.SUBSCRIBED if settings.kafka_brokers else ()
        return receiver_options(settings, channels=channels)

    def _loop(
        self, pipeline: Pipeline, sink: DatabaseSink, replayer: Replayer, stop: Event
    ) -> None:
        while not stop.is_set():
            pipeline.step(STEP_S)
            sink.tell()
            replayer.step()
            self._leased.keep(time.monotonic())

    def _chosen(self) -> Appliers:
        if self._appliers is None:
            from muster_platform.stream.wiring import appliers

            self._appliers = appliers()
        return self._appliers


def calm_collector() -> None:
    """Let the garbage collector look less often: a batch makes many objects and no cycles.

    With its usual thresholds it took a quarter of ingest's CPU time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
