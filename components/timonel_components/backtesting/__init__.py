"""The backtest of `timonel.backtest` with the learning of this package."""
