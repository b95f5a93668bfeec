"""Lists of the Kubernetes API: their pages, and what of their objects is decoded."""
