"""The IAM role of the control plane; a separate component, as in the real package."""

import hashlib
import json

import pulumi
import pulumi_aws as aws

SERVICE = "eks.amazonaws.com"
DESCRIPTION = "Allows EKS to manage clusters on your behalf."
POLICY = "AmazonEKSClusterPolicy"
POLICY_ID = f"arn:aws:iam::aws:policy/{POLICY}"
# EKS Auto Mode tags the session; the real component always allows it.
ACTIONS = ["sts:AssumeRole", "sts:TagSession"]


class ServiceRole(pulumi.ComponentResource):
    """A role that EKS may assume, with the policy it needs."""

    def __init__(
        self,
        name: str,
        *,
        partition: pulumi.Input[str],
        tags: pulumi.Input[dict[str, str]] | None,
        opts: pulumi.ResourceOptions,
    ) -> None:
        arn = pulumi.Output.concat("arn:", partition, ":iam::aws:policy/", POLICY)
        super().__init__("eks:index:ServiceRole", name, {}, opts)
        mine = pulumi.ResourceOptions(parent=self)
        self.role = aws.iam.Role(
            f"{name}-role",
            description=DESCRIPTION,
            assume_role_policy=trust(),
            tags=tags,
            opts=mine,
        )
        self.attachment = aws.iam.RolePolicyAttachment(
            f"{name}-{short_hash(POLICY_ID)}",
            policy_arn=arn,
            role=self.role.id,
            opts=mine,
        )
        resolved = pulumi.Output.all(self.role.arn, self.attachment.id).apply(lambda _: self.role)
        self.register_outputs({"directRole": self.role, "resolvedRole": resolved})


def trust() -> str:
    statement = {
        "Action": ACTIONS,
        "Effect": "Allow",
        "Principal": {"Service": [SERVICE]},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]}, separators=(",", ":"))


def short_hash(text: str) -> str:
    # Keeps the name of an attachment when the list of policies is reordered.
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()[:8]
