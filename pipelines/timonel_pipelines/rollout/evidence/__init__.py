"""What both versions did, block by block, from the monitor."""
