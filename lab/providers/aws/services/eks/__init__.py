"""Resource types of EKS, and waiting for them."""
