"""The EKS cluster: control plane, node groups, IAM roles, add-ons. `stacks/new_cluster_base.py` uses them."""
