"""What an EKS cluster is, for migration and mesh alike: objects, nodes, readiness, orphaned interfaces."""
