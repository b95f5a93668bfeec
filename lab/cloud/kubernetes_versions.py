"""The Kubernetes versions that the lab's EKS offers, with a node image for each.

One build of Kubernetes serves all of them and emulates the older ones. The dates follow AWS's schedule but
are not AWS's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

DEFAULT = "1.35"
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

    def describe(self) -> dict[str, Any]:
        """Return the version as in DescribeClusterVersions."""
        year = self.released.year
        return {
            "clusterVersion": self.minor,
            "clusterType": "eks",
            "defaultPlatformVersion": self.platform,
            "defaultVersion": self.minor == DEFAULT,
            "releaseDate": self.released.timestamp(),
            "endOfStandardSupportDate": self.released.replace(year=year + 1).timestamp(),
            "endOfExtendedSupportDate": self.released.replace(year=year + 2).timestamp(),
            "status": "standard-support",
            "versionStatus": "STANDARD_SUPPORT",
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
