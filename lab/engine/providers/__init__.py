"""Providers as the engine sees them: processes over gRPC, and a built-in one."""
