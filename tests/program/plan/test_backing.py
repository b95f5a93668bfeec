"""The workload behind a pod, from the owners that were read."""

from dataclasses import replace

import pytest

from eks_cilium.cluster.objects import Reference
from eks_cilium.migration.facts.backing import Backing, Scale
from tests.program.plan.builders import World

pytestmark = pytest.mark.unit


def test_the_workload_of_a_pod_is_its_deployment():
    world = World()
    (pod,) = world.deployment("web", [0])
    backing = Backing.of(world.facts())

    assert str(backing.workload_of(pod)) == "Deployment shop/web"
    assert backing.scale(pod.owner) == Scale(Reference("Deployment", "shop", "web"), 1)


def test_a_replica_set_of_an_unknown_controller_is_the_workload_itself():
    world = World()
    rollout = Reference("Rollout", "shop", "web")
    pod = world.pod("web-5d9-0", 0, world.owner("ReplicaSet", "web-5d9", 2, rollout))
    backing = Backing.of(world.facts())

    assert str(backing.workload_of(pod)) == "ReplicaSet shop/web-5d9"
    assert backing.scale(pod.owner) == Scale(Reference("ReplicaSet", "shop", "web-5d9"), 2)
    assert not backing.is_bare(pod)


def test_an_unknown_controller_is_the_workload_of_its_pods():
    world = World()
    kafka = Reference("StrimziPodSet", "shop", "kafka")
    pod = replace(world.pod("kafka-0"), owner=kafka)
    backing = Backing.of(world.facts())

    assert backing.workload_of(pod) == kafka
    assert backing.scale(kafka) is None
    assert not backing.is_bare(pod)


def test_the_workload_of_a_job_is_its_cron_job():
    world = World()
    job = world.owner("Job", "backup-28", None, world.owner("CronJob", "backup").reference)
    pod = world.pod("backup-28-x", 0, job)
    backing = Backing.of(world.facts())

    assert str(backing.workload_of(pod)) == "CronJob shop/backup"
    assert backing.scale(job.reference) is None


def test_a_pod_without_a_controller_or_of_a_deleted_daemon_set_is_bare():
    world = World()
    alone = world.pod("alone")
    known = world.pod("logs-a", 0, world.owner("DaemonSet", "logs"))
    orphan = world.pod("trace-a", 0, world.owner("DaemonSet", "trace"))
    del world.owners[Reference("DaemonSet", "shop", "trace")]
    backing = Backing.of(world.facts())

    assert backing.is_bare(alone)
    assert backing.workload_of(alone) == alone.reference
    assert not backing.is_bare(known)
    assert backing.is_bare(orphan)


def test_owners_that_own_each_other_end():
    world = World()
    first, second = (Reference("Deployment", "shop", name) for name in "ab")
    world.owner("Deployment", "a", 1, second)
    world.owner("Deployment", "b", 1, first)
    pod = world.pod("a-0", 0, world.owners[first])

    assert Backing.of(world.facts()).workload_of(pod) in (first, second)
