"""What goes wrong in a cluster while the program works on it, to be switched on for a run of the lab.

Each module holds one disturbance. They run in the process that starts the program (a demo, a test), reach
the cluster as actors of their own, whom the audit log tells from the program, and the cloud below `/lab/`.

    webhooks       an admission webhook on evictions that fails, denies or does not answer
    credentials    AWS sessions that end, and fresh ones in the credentials file
    operators      an operator that closes its budget after each lost pod, as ECK does
    zones          an availability zone without capacity
    kubelets       a node that hangs
    load           a Deployment that needs more nodes than there are, for some time
    autoscaler     an emulated Cluster Autoscaler
    timetable      several of them at random times
"""
