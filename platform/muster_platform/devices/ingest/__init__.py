"""What ingest writes about devices, inside its one transaction per batch."""
