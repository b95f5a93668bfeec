"""Emulated providers: real Pulumi providers over gRPC, for `lab.engine` and for the Pulumi CLI alike."""
