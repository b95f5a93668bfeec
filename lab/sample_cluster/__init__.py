"""An EKS cluster on the AWS VPC CNI with workloads in it: what modes `replacement` and `chaining` start from.

`python -m lab sample-cluster`, the demos and the end-to-end tests call `create.create_cluster`. It uses only
boto3 and kubectl, in the order in which people create clusters, so that the program meets a cluster that it
did not create.
"""
