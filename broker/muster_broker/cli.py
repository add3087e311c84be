"""`muster broker`: the embedded MQTT broker on the command line."""

from pathlib import Path
from typing import Annotated

import typer

_DEFAULT_PORT = 1883


def register(app: typer.Typer) -> None:
    """Add the broker's command to the application."""
    app.command("broker")(broker)


def broker(
    host: Annotated[
        str, typer.Option(envvar="MUSTER_BROKER_HOST", help="Address to listen on.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(envvar="MUSTER_BROKER_PORT", help="TCP port; 0 for any free one.")
    ] = _DEFAULT_PORT,
    ws_port: Annotated[
        int,
        typer.Option(
            envvar="MUSTER_BROKER_WS_PORT", help="WebSocket port; 0 for none, -1 for any free one."
        ),
    ] = 0,
    tls_cert: Annotated[
        Path | None, typer.Option(envvar="MUSTER_BROKER_TLS_CERT", help="Certificate chain, PEM.")
    ] = None,
    tls_key: Annotated[
        Path | None, typer.Option(envvar="MUSTER_BROKER_TLS_KEY", help="Private key, PEM.")
    ] = None,
    accounts_file: Annotated[
        Path | None,
        typer.Option(
            envvar="MUSTER_BROKER_ACCOUNTS_FILE",
            help="The platform's own clients: name:hash lines.",
        ),
    ] = None,
    platform_url: Annotated[
        str,
        typer.Option(
            envvar="MUSTER_BROKER_PLATFORM_URL", help="Where to ask which devices may connect."
        ),
    ] = "",
    broker_token: Annotated[
        str,
        typer.Option(
            envvar="MUSTER_BROKER_TOKEN",
            help="Shown to the platform with every question. Better in the environment.",
            show_default=False,
        ),
    ] = "",
    max_connections: Annotated[
        int, typer.Option(envvar="MUSTER_BROKER_MAX_CONNECTIONS", min=1, help="Devices at a time.")
    ] = 10_000,
    max_sessions: Annotated[
        int,
        typer.Option(
            envvar="MUSTER_BROKER_MAX_SESSIONS", min=1, help="Sessions kept, connected or not."
        ),
    ] = 100_000,
    max_packet_bytes: Annotated[
        int,
        typer.Option(
            envvar="MUSTER_BROKER_MAX_PACKET_BYTES", min=1_024, help="Largest MQTT packet taken."
        ),
    ] = 128 * 1024,
    connect_timeout_s: Annotated[
        float,
        typer.Option(
            envvar="MUSTER_BROKER_CONNECT_TIMEOUT_S", min=0.1, help="Time for the first packet."
        ),
    ] = 10.0,
    queue_messages: Annotated[
        int,
        typer.Option(
            envvar="MUSTER_BROKER_QUEUE_MESSAGES", min=1, help="Messages that wait for one device."
        ),
    ] = 1_000,
    queue_bytes: Annotated[
        int,
        typer.Option(
            envvar="MUSTER_BROKER_QUEUE_BYTES", min=1_024, help="Bytes that wait for one device."
        ),
    ] = 1024 * 1024,
    cache_s: Annotated[
        float,
        typer.Option(
            envvar="MUSTER_BROKER_CACHE_S",
            min=0,
            help="Longest that an answer of the platform is reused.",
        ),
    ] = 60.0,
    recheck_s: Annotated[
        float,
        typer.Option(
            envvar="MUSTER_BROKER_RECHECK_S",
            min=0.1,
            help="How often the platform is asked about the connected devices.",
        ),
    ] = 60.0,
    stats_s: Annotated[
        float,
        typer.Option(
            envvar="MUSTER_BROKER_STATS_S", min=0.1, help="How often $muster/stats is published."
        ),
    ] = 10.0,
    log_level: Annotated[
        str, typer.Option(envvar="MUSTER_LOG_LEVEL", help="DEBUG, INFO, WARNING or ERROR.")
    ] = "INFO",
) -> None:
    """Run the embedded MQTT broker until Ctrl-C or SIGTERM.

    Prints one `listening on …` line for each address. Ends with 0 when stopped, 3 when an option
    or a file is wrong, 6 when a port is taken by another process.
    """
    from dataclasses import replace

    from muster_broker.embedded.options import DEVICE_QUEUE, BrokerOptions
    from muster_broker.embedded.process import run

    queue = replace(
        DEVICE_QUEUE,
        messages=queue_messages,
        bytes_held=queue_bytes,
        inflight=min(DEVICE_QUEUE.inflight, queue_messages),
    )
    run(
        BrokerOptions(
            host=host,
            port=port,
            ws_port=ws_port,
            tls_cert_file=tls_cert,
            tls_key_file=tls_key,
            accounts_file=accounts_file,
            platform_url=platform_url,
            broker_token=broker_token,
            max_connections=max_connections,
            max_sessions=max_sessions,
            max_packet_bytes=max_packet_bytes,
            connect_timeout_s=connect_timeout_s,
            device_queue=queue,
            cache_s=cache_s,
            recheck_s=recheck_s,
            stats_s=stats_s,
        ),
        log_level.upper(),
    )
