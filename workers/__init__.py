"""Turns "a room ended" into runs; the only package that reads settings or the environment."""
