"""The records of EKS, and where they are stored."""
