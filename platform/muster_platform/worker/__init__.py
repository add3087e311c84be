"""Celery: periodic passes over the database. A lost task makes something late, never lost."""
