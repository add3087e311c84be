"""What services ask for, done with real parts: Redis, broker accounts."""
