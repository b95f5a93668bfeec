"""Which rules match what, kept as sets: a rule is a number, and a set of rules the bits of one integer.

`Evaluator` asks for the rules that select a pod, that mean its peer and that hold the port; the rules that
match a flow are what the three sets have in common. Each set is found once for an identity or a port.
"""
