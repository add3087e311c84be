"""`muster broker` as a process: starts all parts, says where it listens, stops on SIGTERM."""

import asyncio
import resource
import signal
from contextlib import suppress

from muster_broker.accounts.files import AccountsFileError
from muster_broker.embedded import duties, logs
from muster_broker.embedded.broker import MusterBroker
from muster_broker.embedded.errors import BrokerStartError
from muster_broker.embedded.gate import Accounts, monotonic_gate
from muster_broker.embedded.listeners import Listeners
from muster_broker.embedded.logs import LOGGER
from muster_broker.embedded.options import BrokerOptions
from muster_broker.embedded.platform import HttpPlatform
from muster_broker.embedded.stats import Stats

_SPARE_FILES = 200


def run(options: BrokerOptions, log_level: str = "INFO") -> None:
    """Run a broker until SIGTERM or SIGINT.

    Raises:
        BrokerStartError: it cannot start; the text says what to do.
    """
    logs.set_up(log_level)
    if options.accounts_file is not None:
        try:
            Accounts(options.accounts_file).load()
        except AccountsFileError as error:
            raise BrokerStartError(str(error)) from error
    listeners = Listeners(options)
    _warn(options, listeners)
    asyncio.run(_serve(options, listeners))


async def _serve(options: BrokerOptions, listeners: Listeners) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    stats = Stats(options.total_queued_bytes)
    platform = _platform(options)
    gate = monotonic_gate(
        options.accounts_file,
        platform,
        stats,
        cache_devices=options.cache_devices,
        cache_s=options.cache_s,
    )
    broker = MusterBroker(options, gate, listeners, stats)
    await broker.start()
    tasks = [asyncio.create_task(duties.tell_for_ever(broker, options.stats_s))]
    if platform is not None:
        recheck = duties.recheck_for_ever(broker, platform, options.recheck_s)
        tasks.append(asyncio.create_task(recheck))
    for line in listeners.lines:
        print(line, flush=True)
    await stop.wait()
    LOGGER.info("stopping: %d connections", len(broker.online))
    for task in tasks:
        task.cancel()
    with suppress(TimeoutError):
        await asyncio.wait_for(broker.shutdown(), options.shutdown_s)
    if platform is not None:
        await platform.close()


def _platform(options: BrokerOptions) -> HttpPlatform | None:
    if not options.platform_url:
        return None
    return HttpPlatform(
        options.platform_url,
        options.broker_token,
        timeout_s=options.ask_timeout_s,
        at_once=options.asks_at_once,
        waiting=options.asks_waiting,
    )


def _warn(options: BrokerOptions, listeners: Listeners) -> None:
    LOGGER.info("sessions and retained messages are kept in memory and end with this process")
    if listeners.is_exposed:
        LOGGER.warning(
            "listening beyond this machine without TLS: secrets can be read on the way; "
            "set --tls-cert and --tls-key, or --host 127.0.0.1"
        )
    if not options.platform_url:
        LOGGER.warning("no --platform-url: devices will be refused, nobody can be asked about them")
    if options.accounts_file is None:
        LOGGER.warning("no --accounts-file: the platform's own clients will be refused")
    files = _raise_file_limit()
    wanted = options.max_connections + options.max_pending + _SPARE_FILES
    if files < wanted:
        LOGGER.warning(
            "only %d files may be open, %d are needed for --max-connections %d; raise `ulimit -n`",
            files,
            wanted,
            options.max_connections,
        )


def _raise_file_limit() -> int:
    """Take as many open files as this user may; gives how many that is."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        return hard
    return soft
