"""EKS resource types."""
