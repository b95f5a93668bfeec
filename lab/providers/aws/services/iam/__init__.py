"""IAM resource types."""
