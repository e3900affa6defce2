"""What happened in each minute, in counts that can be merged."""
