"""One stack a concern: each may be deployed, looked at and deleted by itself."""
