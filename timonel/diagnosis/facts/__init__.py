"""Facts that need no label and no model: what the log itself shows to be broken."""
