"""`make bench`: a whole migration by this program beside what engineers have today, in the lab.

Each run has a fresh cluster of the same size with the same workloads. What it needed is read from the logs of
the API server and of the cloud and from a watch of all pods, not from the programs.
"""
