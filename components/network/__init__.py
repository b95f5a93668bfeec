"""The VPC of a cluster, created or existing."""
