"""Network policies across clusters: objects from intents, and verdicts on traffic.

Everything here is pure: no cloud, no cluster, no files. `objects` turns intents into CiliumNetworkPolicies
and checks policies written by hand, `verdict` evaluates what policies allow, `compile` does both once for a
stack, and `report` renders verdicts.
"""
