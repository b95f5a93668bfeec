"""Dynamic resources: thin shells over `eks_cilium.migration`, `eks_cilium.mesh` and `eks_cilium.cluster`.

Pulumi's state stores a provider by module path and class name. Neither may change after a release: no stack
that has the resource could update or delete it. Fixes in the code take effect in existing stacks at once;
`engine_version` is the input to raise when a fix has to act on resources that exist already.
"""
