"""A platform whose logs are searched in Elasticsearch; what tests store in the database gets there.

Used to put the tests of the database's log store to Elasticsearch as they are.
"""

from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import select

from muster_platform.adapters.elastic import Elastic, engine_of
from muster_platform.logs.elastic.indices import put_templates
from muster_platform.logs.models import LogRecord
from muster_platform.stream.bulk import PATH, action, settle
from muster_platform.stream.records import documents
from muster_platform.stream.records_context import device_contexts
from tests.services.database import ADMIN, TestPlatform
from tests.services.elasticsearch import Elasticsearch

PREFIX = "muster-logs"


class ElasticPlatform(TestPlatform):
    """Copies records to Elasticsearch before every unit of work that only reads."""

    def __init__(self, url: str, state_dir: Path, server: Elasticsearch) -> None:
        super().__init__(url, state_dir)
        self.server = server
        self.configure(
            log_store="elasticsearch", elasticsearch_urls=(server.url,), elasticsearch_replicas=0
        )
        put_templates(self.elastic, PREFIX, 1, 0)

    @property
    def elastic(self) -> Elastic:
        return engine_of(self.settings)

    def unit(self, actor: Any, *, write: bool = True) -> Any:
        if not write:
            self.copy()
        return super().unit(actor, write=write)

    def copy(self) -> None:
        """Bring all records there; those that are there stay."""
        with super().unit(ADMIN, write=False) as unit:
            rows = [_row(record) for record in unit.session.scalars(select(LogRecord))]
            contexts = device_contexts(unit.session.connection(), {row[1] for row in rows})
        made = [one.value for one in documents(rows, contexts)]
        if made:
            lines = b"".join(action(PREFIX, value) for value in made)
            status, answer = self.elastic.send("POST", f"{PATH}&refresh=true", lines)
            assert status == 200, answer
            assert not settle(answer, len(made)).refused, answer


def _row(record: LogRecord) -> tuple[Any, ...]:

    return (
        *(record.id, record.device_key, record.ts, record.ts_device, record.received_at),
        *(record.clamped, record.level, record.logger, record.message),
        msgspec.json.encode(record.fields).decode(),
        *(record.exception_type, record.exception_message, record.stacktrace),
        *(record.fingerprint, record.log_session),
    )
