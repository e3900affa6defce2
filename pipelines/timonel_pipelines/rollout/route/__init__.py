"""What takes requests to versions: the router, the predictors behind it, their processes."""
