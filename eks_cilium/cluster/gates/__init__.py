"""What a cluster has to be before the next step goes on: waits that only read it."""
