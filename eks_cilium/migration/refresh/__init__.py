"""Restarts the pods that ran before Cilium was chained to the VPC CNI, so that Cilium manages them.

It is built as the replacement of nodes is: facts, a plan for each workload, and steps that finish what an
earlier run began.
"""
