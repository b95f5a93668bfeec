"""Names the migration writes on other people's objects, in one place: whoever reads a mark finds it here.

Marks are hints for people and for the order of work. What is true is read from EC2 and Kubernetes.
"""

from __future__ import annotations

STACK_TAG = "eks-cilium/stack"
"""AWS tag: the Pulumi stack that created a resource, so that no other stack adopts or changes it."""

CNI_LABEL = "cni-plugin"
"""Node label that says whose addresses the node's pods have; only nodes that existed before carry it."""
AWS_CNI = "aws"

NAMESPACE = "kube-system"

ROTATION_ANNOTATION = "eks-cilium.io/rotation"
"""On a node that is being replaced: the phase it is in."""
OUTGOING_TAINT = "eks-cilium.io/outgoing"
"""PreferNoSchedule on every node that is to go, so that evicted pods do not land on the next one."""
