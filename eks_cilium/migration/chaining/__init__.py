"""Cilium on top of the VPC CNI: operations of its dynamic resources, and taking chained agents off again."""
