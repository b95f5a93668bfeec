"""What EKS remembers, and where it is kept."""
