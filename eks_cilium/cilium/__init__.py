"""What Cilium needs on EKS, as pure functions: Helm values by version, chart keys, IAM, masquerading.

Nothing here talks to a cluster, a cloud or Pulumi; settings, components and tests call it alike.
"""
