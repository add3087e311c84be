"""The way up: what devices say, from the broker to the store (design: docs/adr/0021)."""
