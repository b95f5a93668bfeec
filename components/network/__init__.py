"""The VPC of a new cluster, created or existing. `stacks/new_cluster_base.py` registers one of the two."""
