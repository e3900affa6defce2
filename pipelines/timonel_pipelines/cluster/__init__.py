"""What a cluster has, lacks and serves, asked through the Kubernetes API."""
