"""What happens to a cluster, free of Pulumi: readiness, and what is left behind. Called by `dynamic/`."""
