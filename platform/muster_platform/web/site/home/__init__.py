"""Homes: what each role sees first. Panels are one table, homes are another."""
