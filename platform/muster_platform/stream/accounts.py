"""MQTT accounts of the stream's roles: client id = user name, the password is mqtt_password.

Several dispatch processes may run, and a broker keeps one connection per client id: each takes a
free name by lease. A process that takes over from a killed one finds the first name still leased
for a moment, and takes the next.
"""

DISPATCH_ACCOUNTS: tuple[str, ...] = ("_dispatch", *(f"_dispatch-{n}" for n in range(2, 9)))
"""Names for `muster run dispatch`, at most this many processes at a time."""
