"""The Kubernetes versions that the lab's EKS offers, with a node image for each.

One build of Kubernetes serves all of them and emulates the older ones. Standard support lasts 14 months and
extended support 12 more, after which EKS offers a version no more
(docs.aws.amazon.com/eks/latest/userguide/kubernetes-versions.html).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

DEFAULT = "1.35"
_MONTHS_OF_STANDARD_SUPPORT = 14
_AMI_DATE = "20251112"


@dataclass(frozen=True)
class KubernetesVersion:
    """A minor version that EKS offers."""

    minor: str
    patch: str
    platform: str
    released: datetime

    @property
    def release_version(self) -> str:
        """Return the newest AMI release of this version."""
        return f"{self.patch}-{_AMI_DATE}"

    @property
    def end_of_standard_support(self) -> datetime:
        months = self.released.month - 1 + _MONTHS_OF_STANDARD_SUPPORT
        return self.released.replace(year=self.released.year + months // 12, month=months % 12 + 1)

    @property
    def end_of_extended_support(self) -> datetime:
        end = self.end_of_standard_support
        return end.replace(year=end.year + 1)

    def support(self, now: float) -> str:
        """Return the status of the version at a time, as DescribeClusterVersions names it."""
        if now < self.end_of_standard_support.timestamp():
            return "STANDARD_SUPPORT"
        return "EXTENDED_SUPPORT" if now < self.end_of_extended_support.timestamp() else "UNSUPPORTED"

    def describe(self, now: float) -> dict[str, Any]:
        """Return the version as in DescribeClusterVersions."""
        status = self.support(now)
        return {
            "clusterVersion": self.minor,
            "clusterType": "eks",
            "defaultPlatformVersion": self.platform,
            "defaultVersion": self.minor == DEFAULT,
            "releaseDate": self.released.timestamp(),
            "endOfStandardSupportDate": self.end_of_standard_support.timestamp(),
            "endOfExtendedSupportDate": self.end_of_extended_support.timestamp(),
            "status": status.lower().replace("_", "-"),
            "versionStatus": status,
            "kubernetesPatchVersion": self.patch,
        }


OFFERED = {
    version.minor: version
    for version in (
        KubernetesVersion("1.33", "1.33.9", "eks.24", datetime(2025, 5, 29, tzinfo=UTC)),
        KubernetesVersion("1.34", "1.34.6", "eks.18", datetime(2025, 10, 2, tzinfo=UTC)),
        KubernetesVersion("1.35", "1.35.4", "eks.9", datetime(2026, 1, 27, tzinfo=UTC)),
        KubernetesVersion("1.36", "1.36.3", "eks.3", datetime(2026, 6, 3, tzinfo=UTC)),
    )
}
