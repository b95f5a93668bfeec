"""An emulated Cluster Autoscaler: grows a group for pods without a place, shrinks it when nodes are idle.

It follows kubernetes/autoscaler 1.34 (cluster-autoscaler/FAQ.md and config/flags/flags.go) in what another
controller of the same group can notice: when it sets the desired capacity, which nodes it removes, and how.
`state` reads the cluster, `decisions` are pure, `scaler` acts.
"""
