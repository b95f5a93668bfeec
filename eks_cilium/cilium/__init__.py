"""What Cilium needs on EKS, as pure functions: Helm values by version, chart keys, IAM and masquerading.

Nothing here talks to a cluster, a cloud or Pulumi. Settings, stacks, components, policies and tests call it.
"""
