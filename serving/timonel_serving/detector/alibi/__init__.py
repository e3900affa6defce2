"""What Alibi Detect says of the rows that came in, from a process of its own."""
