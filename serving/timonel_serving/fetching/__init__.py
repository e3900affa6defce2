"""Model packages from elsewhere: an object store, or MLflow's registry."""
