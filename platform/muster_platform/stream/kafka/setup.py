"""Makes the topics."""

from collections.abc import Callable

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from muster_platform.errors import ConfigurationError, Unavailable
from muster_platform.settings import Settings
from muster_platform.stream.kafka import client
from muster_platform.stream.kafka.topics import TOPICS

TIMEOUT_S = 20.0


def set_up(settings: Settings, say: Callable[[str], None]) -> None:
    """Make the topics that are missing; those that are there stay as they are.

    Raises:
        ConfigurationError: no Kafka is configured, or it refuses what is asked of it.
        Unavailable: Kafka does not answer.
    """
    admin = _admin(settings)
    there = set(_topics(admin, settings))
    config = {
        "min.insync.replicas": str(settings.kafka_replication // 2 + 1),
        "max.message.bytes": str(client.record_bytes(settings)),
    }
    wanted = [
        NewTopic(topic.name, settings.kafka_partitions, settings.kafka_replication, config=config)
        for topic in TOPICS
        if topic.name not in there
    ]
    for topic in TOPICS:
        if topic.name in there:
            say(f"{topic.name}: there already ({topic.holds})")
    if not wanted:
        return
    for name, made in admin.create_topics(wanted, request_timeout=TIMEOUT_S).items():
        try:
            made.result()
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise ConfigurationError(f"{name} cannot be made: {error.args[0].str()}") from error
        say(f"{name}: made with {settings.kafka_partitions} partitions")


def missing(settings: Settings) -> list[str]:
    """Name the topics that are not there.

    Raises:
        ConfigurationError: no Kafka is configured.
        Unavailable: Kafka does not answer.
    """
    there = _topics(_admin(settings), settings)
    return [topic.name for topic in TOPICS if topic.name not in there]


def _admin(settings: Settings) -> AdminClient:
    if not settings.kafka_brokers:
        raise ConfigurationError(
            "no Kafka is configured: set MUSTER_KAFKA_BROKERS (or kafka_brokers in muster.toml) "
            "to host:port"
        )
    return AdminClient(client.common(settings))


def _topics(admin: AdminClient, settings: Settings) -> dict[str, object]:
    try:
        return dict(admin.list_topics(timeout=TIMEOUT_S).topics)
    except KafkaException as error:
        brokers = ", ".join(settings.kafka_brokers)
        raise Unavailable(f"Kafka at {brokers} does not answer: {error.args[0].str()}") from error
