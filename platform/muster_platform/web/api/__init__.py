"""The REST API under /api/v1: one table of all routes."""

from flask import Flask

from muster_platform.web.api import (
    access,
    account,
    alarms,
    api_tokens,
    approval,
    audit,
    bulk,
    credentials,
    data,
    deleted,
    device,
    device_selection,
    device_settings,
    devices,
    executions,
    fingerprints,
    gateways,
    groups,
    importing,
    jobs,
    logs,
    mails,
    oncall,
    overview,
    profiles,
    quarantine,
    raw,
    release_files,
    releases,
    roles,
    rollouts,
    rules,
    session,
    sign_ins,
    tasks,
    users,
)
from muster_platform.web.api.calling import view
from muster_platform.web.api.routing import Route

MODULES = (
    session,
    overview,
    account,
    users,
    sign_ins,
    mails,
    roles,
    rollouts,
    api_tokens,
    access,
    groups,
    profiles,
    devices,
    device_selection,
    importing,
    bulk,
    gateways,
    deleted,
    credentials,
    approval,
    device_settings,
    data,
    raw,
    quarantine,
    logs,
    fingerprints,
    jobs,
    alarms,
    oncall,
    rules,
    executions,
    audit,
    tasks,
    releases,
    release_files,
    device,
)
ROUTES: tuple[Route, ...] = tuple(route for module in MODULES for route in module.routes.items)
"""Every route there is; calls, OpenAPI and the tests of permissions are made from it."""


def register(app: Flask) -> None:
    """Put every route into the application."""
    for route in ROUTES:
        app.add_url_rule(
            route.rule, f"api.{route.operation_id}", view(route), methods=[route.method]
        )
