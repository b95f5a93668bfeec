"""The Go programs of the lab: where their sources are, and the versions that they report.

Those that every lab runs are of one module, so that packages which several of them use are compiled once. The
oracle has a module of its own: Cilium needs other versions of what Kubernetes needs.
"""

import re
from dataclasses import replace
from pathlib import Path

from .golang import Program

KUBERNETES_VERSION = "1.36.3"
HELM_VERSION = "3.20.2"
_LAB = Path(__file__).resolve().parent.parent


def _kubernetes_variables() -> dict[str, str]:
    # As in Kubernetes's own build; without them clients refuse to parse /version.
    major, minor, _ = KUBERNETES_VERSION.split(".")
    values = {
        "gitVersion": f"v{KUBERNETES_VERSION}",
        "gitMajor": major,
        "gitMinor": minor,
        "gitTreeState": "archive",
        "gitCommit": f"v{KUBERNETES_VERSION}",
    }
    packages = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    return {f"{package}.{name}": value for package in packages for name, value in values.items()}


def _helm_variables() -> dict[str, str]:
    # As in Helm's own build: its version, and that of the client libraries, the default of `helm template`.
    major, minor, _ = KUBERNETES_VERSION.split(".")
    packages = ("helm.sh/helm/v3/pkg/lint/rules", "helm.sh/helm/v3/pkg/chartutil")
    return {
        "helm.sh/helm/v3/internal/version.version": f"v{HELM_VERSION}",
        **{f"{package}.k8sVersionMajor": major for package in packages},
        **{f"{package}.k8sVersionMinor": minor for package in packages},
    }


CONTROL_PLANE = Program(
    title=f"the Kubernetes {KUBERNETES_VERSION} control plane",
    module=_LAB,
    package="./controlplane",
    variables=_kubernetes_variables(),
)
HELM = Program(
    title=f"Helm {HELM_VERSION}",
    module=_LAB,
    package="helm.sh/helm/v3/cmd/helm",
    variables=_helm_variables(),
)
NODE_PLAYER = Program(title="the node player", module=_LAB, package="./nodeplayer")
CLUSTERS = (CONTROL_PLANE, NODE_PLAYER)
"""The programs that run the lab's clusters."""
COMPILING = f"compiling Kubernetes {KUBERNETES_VERSION} and the node player"
ORACLE = Program(
    title="the oracle over Cilium's policy engine",
    module=_LAB / "oracle",
    expected="about 3 minutes on two cores",
)
_OLDER_ORACLES = ("1.19", "1.18")
"""Minors of Cilium that lab/oracle can be built for, besides that of its go.mod."""


def _older_oracle(minor: str) -> Program:
    return replace(
        ORACLE,
        title=f"the oracle over the policy engine of Cilium {minor}",
        requirements=f"releases/{minor}.mod",
        tags=(f"cilium_{minor.replace('.', '_')}",),
    )


def _cilium_of(program: Program) -> str:
    """The release of Cilium that a program is built from."""
    requirements = (program.module / (program.requirements or "go.mod")).read_text()
    found = re.search(r"github\.com/cilium/cilium v(\S+)", requirements)
    return found[1] if found else ""


ORACLES = {_cilium_of(program): program for program in (ORACLE, *map(_older_oracle, _OLDER_ORACLES))}
"""The oracles by the release of Cilium whose engine they ask, the newest first."""
