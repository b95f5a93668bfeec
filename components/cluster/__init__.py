"""The EKS cluster: control plane, node groups, add-ons."""
