"""The pass that drops days of logs in Elasticsearch that nobody wants any more."""

import logging

from muster_platform.access.actor import system_actor
from muster_platform.adapters.elastic import engine_of
from muster_platform.bootstrap import Platform
from muster_platform.devices import retention
from muster_platform.logs.elastic.indices import drop_days

log = logging.getLogger(__name__)

_ACTOR = system_actor("worker")


def drop_log_days(platform: Platform) -> int:
    """Drop days of logs in Elasticsearch that are too old; a day holds all profiles.

    The longest that any profile keeps its logs decides.

    Raises:
        Unavailable: Elasticsearch is away; the next pass tries again.
    """
    settings = platform.settings
    if not settings.elasticsearch_urls:
        return 0
    with platform.unit(_ACTOR, write=False) as unit:
        days = retention.longest_days(unit, "logs")
        before = retention.border(unit.now(), days) if days else 0
    if not days:
        return 0
    gone = drop_days(engine_of(settings), settings.elasticsearch_index, before)
    if gone:
        log.info("retention: dropped %s", ", ".join(gone))
    return len(gone)
