"""What happened in a run of the lab, read from the logs of its API servers and of its cloud."""
