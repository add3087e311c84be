"""All settings of the platform, frozen, with units in their names.

`config.load` fills them from muster.toml and the environment; nothing else reads either.
"""

from dataclasses import dataclass, field
from pathlib import Path


def secret(default: str = "") -> str:
    """Declare a setting that is masked wherever settings are shown."""
    return field(default=default, metadata={"secret": True})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What an installation can choose.

    Attributes:
        state_dir: folder for the embedded database, spools, mails, secrets.toml.
        database_url: sqlite:///path or postgresql://user:password@host/name.
        redis_url: Valkey or Redis; empty: `muster up` starts one.
        public_url: address of the site as people and devices reach it.
        live_url: WebSocket address of `muster live` as browsers reach it.
        broker_urls: addresses given to devices at enrolment.
    """

    state_dir: Path = Path("var/up")
    database_url: str = ""
    redis_url: str = ""

    public_url: str = ""
    live_url: str = ""
    broker_urls: tuple[str, ...] = ()

    web_host: str = "127.0.0.1"
    web_port: int = 8080
    web_workers: int = 1
    live_host: str = "127.0.0.1"
    live_port: int = 8081

    broker_host: str = "127.0.0.1"
    broker_port: int = 1883
    broker_ws_port: int = 8083
    broker_tls: bool = False
    broker_ca_file: str = ""
    broker_tls_cert_file: str = ""
    broker_tls_key_file: str = ""
    broker_kind: str = ""
    """embedded: ours, which asks the web process; mosquitto: reads files of ours. Empty: what a
    running `muster up` has started, else embedded."""
    broker_platform_host: str = ""
    """Where the platform's own clients connect; empty: broker_host. Port 0: where devices do, with
    Mosquitto one above it."""
    broker_platform_port: int = 0
    broker_platform_tls: bool = False
    mosquitto_dir: str = ""
    """Folder of Mosquitto's passwords and access lists; empty: `mosquitto` in state_dir."""
    mosquitto_pid_file: str = ""
    """Of a Mosquitto on this machine; empty: mosquitto.pid in its folder."""
    accounts_every_s: int = 30
    broker_token: str = secret()
    mqtt_password: str = secret()
    """Password of the platform's own MQTT accounts (`_ingest`, `_dispatch`, …)."""

    jwt_secret: str = secret()
    access_token_s: int = 15 * 60
    refresh_token_s: int = 30 * 24 * 3600
    refresh_grace_s: int = 30
    sign_in_per_minute: int = 10
    fresh_sign_in_s: int = 15 * 60
    """How long ago the password may have been given for acts that ask for it again."""
    invitation_s: int = 7 * 24 * 3600
    password_reset_s: int = 3600
    sign_ins_kept_days: int = 90
    requests_per_minute: int = 1_200
    enrolments_per_minute: int = 600
    api_token_days: int = 365
    """Longest life of an API token, in days."""
    cookie_secure: bool = False
    trusted_proxies: int = 0
    """Reverse proxies in front of the web process whose X-Forwarded-* headers are believed."""
    metrics_token: str = secret()
    """Bearer token that /metrics asks for; empty: it asks for none."""

    flower_url: str = ""
    """Where the web process reaches Flower (http://127.0.0.1:5555); empty: it is not shown."""
    flower_host: str = ""
    """Address that `muster flower` listens on; empty: the host of flower_url."""

    smtp_host: str = ""
    """Mail server; empty: mails are written to files in `mails_dir`."""
    smtp_port: int = 587
    smtp_security: str = "starttls"
    """starttls, tls, or none (only for a server on this machine)."""
    smtp_user: str = ""
    smtp_password: str = secret()
    smtp_timeout_s: int = 20
    mail_from: str = "Muster <muster@localhost>"
    mails_kept_days: int = 30
    tasks_kept_days: int = 14

    payload_bytes: int = 64 * 1024
    ingest_batch_messages: int = 4_000
    ingest_window_ms: int = 5
    ingest_lease_s: int = 15
    spool_bytes: int = 1024 * 1024 * 1024
    ledger_every_s: int = 30
    enrolment_repeat_s: int = 600
    enrolment_request_s: int = 7 * 24 * 3600
    """How long a device that waits for approval is remembered after it last asked."""
    enrolment_requests_max: int = 1_000
    """Most devices that may wait for approval by one token."""
    enrolment_retry_s: int = 30
    """What a device that waits for approval is told to wait before it asks again."""
    restore_s: int = 7 * 24 * 3600
    """How long a deleted device can be restored; then its data is purged."""
    import_rows_max: int = 20_000
    """Most lines of one list of devices that is imported."""

    kafka_brokers: tuple[str, ...] = ()
    """host:port of some brokers; empty: no Kafka, ingest reads everything from MQTT."""
    kafka_security: str = "plaintext"
    """plaintext, ssl, sasl_plaintext or sasl_ssl."""
    kafka_sasl_mechanism: str = "SCRAM-SHA-512"
    """PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512; with a sasl_ security."""
    kafka_user: str = ""
    kafka_password: str = secret()
    kafka_ca_file: str = ""
    """Authority of the brokers' certificates (PEM); empty: the system's."""
    kafka_cert_file: str = ""
    kafka_key_file: str = ""
    """Our own certificate and key (PEM), where the brokers ask for one."""
    kafka_key_password: str = secret()
    kafka_partitions: int = 12
    """Of each topic that `muster kafka setup` makes: most processes of one consumer group."""
    kafka_replication: int = 1
    """Copies of each partition; 3 where there are three brokers. Half of them must take a record
    before it counts (min.insync.replicas)."""
    kafka_compression: str = "lz4"
    """none, lz4, zstd, snappy or gzip."""
    kafka_buffer_bytes: int = 64 * 1024 * 1024
    """Most memory for records on their way to Kafka, and again for those that come from it."""
    kafka_delivery_s: int = 10
    """How long Kafka may take for a batch; then it counts as away, and the spool takes over."""
    kafka_session_s: int = 10
    """A consumer that Kafka has not heard for so long counts as dead; others get its share."""
    kafka_group: str = "muster-ingest"
    """Consumer group of `muster run ingest --from kafka`."""
    bridge_window_ms: int = 20
    """How long the bridge gathers the neighbours of a first message."""
    bridge_batch_messages: int = 10_000
    """Most messages that the bridge writes at once; their bytes are limited besides."""

    dispatch_batch: int = 200
    dispatch_lease_s: int = 30
    dispatch_poll_s: float = 1.0
    resend_after_s: int = 60
    execution_queue_s: int = 7 * 24 * 3600
    execution_delivery_s: int = 7 * 24 * 3600
    execution_timeout_s: int = 600
    execution_step_timeout_s: int = 300

    artifact_bytes_max: int = 4 * 1024 * 1024 * 1024
    """Largest file of a release."""
    upload_kept_s: int = 7 * 24 * 3600
    """How long an unfinished upload is kept after its last piece came."""
    fcm_credentials_file: str = ""
    """Service account (JSON) of the phones' push service; empty: nothing is pushed."""
    fcm_url: str = "https://fcm.googleapis.com"
    """Where pushes are sent; another one only for tests."""

    log_store: str = "database"
    """Where logs are searched: database, or elasticsearch (which the indexer or Logstash fills)."""
    elasticsearch_urls: tuple[str, ...] = ()
    elasticsearch_user: str = ""
    elasticsearch_password: str = secret()
    elasticsearch_api_key: str = secret()
    """Instead of user and password."""
    elasticsearch_ca_file: str = ""
    elasticsearch_index: str = "muster-logs"
    """Indices are called so, and their day: muster-logs-2026.11.24."""
    elasticsearch_shards: int = 1
    elasticsearch_replicas: int = 1
    indexer_batch_records: int = 4_000

    telemetry_kept_days: int = 0
    logs_kept_days: int = 0
    """Where a profile says nothing else. How long data is kept; 0, here and below: for ever."""
    events_kept_days: int = 0
    raw_kept_days: int = 0
    quarantine_kept_days: int = 0

    sweep_every_s: int = 5
    presence_grace_s: int = 60
    job_devices: int = 100_000
    page_size_max: int = 500
    export_rows_max: int = 100_000
    log_level: str = "INFO"

    @property
    def platform_broker(self) -> tuple[str, int, bool]:
        """Host and port where the platform's own clients connect, and whether by TLS."""
        host = self.broker_platform_host or self.broker_host
        if self.broker_platform_port:
            return host, self.broker_platform_port, self.broker_platform_tls
        if self.broker_kind == "mosquitto":
            return host, self.broker_port + 1, self.broker_platform_tls
        return host, self.broker_port, self.broker_tls

    @property
    def mosquitto_files(self) -> Path:
        """Folder of what Mosquitto reads."""
        return Path(self.mosquitto_dir) if self.mosquitto_dir else self.state_dir / "mosquitto"

    @property
    def spool_dir(self) -> Path:
        """Folder of the platform's spools."""
        return self.state_dir / "spool"

    @property
    def artifacts_dir(self) -> Path:
        """Folder of the files of releases."""
        return self.state_dir / "artifacts"

    @property
    def mails_dir(self) -> Path:
        """Folder that mails are written to where there is no mail server."""
        return self.state_dir / "mails"

    @property
    def accounts_file(self) -> Path:
        """Password file of the platform's own MQTT accounts."""
        return self.state_dir / "broker-accounts"
