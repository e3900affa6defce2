"""What the monitor answers over HTTP."""
