"""Plays weeks of traffic against the running processes in a minute: a drill, with or without a fault."""
