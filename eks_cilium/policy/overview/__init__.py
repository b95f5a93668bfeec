"""Verdicts on many flows, grouped so that a person can read them: by namespace and workload.

`eks-cilium verdict` shows what may reach what in a whole cluster by it, and the preview of the mesh stack
what a change of policies opens and closes (`differences`).
"""
