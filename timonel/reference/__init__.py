"""What a model learnt from: the yardstick of every window."""
