"""Restarts the pods that ran before Cilium was chained to the VPC CNI, so that Cilium manages them.

Facts, a plan for each workload, and a step machine that finishes what an earlier run left: the same as for
nodes, with workloads in their place.
"""
