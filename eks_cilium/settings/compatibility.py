"""Generates `docs/compatibility.md` from the tables of this program, so that it cannot differ from them.

A developer runs it after a release or a Kubernetes version was added; a test compares the page with the
tables. Tried is what the end-to-end tests run; expected is what Cilium's documentation says.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple, get_args

from eks_cilium.cilium.masquerade import ImageFamily
from eks_cilium.cilium.versions import OLDEST_SUPPORTED, TRIED, minor, minor_text, release_of
from eks_cilium.settings.generated_page import write_page
from eks_cilium.settings.model.cluster import KUBERNETES_VERSIONS
from eks_cilium.settings.rules.nodes import LAST_AL2

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

MODES = ("`new-cluster`", "`chaining`, new cluster", "`chaining`, running cluster", "`replacement`")

INSTALLED = ("1.19", "1.36")
"""Minors of Cilium and Kubernetes with which the end-to-end tests run all modes."""

_OPENING = """\
# Compatibility

<!-- Written by `python -m eks_cilium.settings.compatibility --write docs/compatibility.md`. -->

| word | meaning |
| --- | --- |
| tried | installed in [the lab](lab.md): a real Kubernetes control plane, emulated AWS and nodes |
| expected | not installed; tests render its chart, and Cilium tests this pair of minors |
| warned | expected, though Kubernetes is newer than what Cilium tests this release with: a preview warns |
| blocked | a preview refuses it |
| - | not made in this mode |

