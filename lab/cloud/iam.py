"""IAM with AWS's refusal of permissions boundaries that are no policies.

`lab.cloud.server` calls `install` before the first request. moto takes any text that looks like the ARN of a
policy. Not corrected: a boundary limits nothing, since the lab checks no permissions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.iam.exceptions import NoSuchEntity
from moto.iam.models import IAMBackend, iam_backends

from lab.cloud.extension import Extension

if TYPE_CHECKING:
    from lab.cloud.extension import Parts


class LabIAMBackend(IAMBackend):  # type: ignore[misc]  # moto is untyped to mypy here
    """The users, roles and policies of one account."""

    __module__ = IAMBackend.__module__  # moto finds a backend's routes beside the module of its class

    def create_role(  # moto's signature
        self,
        role_name: str,
        assume_role_policy_document: str,
        path: str,
        permissions_boundary: str | None,
        *more: Any,
        **named: Any,
    ) -> Any:
        self._check_boundary(permissions_boundary)
        return super().create_role(
            role_name, assume_role_policy_document, path, permissions_boundary, *more, **named
        )

    def put_role_permissions_boundary(self, role_name: str, permissions_boundary: str) -> None:
        self._check_boundary(permissions_boundary)
        super().put_role_permissions_boundary(role_name, permissions_boundary)

    def _check_boundary(self, arn: str | None) -> None:
        # docs.aws.amazon.com/IAM/latest/APIReference/API_PutRolePermissionsBoundary.html, NoSuchEntity.
        if arn and arn not in self.managed_policies:
            message = f"Policy {arn} does not exist or is not attachable."
            raise NoSuchEntity(message)


def install(_: Parts) -> Extension:
    """Replace moto's IAM with this one."""
    iam_backends.backend = LabIAMBackend
    iam_backends.clear()
    return Extension()
