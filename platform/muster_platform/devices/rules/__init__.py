"""Rules of devices: pure functions on data, no database."""
