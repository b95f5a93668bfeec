"""Names of the labels, annotations, taints and objects that a migration writes into the cluster.

They are hints for engineers and for the order of work. Decisions are made from what EC2 and Kubernetes say.
"""

from __future__ import annotations

STACK_TAG = "eks-cilium/stack"
"""AWS tag: the Pulumi stack that created a resource, so that no other stack adopts or changes it."""

CNI_LABEL = "cni-plugin"
"""Node label with the CNI of the node's pods; only nodes from before the migration carry it."""
AWS_CNI = "aws"

NAMESPACE = "kube-system"

ROTATION_ANNOTATION = "eks-cilium.io/rotation"
"""On a node that is being replaced: the phase of its replacement."""
OUTGOING_TAINT = "eks-cilium.io/outgoing"
"""PreferNoSchedule on every node that will be replaced, so that evicted pods avoid the next such node."""
