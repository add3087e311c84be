"""The role `indexer`: Kafka's finished records into Elasticsearch; more copies share the work."""

import logging
import time
from threading import Event

from muster_platform.access.actor import system_actor
from muster_platform.adapters.elastic import connect
from muster_platform.bootstrap import Platform
from muster_platform.errors import Unavailable
from muster_platform.logs.elastic.indices import has_templates
from muster_platform.stream.indexer import WAIT_MAX_S, Indexer
from muster_platform.stream.indexer_kafka import KafkaRecords
from muster_platform.stream.indexer_quarantine import IndexQuarantine

log = logging.getLogger(__name__)

STEP_S = 0.5
REPLAY_EVERY_S = 2.0


class IndexerRole:
    """Runs the indexer until told to stop."""

    name = "indexer"

    def __init__(self, platform: Platform) -> None:
        """Prepare; nothing connects yet.

        Raises:
            ConfigurationError: no Elasticsearch is configured.
        """
        self._platform = platform
        self._engine = connect(platform.settings)
        self._indexer: Indexer | None = None
        self._problem = ""

    def health(self) -> str:
        """Say in one line how it goes."""
        problem = self._problem or (self._indexer.problem if self._indexer else "")
        if problem:
            return f"waits: {problem}"
        if self._indexer is None:
            return "starting"
        counts = self._indexer.counts
        told = f"{counts.created} records indexed, {counts.known} known before"
        return f"ok; {told}, {counts.refused} refused"

    def run(self, stop: Event) -> None:
        """Work until told to stop.

        Raises:
            ConfigurationError: no Kafka is configured.
            Unavailable: Kafka refuses; it is started again.
        """
        settings = self._platform.settings
        prefix = settings.elasticsearch_index
        kept = IndexQuarantine(self._platform.units, system_actor("indexer"), self._engine, prefix)
        source = KafkaRecords(settings)
        try:
            if not self._wait_for_templates(stop, prefix):
                return
            self._indexer = Indexer(
                source, self._engine, kept.keep, prefix, batch=settings.indexer_batch_records
            )
            at = 0.0
            while not stop.is_set():
                self._indexer.step(stop, STEP_S)
                if time.monotonic() >= at:
                    kept.replay()
                    at = time.monotonic() + REPLAY_EVERY_S
        finally:
            source.close()
            self._engine.close()

    def _wait_for_templates(self, stop: Event, prefix: str) -> bool:
        """Wait for `muster elastic setup`: without it Elasticsearch guesses what fields are."""
        wait_s = 0.5
        while not stop.is_set():
            try:
                if has_templates(self._engine, prefix):
                    self._problem = ""
                    return True
                problem = f"no templates for {prefix}-*: run `muster elastic setup`"
            except Unavailable as error:
                problem = error.detail
            if problem != self._problem:
                log.warning("the indexer waits: %s", problem)
            self._problem = problem
            stop.wait(wait_s)
            wait_s = min(WAIT_MAX_S, wait_s * 2)
        return False
