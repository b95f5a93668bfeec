"""The cloud of the lab: AWS on loopback, in one process, over real Kubernetes control planes.

moto plays the services whose behaviour suffices; what must behave like AWS where the program looks (EKS, Auto
Scaling, parts of EC2, the life of a node) is played here. `python -m lab.cloud` starts it.
"""
