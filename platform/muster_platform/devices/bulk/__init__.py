"""Changes of many devices at once: planned, applied in short steps, undone."""
