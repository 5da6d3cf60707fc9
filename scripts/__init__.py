"""Chores of development that `make` or a person runs."""
