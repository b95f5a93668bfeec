"""Joining clusters to a mesh, free of Pulumi: reading facts, checks between clusters, and gates.

`stacks/mesh.py` reads the facts of every cluster and has them checked before it registers anything; the gates
are dynamic resources in `eks_cilium/dynamic/`. Nothing here changes a cluster or a network. `mesh` and
`migration` do not know each other: both rest on `cluster` and `runtime`.
"""
