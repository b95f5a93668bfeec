"""EKS of the lab: every call of its API that this project and its tools make, over real Kubernetes.

It replaces moto's EKS, which starts no control plane and no node. Requests come in through
`lab.cloud.eks.protocol`; each family of calls has its module; what takes time is moved on by
`lab.cloud.eks.reconcile`, one thread per cluster.
"""
