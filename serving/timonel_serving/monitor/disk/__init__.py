"""What the monitor keeps on the disk."""
