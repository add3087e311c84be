"""The backend: devices, jobs, logs, access; web, live, worker, stream."""