The tables do not depend on each other, except where a cell says so: the verdict of a combination is the
worst of its rows.
"""


class Row(NamedTuple):
    """A row about nodes: a verdict for each of `MODES`, and where it comes from."""

    what: str
    verdicts: tuple[str, str, str, str]
    source: str


NODE_TYPES = (
    Row(
        "EKS managed node group",
        ("tried", "tried", "tried", "tried"),
        "`components/cluster/node_group.py`; the lab's node groups",
    ),
    Row(
        "group of other instances (self-managed, Auto Scaling)",
        ("-", "-", "expected", "expected"),
        "`eks_cilium/migration/plan/eligibility.py`",
    ),
    Row(
        "Arm (Graviton), GPU, Inferentia and Trainium",
        ("expected", "expected", "expected", "expected"),
        "`eks_cilium/settings/rules/nodes.py`; Cilium's images are built for both architectures",
    ),
    Row(
        "Xen instances",
        ("expected; blocked with `cilium.prefixDelegation`", "expected", "expected", "expected"),
        "`eks_cilium/settings/rules/cilium.py`; prefixes need Nitro (EC2 user guide, prefixes of interfaces)",
    ),
    Row(
        "Karpenter",
        ("-", "-", "expected", "blocked; `allow.karpenterNodes` leaves its nodes to it"),
        "`eks_cilium/migration/plan/eligibility.py`",
    ),
    Row(
        "Auto Mode",
        ("-", "-", "blocked", "blocked"),
        "`eks_cilium/migration/plan/wording.py`; Auto Mode has a CNI of its own (EKS user guide)",
    ),
    Row(
        "Fargate",
        (
            "-",
            "-",
            "its pods stay without Cilium; blocked where all nodes are",
            "blocked; `allow.fargateNodes` leaves them",
        ),
        "`eks_cilium/migration/plan/wording.py`",
    ),
    Row(
        "hybrid nodes",
        ("-", "-", "their pods stay without Cilium", "blocked"),
        "`eks_cilium/cilium/values.py`",
    ),
    Row(
        "Windows",
        ("-", "-", "their pods stay without Cilium", "blocked"),
        "`eks_cilium/migration/plan/wording.py`; Cilium runs on Linux (system requirements)",
    ),
)

_OF_THE_VPC_CNI = "blocked: the VPC CNI gives pods their addresses"
_MIXED = "blocked: while nodes are mixed, pods behind the VPC CNI cannot reach an overlay"
_LAST_IMAGES = f"expected up to Kubernetes {LAST_AL2[0]}.{LAST_AL2[1]}, then blocked"
IMAGES: dict[ImageFamily, Row] = {
    "al2023": Row(
        "Amazon Linux 2023",
        ("tried", "tried", "tried", "tried"),
        "`eks_cilium/cilium/masquerade.py`; the lab's images",
    ),
    "bottlerocket": Row(
        "Bottlerocket",
        ("expected", "expected", "expected", "expected"),
        "`eks_cilium/cilium/masquerade.py`, `components/cluster/user_data.py`",
    ),
    "al2": Row(
        "Amazon Linux 2",
        (_LAST_IMAGES, _LAST_IMAGES, "expected", "expected"),
        "`eks_cilium/settings/rules/nodes.py`; AWS publishes no newer images",
    ),
}


# Page "IP Address Management" of Cilium's documentation: a live cluster cannot change its mode.
ADDRESSES = (
    Row(
        "the VPC, by network interfaces of Cilium (`cilium.ipam: eni`)",
        ("tried", "-", "-", "tried"),
        '`eks_cilium/cilium/values.py`; page "AWS ENI"',
    ),
    Row(
        "the VPC, by the VPC CNI",
        ("-", "tried", "tried", "blocked: it is what is replaced"),
        '`eks_cilium/cilium/chaining.py`; page "AWS VPC CNI plugin"',
    ),
    Row(
        "an overlay (`cilium.ipam: cluster-pool`), VXLAN or Geneve",
        ("tried with VXLAN, expected with Geneve", _OF_THE_VPC_CNI, _OF_THE_VPC_CNI, _MIXED),
        '`eks_cilium/cilium/overlay/values.py`; pages "Cluster Scope" and "Routing"',
    ),
)


def main(arguments: Sequence[str]) -> int:
    """Write the page to the file that is named; without arguments only print the help."""
    return write_page(
        arguments,
        module="eks_cilium.settings.compatibility",
        description="Write the table of what works with what.",
        file="docs/compatibility.md",
        page=page,
    )


def page() -> str:
    """The whole page in Markdown."""
    images = [IMAGES[family] for family in get_args(ImageFamily)]
    return "\n".join(
        [
            _OPENING,
            "## Cilium and Kubernetes\n",
            *_versions(),
            "",
            f"EKS offers {KUBERNETES_VERSIONS[0]} to {KUBERNETES_VERSIONS[-1]}; a running cluster of an "
            "older one is held against the same limits.",
            "Every patch of a minor is taken: a patch that is not in the table is a warning. A mesh joins",
            "clusters of these releases.",
            "\n## Images of nodes\n",
            *_rows("image", images),
            "\n## Types of nodes\n",
            *_rows("nodes", NODE_TYPES),
            "\n## Addresses of pods\n",
            *_rows("addresses", ADDRESSES),
            "",
            "A mesh joins clusters with addresses of their VPCs, from either CNI, or clusters with overlays",
            'of one protocol, but not both: all have the same data path (page "Setting up Cluster Mesh").',
            "",
        ]
    )


def verdict(version: str, kubernetes: str) -> str:
    """What the tables say of a release of Cilium with a minor of Kubernetes."""
    release, asked = release_of(version), minor(f"{kubernetes}.0")
    if asked < release.oldest_kubernetes:
        return "blocked"
    if (minor_text(version), kubernetes) == INSTALLED:
        return "tried"
    return "expected" if asked <= release.newest_kubernetes else "warned"


def _versions() -> Iterator[str]:
    yield _cells(("Cilium", "tried patch", "mode", *KUBERNETES_VERSIONS, "source"))
    yield _cells(["---"] * (4 + len(KUBERNETES_VERSIONS)))
    for version in reversed(TRIED):
        maintained = "" if minor(version) >= OLDEST_SUPPORTED else ", not maintained: a warning"
        cells = [verdict(version, kubernetes) for kubernetes in KUBERNETES_VERSIONS]
        source = f"requirements.rst and compatibility.rst of {version}"
        for mode in MODES:
            yield _cells((f"{minor_text(version)}{maintained}", version, mode, *cells, source))


def _rows(what: str, rows: Iterable[Row]) -> Iterator[str]:
    yield _cells((what, *MODES, "source"))
    yield _cells(["---"] * (2 + len(MODES)))
    yield from (_cells((row.what, *row.verdicts, row.source)) for row in rows)


def _cells(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
