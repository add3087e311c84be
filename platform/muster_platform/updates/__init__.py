"""Releases and rollouts: what is installed where, and how it gets there."""
