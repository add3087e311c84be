"""The role `kafka-ingest`: from Kafka to the database; several share the partitions."""

import time
from threading import Event

from muster_platform.access.actor import system_actor
from muster_platform.bootstrap import Platform
from muster_platform.errors import ConfigurationError
from muster_platform.stream.ingest import STEP_S, calm_collector
from muster_platform.stream.kafka.fence import PartitionFence
from muster_platform.stream.kafka.records import RecordPublisher
from muster_platform.stream.kafka.source import KafkaReader, KafkaSource
from muster_platform.stream.kafka.tell import OutboundPublisher
from muster_platform.stream.kafka.writer import KafkaWriter
from muster_platform.stream.pipeline import Pipeline
from muster_platform.stream.sink import DatabaseSink
from muster_platform.stream.spool import Spool

LAG_EVERY_S = 5.0


class KafkaIngestRole:
    """Runs it until told to stop."""

    name = "kafka-ingest"

    def __init__(self, platform: Platform) -> None:
        """Prepare; nothing connects yet.

        Raises:
            ConfigurationError: no Kafka is configured.
        """
        if not platform.settings.kafka_brokers:
            raise ConfigurationError(
                "`muster run ingest --from kafka` needs Kafka: set MUSTER_KAFKA_BROKERS (or "
                "kafka_brokers in muster.toml) to host:port"
            )
        self._platform = platform
        self._actor = system_actor("ingest")
        self._pipeline: Pipeline | None = None
        self._source: KafkaSource | None = None
        self._lag = 0

    def run(self, stop: Event) -> None:
        """Move messages; return when stopped."""
        from muster_platform.stream.wiring import appliers

        settings = self._platform.settings
        calm_collector()
        source, writer = KafkaSource(settings), KafkaWriter(settings)
        publisher = OutboundPublisher(self._platform.units, self._actor)
        sink = DatabaseSink(
            self._platform.units,
            self._actor,
            appliers(),
            publisher,
            PartitionFence(lambda: source.places),
            RecordPublisher(writer),
        )
        # Kafka itself is the spool: what is not committed comes again.
        pipeline = Pipeline(
            source,
            sink,
            Spool(":memory:", 0),
            KafkaReader(settings.payload_bytes),
            batch_messages=settings.ingest_batch_messages,
            window_s=settings.ingest_window_ms / 1000,
        )
        self._source, self._pipeline = source, pipeline
        look_at = 0.0
        try:
            while not stop.is_set():
                pipeline.step(STEP_S)
                sink.tell()
                publisher.flush()
                if time.monotonic() >= look_at:
                    look_at = time.monotonic() + LAG_EVERY_S
                    self._lag = source.lag()
        finally:
            self._source = self._pipeline = None
            source.close()
            writer.close()

    def health(self) -> str:
        """Say in one line how it goes."""
        pipeline, source = self._pipeline, self._source
        if pipeline is None or source is None:
            return "starting"
        counts = pipeline.counts
        return (
            f"{pipeline.problem or source.problem or 'ok'}; received {counts.received}, stored "
            f"{counts.stored}, quarantined {counts.quarantined}, waiting in Kafka {self._lag}"
        )

    def figures(self) -> dict[str, float]:
        """Give what is counted."""
        return {"lag": float(self._lag)}
