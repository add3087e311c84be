"""Figures for Prometheus: requests by route, and what the limits refused.

First form: each worker process counts for itself, and a scrape reaches one of them. With
`web_workers` above 1 scrape often and sum by `worker` (the process id, a label of every figure).
"""

import hmac
import os
import time
from typing import cast

from flask import Blueprint, Flask, Response, current_app, g, request
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from muster_platform.errors import NotAuthenticated
from muster_platform.web.context import platform

EXTENSION = "muster_metrics"
BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

blueprint = Blueprint("metrics", __name__)


class Metrics:
    """The figures of one application; a registry of its own, so that tests do not collide."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        labels = ("worker", "method", "route")
        self.requests = Counter(
            "muster_http_requests", "Requests answered", (*labels, "status"), registry=self.registry
        )
        self.seconds = Histogram(
            "muster_http_request_seconds",
            "Time to an answer",
            labels,
            buckets=BUCKETS_S,
            registry=self.registry,
        )
        self.limited = Counter(
            "muster_http_rate_limited",
            "Requests refused by a rate limit",
            ("worker", "limit"),
            registry=self.registry,
        )

    def limit_hit(self, name: str) -> None:
        """Count a refusal by the limit of that name."""
        self.limited.labels(str(os.getpid()), name).inc()


def metrics() -> Metrics:
    """Give the present application's figures."""
    return cast("Metrics", current_app.extensions[EXTENSION])


def register(app: Flask) -> None:
    """Count every request of the application."""
    app.extensions[EXTENSION] = Metrics()
    app.before_request(_begin)
    app.after_request(_count)
    app.register_blueprint(blueprint)


@blueprint.get("/metrics")
def scrape() -> Response:
    """Give the figures; with the setting `metrics_token` only for who sends it as bearer."""
    wanted = platform().settings.metrics_token
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if wanted and not hmac.compare_digest(wanted.encode(), given.encode("utf-8", "replace")):
        raise NotAuthenticated("send the setting metrics_token as bearer token")
    return Response(generate_latest(metrics().registry), content_type=CONTENT_TYPE_LATEST)


def _begin() -> None:
    g.began = time.perf_counter()


def _count(answer: Response) -> Response:
    # The rule, never the path: device ids as labels would grow without end.
    rule = request.url_rule.rule if request.url_rule else "(none)"
    labels = (str(os.getpid()), _method(request.method), rule)
    found = metrics()
    found.requests.labels(*labels, str(answer.status_code)).inc()
    if "began" in g:
        found.seconds.labels(*labels).observe(time.perf_counter() - g.began)
    return answer


def _method(name: str) -> str:
    known = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
    return name if name in known else "OTHER"
