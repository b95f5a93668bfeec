"""Components that join clusters: networks, certificates, ClusterMesh, and policies across clusters."""
