"""Pods with addresses of an overlay, which the VPC does not know (`cilium.ipam: cluster-pool`)."""
