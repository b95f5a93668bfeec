"""Where docs/troubleshooting.md explains a message: the anchor of every error, and how a reader finds it.

An error carries its `Topic`, a blocker of a plan its `Code` (`eks_cilium.migration.plan.model`); both are
anchors of the page. A message names the command `eks-cilium explain`, which has the page in it, for those
who installed the package alone, and the page, for those who have the repository. That line is added where a
message leaves the program and nowhere else: by the command line (`cli.failures`), dynamic resources
(`dynamic.shell.plain_errors`), the Pulumi program (`__main__.py`, `stacks/accounts.py`), and the reports
of a plan. A test holds topics, codes and headings against each other.
"""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path

PAGE = "docs/troubleshooting.md"
_IN_THE_PACKAGE = Path(__file__).with_name("troubleshooting.md")
"""Where the wheel has the page (pyproject.toml)."""
_IN_THE_REPOSITORY = Path(__file__).parents[1] / PAGE
_SECTION = re.compile(r"^### `([\w-]+)`\n(.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)


class Topic(StrEnum):
    """Kinds of errors that end a run or a command. A heading of the page: renamed in both or in neither."""

    CONFIGURATION = "configuration"
    REFUSED_IN_PREVIEW = "refused-in-preview"
    KUBECONFIG = "kubeconfig"
    AWS_SETUP = "aws-setup"
    WRONG_ACCOUNT = "wrong-account"
    AWS_REFUSED = "aws-refused"
    AWS_NOT_FOUND = "aws-not-found"
    AWS_UNAVAILABLE = "aws-unavailable"
    CREDENTIALS_EXPIRED = "credentials-expired"
    API_SERVER_REFUSED = "api-server-refused"
    API_SERVER_UNAVAILABLE = "api-server-unavailable"
    UNEXPECTED_ANSWER = "unexpected-answer"

    TIMED_OUT = "timed-out"
    STOP_REQUESTED = "stop-requested"
    LEASE_HELD = "lease-held"
    LEASE_LOST = "lease-lost"
    NOT_RECORDED = "not-recorded"
    PLAN_BLOCKED = "plan-blocked"
    NODES_CHANGED = "nodes-changed"
    FOREIGN_LABEL = "foreign-label"
    NO_VPC_CNI = "no-vpc-cni"
    ADD_ON = "add-on"
    AFFINITY_REWRITTEN = "affinity-rewritten"
    CNI_MISSING = "cni-missing"
    ACCESS_ENTRY = "access-entry"
    AGENTS_NOT_READY = "agents-not-ready"
    AGENTS_ON_WRONG_NODES = "agents-on-wrong-nodes"
    CILIUM_NEEDED = "cilium-needed"
    AWS_NODE_NEEDED = "aws-node-needed"

    NO_SPARE_CAPACITY = "no-spare-capacity"
    GROUP_CANNOT_GROW = "group-cannot-grow"
    GROUP_RESIZED = "group-resized"
    BELOW_MINIMUM = "below-minimum"
    INSTANCE_DETACHED = "instance-detached"
    NOT_TERMINATED = "not-terminated"
    READINGS_DISAGREE = "readings-disagree"

    PODS_MUST_STAY = "pods-must-stay"
    DRAIN_TIMED_OUT = "drain-timed-out"
    EVICTION_REFUSED = "eviction-refused"
    NODES_SKIPPED = "nodes-skipped"
    PODS_PENDING = "pods-pending"
    WORKLOAD_UNHEALTHY = "workload-unhealthy"
    WORKLOAD_UNREADY = "workload-unready"
    NODE_NOT_FINISHED = "node-not-finished"
    DRAINS_GIVEN_UP = "drains-given-up"

    RESTART_REFUSED = "restart-refused"
    WORKLOADS_APPEARED = "workloads-appeared"
    PODS_WITHOUT_CILIUM = "pods-without-cilium"

    MESH_LOAD_BALANCER = "mesh-load-balancer"
    MESH_AGENTS = "mesh-agents"


def link(anchor: str) -> str:
    """Give the place on the page for a topic or the code of a blocker."""
    return f"{PAGE}#{anchor}"


def more(anchor: str) -> str:
    """Give what finds the explanation of a topic or of the code of a blocker: a command, and the page."""
    return f"eks-cilium explain {anchor}, or {link(anchor)}"


def linked(message: str, topic: Topic | None) -> str:
    """Say where more is, on a line of its own; a message that says it, or has no topic, stays."""
    return message if topic is None or PAGE in message else f"{message}\nMore: {more(topic)}"


def sections() -> dict[str, str]:
    """Give the page's explanations in Markdown, by topic or code of a blocker, in the order of the page."""
    page = _IN_THE_PACKAGE if _IN_THE_PACKAGE.exists() else _IN_THE_REPOSITORY
    return {anchor: text.strip() for anchor, text in _SECTION.findall(page.read_text(encoding="utf-8"))}
