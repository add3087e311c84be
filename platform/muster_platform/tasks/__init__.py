"""What the worker did and does: one row per run of a task."""
