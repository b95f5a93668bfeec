"""The command `eks-cilium`: plan, verdict and check, without Pulumi.

`main` is the console script. Each command is a module of its own, imported when it is called, so that the
start does not wait for pydantic and boto3.
"""
