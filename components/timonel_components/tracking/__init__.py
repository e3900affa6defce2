"""MLflow: runs, the backend that keeps them, and what to do while it is down."""
