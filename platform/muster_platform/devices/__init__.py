"""Devices: registry, enrolment, presence, telemetry, settings, ledger, timeline."""
