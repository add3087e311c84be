"""Makes the Flask application: one place that says what it is made of."""

import hashlib
import hmac

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from muster_platform.bootstrap import Platform
from muster_platform.web import (
    api,
    auth,
    csrf,
    errors,
    headers,
    health,
    internal,
    metrics,
    openapi,
    page_session,
    site,
)
from muster_platform.web.context import EXTENSION

BODY_BYTES = 16 * 1024 * 1024
"""Largest body anywhere: a job may name `job_devices` device ids. Routes lower it."""


def create_app(platform: Platform, *, pages: bool = True) -> Flask:
    """Make the WSGI application of a platform; opens nothing until the first request.

    Args:
        pages: False leaves the admin site out and serves the API alone.
    """
    app = Flask("muster_platform.web", static_folder="static", template_folder="templates")
    app.config.update(
        MAX_CONTENT_LENGTH=BODY_BYTES,
        SECRET_KEY=_session_key(platform.settings.jwt_secret),
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=platform.settings.cookie_secure,
    )
    page_session.register(app)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.extensions[EXTENSION] = platform
    hops = platform.settings.trusted_proxies
    if hops:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    metrics.register(app)
    headers.register(app, platform.settings)
    errors.register(app)
    auth.register(app)
    csrf.register(app)
    app.register_blueprint(health.blueprint)
    app.register_blueprint(internal.blueprint)
    api.register(app)
    app.add_url_rule("/api/v1/openapi.json", "openapi", openapi.serve_document)
    app.add_url_rule("/api/v1/asyncapi.json", "asyncapi", openapi.serve_channels)
    if pages:
        site.register(app, platform)
    return app


def _session_key(secret: str) -> bytes:
    """Give the key of Flask's own cookie (messages between two pages), apart from the tokens'."""
    return hmac.digest(secret.encode(), b"flask session", hashlib.sha256)
