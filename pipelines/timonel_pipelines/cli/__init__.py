"""The command line of training and pipelines."""
