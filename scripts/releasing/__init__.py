"""Release a version by Helm as the monitor's judge decides; nothing but Python's standard library."""
