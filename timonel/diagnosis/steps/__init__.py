"""The steps that divide a loss: each claims a part of it, the rest goes on to the next."""
