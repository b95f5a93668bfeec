"""Dynamic resources: thin, stateless shells over `eks_cilium/migration/`.

State stores a provider by module path and class name, so neither may ever change; code fixes reach existing
stacks at once, and `engine_version` is the input to raise when a fix should act on what exists already.
"""
