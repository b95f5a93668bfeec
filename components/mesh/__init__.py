"""Clusters joined: networks, certificates, ClusterMesh, and policies across them."""
