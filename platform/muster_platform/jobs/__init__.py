"""Jobs: one operation on many devices; executions: the job on one device, one attempt."""
