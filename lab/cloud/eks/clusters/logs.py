"""The logs of a control plane in CloudWatch, as far as tools meet them: their last lines come late.

EKS delivers them after the cluster is deleted, and creates the log group for them where it is gone
(terraform-aws-modules/terraform-aws-eks#920, #2763).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import botocore.exceptions

from lab.cloud.eks.aws_clients import error_code

if TYPE_CHECKING:
    from lab.cloud.eks.aws_clients import AwsClients


def deliver_last_lines(aws: AwsClients, cluster: str) -> None:
    """Create the log group of a deleted cluster, without tags and retention, unless it exists."""
    try:
        aws.logs.create_log_group(logGroupName=f"/aws/eks/{cluster}/cluster")
    except botocore.exceptions.ClientError as error:
        if error_code(error) != "ResourceAlreadyExistsException":
            raise
