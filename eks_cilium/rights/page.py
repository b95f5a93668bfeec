"""Generates `docs/iam.md` from the tables of this package, so that it cannot differ from them.

A developer runs it after changing a table; a test compares the page with the tables, and others compare the
tables with the code and with the calls of whole runs in the lab.
"""

from __future__ import annotations

import json
import sys
import textwrap
from typing import TYPE_CHECKING, Any

from eks_cilium.rights.policies import ALWAYS, JOBS, deploy_policies, preview_policy
from eks_cilium.settings.generated_page import write_page

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from eks_cilium.rights.policies import Job

FILE = "docs/iam.md"

_OPENING = """\
# Rights in AWS

<!-- Written by `python -m eks_cilium.rights.page --write docs/iam.md`;
change the tables in eks_cilium/rights/. -->

The least that an identity needs, for each kind of stack: to **preview**, which changes nothing, and to
**deploy** (`pulumi up`, `refresh`, `destroy`). Put your values in place of `ACCOUNT`, `REGION`, `CLUSTER` and
`BUCKET`. Each block is a policy of its own and fits into one managed policy; attach those of the parts that
you use. Rights in the cluster are another matter: a preview reads every object, a deployment needs an access
entry with AmazonEKSClusterAdminPolicy ([access.md](access.md)). Where the state of Pulumi is kept, its bucket
and its key come on top.

What stands behind it: tests compare the lists with the code (every resource, every function of the provider,
every call of the program, in both directions) and with all calls that whole runs make in [the lab](lab.md).
The lab checks no policy, and its AWS provider makes other reads than the real one: those are from the
provider's sources. If AWS refuses a call, the message names the action; please report it.

- With `iam.path`, put it before `CLUSTER-*` in the ARNs of roles. For roles that exist, add their ARNs to
  the resources of `PassedRoles`.
- `AttachedPolicies` keeps the deployer from giving a role any other policy; add those of
  `cluster.addons.<name>.role.policyArns`. Inline policies could still hold anything: with
  `iam.permissionsBoundary` in the stack, add the condition `iam:PermissionsBoundary` to `Roles`.
- In other partitions replace `arn:aws:` by `arn:aws-cn:` or `arn:aws-us-gov:`, and in China `amazonaws.com`
  in the ARN of the identity provider by `amazonaws.com.cn`.
- A replacement without the rights on load balancers waits the whole `migration.loadBalancerTimeoutSeconds` at
  each node; a plan without `eks:DescribeAddonConfiguration` and the reads of subnets, network interfaces and
  instance types says what it could not compute.
"""


def main(arguments: Sequence[str]) -> int:
    """Write the page to the file that is named; without arguments only print the help."""
    return write_page(
        arguments,
        module="eks_cilium.rights.page",
        description="Write the page about rights in AWS.",
        file=FILE,
        page=page,
    )


def page() -> str:
    """The page as generated from the tables."""
    return "\n".join([_OPENING, *(line for job in JOBS for line in _section(job))])


def _section(job: Job) -> Iterator[str]:
    yield f"## {job.title}\n"
    if job.changes:
        yield "### To preview\n" if job.title.startswith("Mode") else ""
    yield _block(preview_policy(job))
    if not job.changes:
        return
    for part, document in deploy_policies(job).items():
        when = "To deploy" if part.when == ALWAYS else f"To deploy, for {part.when}"
        yield f"### {when}\n"
        yield _block(document)


def _block(document: dict[str, Any]) -> str:
    statements = ",\n".join(_statement(statement) for statement in document["Statement"])
    version = json.dumps(document["Version"])
    return f'```json\n{{\n  "Version": {version},\n  "Statement": [\n{statements}\n  ]\n}}\n```\n'


def _statement(statement: dict[str, Any]) -> str:
    lines = []
    for key, value in statement.items():
        text = f"{json.dumps(key)}: {json.dumps(value)}"
        lines.append(
            textwrap.fill(
                text,
                100,
                initial_indent="      ",
                subsequent_indent="        ",
                break_long_words=False,
                break_on_hyphens=False,
            )
        )
    return "    {\n" + ",\n".join(lines) + "\n    }"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
