"""The lab's cloud: AWS on loopback in one process, with real Kubernetes control planes.

moto serves what it emulates well enough. EKS, Auto Scaling, parts of EC2 and the lifecycle of nodes, where
the program depends on AWS's exact behaviour, are emulated here. `python -m lab.cloud` starts it.
"""
