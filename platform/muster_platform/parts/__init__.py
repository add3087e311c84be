"""The platform's own processes: which work, since when, and how it goes."""
