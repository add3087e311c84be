"""Kafka: what goes into it, and what comes out of it again (design: the way up)."""
