"""What has to be done for each resource, and doing it."""
