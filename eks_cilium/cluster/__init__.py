"""What an EKS cluster is, whoever asks: its objects, nodes, readiness and orphaned interfaces."""
