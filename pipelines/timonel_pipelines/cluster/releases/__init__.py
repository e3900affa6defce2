"""The releases of a cluster: versions, weights, and what their monitors say."""
