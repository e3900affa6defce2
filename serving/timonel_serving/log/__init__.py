"""The log of inferences: bounded, sent as CloudEvents, never in the way of an answer."""
