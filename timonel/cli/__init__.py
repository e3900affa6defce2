"""The `timonel` command line."""
