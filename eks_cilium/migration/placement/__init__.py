"""Whether the pods of a node can run elsewhere, judged before its cordon as the scheduler will judge it."""
