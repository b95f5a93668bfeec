"""Resource types of IAM roles, and of policies attached to or written into them."""

from lab.providers.aws.cloud import Cloud, find, remove, remove_when_free
from lab.providers.aws.services.iam.documents import POLICY, policy_text
from lab.providers.aws.services.tagging import iam_tags, retag_iam
from lab.providers.aws.shapes import from_api, same_json, tag_map, to_api
from lab.providers.aws.table import Input, ResourceType
from lab.providers.resource import Operation
from lab.providers.values import Properties


def create_role(cloud: Cloud, inputs: Properties, _: Operation) -> str:
    created = cloud.iam.create_role(
        **to_api(inputs, "path", "description", "maxSessionDuration", "permissionsBoundary", name="RoleName"),
        **to_api(inputs, assumeRolePolicy="AssumeRolePolicyDocument"),
        **iam_tags(inputs),
    )
    return str(created["Role"]["RoleName"])


def read_role(cloud: Cloud, identifier: str, _: Properties) -> Properties | None:
    answer = find(cloud.iam.get_role, RoleName=identifier)
    if answer is None:
        return None
    role = answer["Role"]
    boundary = role.get("PermissionsBoundary") or {}
    return {
        **from_api(
            role, "arn", "description", "path", "maxSessionDuration", name="RoleName", uniqueId="RoleId"
        ),
        "assumeRolePolicy": policy_text(role["AssumeRolePolicyDocument"]),
        "permissionsBoundary": boundary.get("PermissionsBoundaryArn"),
        "createDate": role["CreateDate"].isoformat(),
        "tagsAll": tag_map(role.get("Tags")),
    }


def update_role(cloud: Cloud, identifier: str, before: Properties, inputs: Properties, _: Operation) -> None:
    if not same_json(before.get("assumeRolePolicy"), inputs["assumeRolePolicy"]):
        cloud.iam.update_assume_role_policy(RoleName=identifier, PolicyDocument=inputs["assumeRolePolicy"])
    if any(before.get(name) != inputs.get(name) for name in ("description", "maxSessionDuration")):
        cloud.iam.update_role(
            RoleName=identifier,
            Description=inputs.get("description", ""),
            **to_api(inputs, "maxSessionDuration"),
        )
    boundary = inputs.get("permissionsBoundary")
    if boundary and boundary != before.get("permissionsBoundary"):
        cloud.iam.put_role_permissions_boundary(RoleName=identifier, PermissionsBoundary=boundary)
    elif before.get("permissionsBoundary") and not boundary:
        cloud.iam.delete_role_permissions_boundary(RoleName=identifier)


def delete_role(cloud: Cloud, identifier: str, known: Properties, operation: Operation) -> None:
    # With `forceDetachPolicies` attached and inline policies are removed first.
    if known.get("forceDetachPolicies"):
        answer = find(cloud.iam.list_attached_role_policies, RoleName=identifier) or {"AttachedPolicies": []}
        for policy in answer["AttachedPolicies"]:
            remove(cloud.iam.detach_role_policy, RoleName=identifier, PolicyArn=policy["PolicyArn"])
    remove_when_free(operation, cloud.iam.delete_role, RoleName=identifier)


ROLE = ResourceType(
    "aws:iam/role:Role",
    inputs={
        "assumeRolePolicy": POLICY,
        "description": Input(),
        "path": Input(default="/", replaces=True),
        "maxSessionDuration": Input(default=3600),
        "permissionsBoundary": Input(),
        "forceDetachPolicies": Input(default=False),
    },
    outputs=("arn", "createDate", "uniqueId"),
    create=create_role,
    read=read_role,
    update=update_role,
    delete=delete_role,
    retag=retag_iam("role", "RoleName"),
    name="name",
    longest_name=64,
    regional=False,
)


def attach_policy(cloud: Cloud, inputs: Properties, _: Operation) -> str:
    # IAM has no id for an attachment, so one is generated.
    cloud.iam.attach_role_policy(RoleName=inputs["role"], PolicyArn=inputs["policyArn"])
    return f"{inputs['role']}/{inputs['policyArn']}"


def read_attachment(cloud: Cloud, identifier: str, _: Properties) -> Properties | None:
    role, policy = identifier.split("/", 1)
    answer = find(cloud.iam.list_attached_role_policies, RoleName=role)
    attached = {policy["PolicyArn"] for policy in answer["AttachedPolicies"]} if answer else set()
    return {"role": role, "policyArn": policy} if policy in attached else None


def detach_policy(cloud: Cloud, _: str, known: Properties, __: Operation) -> None:
    remove(cloud.iam.detach_role_policy, RoleName=known["role"], PolicyArn=known["policyArn"])


ATTACHMENT = ResourceType(
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    inputs={"role": Input(required=True, replaces=True), "policyArn": Input(required=True, replaces=True)},
    outputs=(),
    create=attach_policy,
    read=read_attachment,
    delete=detach_policy,
    regional=False,
)


def put_role_policy(cloud: Cloud, inputs: Properties, _: Operation) -> str:
    cloud.iam.put_role_policy(
        RoleName=inputs["role"], PolicyName=inputs["name"], PolicyDocument=inputs["policy"]
    )
    return f"{inputs['role']}:{inputs['name']}"


def update_role_policy(
    cloud: Cloud, _: str, __: Properties, inputs: Properties, operation: Operation
) -> None:
    # Writing the policy again replaces its text.
    put_role_policy(cloud, inputs, operation)


def read_role_policy(cloud: Cloud, identifier: str, _: Properties) -> Properties | None:
    role, name = identifier.split(":", 1)
    answer = find(cloud.iam.get_role_policy, RoleName=role, PolicyName=name)
    if answer is None:
        return None
    return {"role": role, "name": name, "policy": policy_text(answer["PolicyDocument"])}


def delete_role_policy(cloud: Cloud, _: str, known: Properties, __: Operation) -> None:
    remove(cloud.iam.delete_role_policy, RoleName=known["role"], PolicyName=known["name"])


ROLE_POLICY = ResourceType(
    "aws:iam/rolePolicy:RolePolicy",
    inputs={"role": Input(required=True, replaces=True), "policy": POLICY},
    outputs=(),
    create=put_role_policy,
    read=read_role_policy,
    update=update_role_policy,
    delete=delete_role_policy,
    name="name",
    longest_name=128,
    regional=False,
)

TYPES = (ROLE, ATTACHMENT, ROLE_POLICY)
