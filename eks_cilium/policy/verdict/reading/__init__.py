"""From policies to rules as the agents of one cluster enforce them, and to what they do not enforce.

`rules.rules_of` reads all policies of a cluster, `network_policies` those of Kubernetes. The evaluation
matches flows with the `rule.Rule` they make.
"""
