"""Cilium chained to the VPC CNI: waiting for its agents, and removing them again."""
