"""Stand-in providers: genuine Pulumi providers over gRPC, for `lab.engine` and for the Pulumi CLI alike."""
