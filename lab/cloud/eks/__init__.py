"""The lab's EKS: every call of its API that this project and its tools make, with real Kubernetes.

It replaces moto's EKS, which starts no control plane and no node. Requests arrive in
`lab.cloud.eks.protocol`; each family of calls has its own folder. `lab.cloud.eks.reconcile` does what takes
time, with one thread per cluster.
"""
