"""The web process: a GET with a JWT beside gunicorn, and pages of a small beside a large fleet.

1. One worker on one core answers `GET /api/v1/me` with an access token: signature, epoch and
   sign-in are checked on every request. Beside it gunicorn's gthread worker serves (a) the same
   application and (b) a bare Flask application whose one route is guarded by Flask-JWT-Extended.
   The load comes from the other core.
2. Device list, search and device page, as API and as pages of the site, with 1,000 and with
   100,000 devices on PostgreSQL, one request of each in turn; p95 against p95. EXPLAIN says which
   indexes the statements use.

    python benchmarks/web.py [--seconds 5] [--rounds 3] [--devices 100000] [--requests 100]

Closes with one line of JSON: ratios, goals, ok.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.parts import fleet_pages, http_load  # noqa: E402
from muster_platform import bootstrap  # noqa: E402
from muster_platform.access.actor import system_actor  # noqa: E402
from muster_platform.access.users import UserService  # noqa: E402
from muster_platform.db import migrate  # noqa: E402
from muster_platform.settings import Settings  # noqa: E402
from muster_platform.web.app import create_app  # noqa: E402
from tests.services import base, valkey  # noqa: E402

GOAL_OVER_GUNICORN = 2.0
GOAL_LARGE_OVER_SMALL = 1.5
CONNECTIONS = 16
PATH = "/api/v1/me"
THREADS = 4
EMAIL, PASSWORD = "bench@example.org", "a long enough pass phrase"
SERVER_CORE, LOAD_CORE = 0, 1
CORES = os.cpu_count() or 1

BARE = """
from flask import Flask, jsonify
from flask_jwt_extended import JWTManager, get_jwt_identity, jwt_required

app = Flask("bare")
app.config["JWT_SECRET_KEY"] = "{secret}"
JWTManager(app)


@app.get("/api/v1/me")
@jwt_required()
def me():
    return jsonify(user=get_jwt_identity(), roles=["administrator"])
"""


def settings_for(folder: Path, redis_url: str) -> Settings:
    return Settings(
        state_dir=folder,
        database_url=f"sqlite:///{folder}/bench.db",
        redis_url=redis_url,
        jwt_secret="j" * 32,
        broker_token="b" * 32,
        mqtt_password="m" * 32,
        requests_per_minute=100_000_000,
        access_token_s=24 * 3600,
        log_level="WARNING",
    )


def prepare(settings: Settings) -> str:
    """Make the database and a person; give an access token."""
    platform = bootstrap.build(settings)
    migrate.upgrade(platform.engine)
    with platform.unit(system_actor("bench")) as unit:
        users = UserService(unit)
        user, _ = users.create(EMAIL, "Bench", PASSWORD)
        users.bind(user.id, "administrator")
    answer = (
        create_app(platform)
        .test_client()
        .post("/api/v1/auth/sign-in", json={"email": EMAIL, "password": PASSWORD})
    )
    platform.close()
    return str(answer.get_json()["access_token"])


def variables(settings: Settings) -> dict[str, str]:
    names = ("database_url", "redis_url", "jwt_secret", "broker_token", "mqtt_password")
    chosen = {f"MUSTER_{name.upper()}": str(getattr(settings, name)) for name in names}
    return (
        os.environ
        | chosen
        | {
            "MUSTER_STATE_DIR": str(settings.state_dir),
            "MUSTER_REQUESTS_PER_MINUTE": str(settings.requests_per_minute),
            "MUSTER_LOG_LEVEL": settings.log_level,
        }
    )


@contextmanager
def serving(
    command: list[str], port: int, environment: dict[str, str], folder: Path
) -> Iterator[None]:
    """Run a server on its core."""
    pinned = ["taskset", "-c", str(SERVER_CORE)] if CORES > 1 else []
    log = folder / f"server-{port}.log"
    process = base.spawn([*pinned, *command], log, env=environment, cwd=folder)
    try:
        base.wait_listening(process, port, log)
        yield
    finally:
        base.stop(process)


def commands(folder: Path, settings: Settings) -> dict[str, Callable[[int], list[str]]]:
    (folder / "bare.py").write_text(BARE.format(secret=settings.jwt_secret))
    python = sys.executable
    gunicorn = [python, "-m", "gunicorn", "--worker-class", "gthread", "--workers", "1"]
    gunicorn += ["--threads", str(THREADS), "--keep-alive", "60", "--log-level", "warning"]
    return {
        "muster web": lambda port: [python, "-c", _MUSTER, str(port)],
        "gunicorn, same application": lambda port: [
            *gunicorn,
            "--bind",
            f"127.0.0.1:{port}",
            "muster_platform.web.serve:app()",
        ],
        "gunicorn, bare Flask": lambda port: [*gunicorn, "--bind", f"127.0.0.1:{port}", "bare:app"],
    }


_MUSTER = (
    "import sys; from muster_platform import config; from muster_platform.web.serve import serve; "
    "serve(config.load(web_port=int(sys.argv[1])))"
)


def measure_servers(seconds: float, rounds: int) -> dict[str, float]:
    """Give answers a second of each server: the median of the rounds, in turns."""
    if CORES > 1:
        os.sched_setaffinity(0, {LOAD_CORE})
    found: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as name, valkey.running() as redis:
        folder = Path(name)
        settings = settings_for(folder, redis.url)
        headers = {"Authorization": f"Bearer {prepare(settings)}"}
        for _ in range(rounds):
            for title, command in commands(folder, settings).items():
                port = base.free_port()
                with serving(command(port), port, variables(settings), folder):
                    http_load.run(port, PATH, headers, CONNECTIONS, seconds=1.0)
                    load = http_load.run(port, PATH, headers, CONNECTIONS, seconds=seconds)
                if load.wrong:
                    raise SystemExit(f"{title} answered:\n{load.wrong}")
                found.setdefault(title, []).append(load.rate)
    return {title: statistics.median(rates) for title, rates in found.items()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--devices", type=int, default=100_000)
    parser.add_argument("--requests", type=int, default=100)
    parser.add_argument("--only", choices=("servers", "pages"))
    options = parser.parse_args()
    ratios: dict[str, float] = {}
    if options.only != "pages":
        rates = measure_servers(options.seconds, options.rounds)
        print("GET with a JWT, one worker on one core, answers a second")
        for title, rate in rates.items():
            print(f"  {title:28} {rate:8,.0f}")
        ours = rates["muster web"]
        ratios["over_gunicorn_bare"] = ours / rates["gunicorn, bare Flask"]
        ratios["over_gunicorn_same"] = ours / rates["gunicorn, same application"]
    os.sched_setaffinity(0, range(CORES))
    if options.only != "servers":
        ratios |= fleet_pages.measure(options.devices, options.requests)
    goals = {
        name: GOAL_OVER_GUNICORN if name.startswith("over_") else GOAL_LARGE_OVER_SMALL
        for name in ratios
        if name not in fleet_pages.WITHOUT_GOAL
    }
    good = all(
        ratios[name] >= goal if name.startswith("over_") else ratios[name] <= goal
        for name, goal in goals.items()
    )
    rounded = {name: round(value, 2) for name, value in ratios.items()}
    print(json.dumps({"name": "web", "ratios": rounded, "goals": goals, "ok": good}))
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
