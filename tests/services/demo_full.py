"""`make demo-full`: the demonstration with a real Kafka and a real Elasticsearch around it."""

import argparse
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.services import elasticsearch, kafka

MUSTER = str(Path(sys.executable).with_name("muster"))
STATE = "var/demo-full"


def main() -> int:
    """Start Kafka and Elasticsearch, prepare both, run the demonstration until Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=25)
    chosen = parser.parse_args()
    try:
        return _run(chosen.devices)
    except (pytest.skip.Exception, pytest.fail.Exception) as missing:
        print(missing, file=sys.stderr)
        return 1


def _run(devices: int) -> int:
    print("Starting Kafka and Elasticsearch (half a minute)", flush=True)
    with kafka.running() as broker, elasticsearch.running() as elastic:
        env = os.environ | {
            "MUSTER_STATE_DIR": STATE,
            "MUSTER_KAFKA_BROKERS": broker.address,
            "MUSTER_ELASTICSEARCH_URLS": elastic.url,
            "MUSTER_ELASTICSEARCH_REPLICAS": "0",
            "MUSTER_LOG_STORE": "elasticsearch",
        }
        for words in (("kafka", "setup"), ("elastic", "setup")):
            subprocess.run([MUSTER, *words], env=env, check=True)
        print(f"Kafka at {broker.address}, Elasticsearch at {elastic.url}", flush=True)
        command = [MUSTER, "up", "--demo", "--devices", str(devices), "--state", STATE]
        # Ctrl-C goes to `muster up` as well: we wait for it, then stop what we started.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        with subprocess.Popen(command, env=env, preexec_fn=_hear_again) as up:
            signal.signal(signal.SIGTERM, lambda *_: up.terminate())
            return up.wait()


def _hear_again() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


if __name__ == "__main__":
    sys.exit(main())
