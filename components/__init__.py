"""Pulumi components that other programs can register as well: one idea a file, plain values and Inputs.

A component's resources are its children, named after it. Type tokens are `eks-cilium:index:<Name>`; together
with the names they are part of every URN and never change. The programs in `stacks/` register them.
"""
