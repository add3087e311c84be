"""MQTT accounts of the stream's roles: client id = user name, the password is mqtt_password.

Several dispatch processes may run, and a broker keeps one connection per client id: each takes a
free name by lease. A process that takes over from a killed one finds the first name still leased
for a moment, and takes the next.
"""

DISPATCH_ACCOUNTS: tuple[str, ...] = ("_dispatch", *(f"_dispatch-{n}" for n in range(2, 9)))
"""Names for `muster run dispatch`, at most this many processes at a time."""

KEEPER = "_accounts"
"""Keeps the files of a Mosquitto in step, and takes from it what it holds of deleted devices."""

PROBE = "_probe"
"""Has a new secret with each writing of the files: who gets in with it knows they are in force."""

PLATFORM_ACCOUNTS = ("_ingest", *DISPATCH_ACCOUNTS, "_bridge", "_doctor", KEEPER)
"""All that have the setting mqtt_password as their secret."""
