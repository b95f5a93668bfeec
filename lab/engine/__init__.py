"""A small Pulumi engine for machines without the Pulumi CLI.

It runs the unmodified program over Pulumi's own gRPC protocol and keeps state in Pulumi's format. It
implements only what a plain Python program and its providers use.
"""
