"""Resource types of IAM, which has no region."""
