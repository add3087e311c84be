"""Limits of the protocol: what a payload may hold. One place, units in the names."""

PAYLOAD_BYTES = 64 * 1024
"""Largest payload a device may send; a setting of the platform may lower or raise it."""

POINTS_PER_MESSAGE = 1_000
RECORDS_PER_MESSAGE = 500
INVENTORY_ITEMS = 1_000
VALUES_PER_POINT = 256
METRIC_NAME_CHARS = 128
TEXT_VALUE_CHARS = 4_096
ID_CHARS = 64
NAME_CHARS = 128
TEXT_CHARS = 4_096
LOG_MESSAGE_CHARS = 32_768
STACKTRACE_CHARS = 65_536
DATA_DEPTH = 32
"""Objects and arrays inside each other in free data (fields, args, results, settings). Readers
and stores behind us recurse; what is deeper is refused here, once."""
LEDGER_BOOTS = 256
RESEND_RANGES = 64
"""Missing ranges asked for in one down/ledger per boot and channel."""

CLOCK_PAST_MS = 30 * 24 * 3600 * 1000
CLOCK_FUTURE_MS = 3600 * 1000
"""A device's ts outside [received_at - CLOCK_PAST_MS, received_at + CLOCK_FUTURE_MS] is not
believed; received_at takes its place and the record is marked."""

LEDGER_EVERY_MS = 30_000
EXPECT_EVERY_S = 300
RESEND_AFTER_MS = 60_000
