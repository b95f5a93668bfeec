"""An EKS cluster on the AWS VPC CNI with things running in it: what a replacement starts from.

`python -m lab existing`, the demo and the tests call `making.make`. Everything here goes through the ordinary
APIs (boto3, kubectl with an EKS token), in the order in which people and tools go about it, so that the
program meets a cluster that it has never seen before.
"""
