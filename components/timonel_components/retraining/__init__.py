"""What a retraining needs of learning: the choice of its rows."""
