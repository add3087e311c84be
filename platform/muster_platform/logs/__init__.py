"""Device logs: stored, searched, tailed, grouped by fingerprint."""
