"""The resource type of IAM OpenID Connect providers: issuers whose tokens may assume roles."""

from typing import Any

from lab.providers.aws.cloud import Cloud, find, remove
from lab.providers.aws.services.tagging import iam_tags, retag_iam
from lab.providers.aws.shapes import same_set, tag_map, to_api
from lab.providers.aws.table import Input, ResourceType
from lab.providers.resource import Operation
from lab.providers.values import Properties


def create_oidc(cloud: Cloud, inputs: Properties, _: Operation) -> str:
    created = cloud.iam.create_open_id_connect_provider(
        **to_api(inputs, "url", clientIdLists="ClientIDList", thumbprintLists="ThumbprintList"),
        **iam_tags(inputs),
    )
    return str(created["OpenIDConnectProviderArn"])


def read_oidc(cloud: Cloud, identifier: str, _: Properties) -> Properties | None:
    answer = find(cloud.iam.get_open_id_connect_provider, OpenIDConnectProviderArn=identifier)
    if answer is None:
        return None
    return {
        "arn": identifier,
        "url": str(answer["Url"]).removeprefix("https://"),
        "clientIdLists": answer.get("ClientIDList"),
        "thumbprintLists": answer.get("ThumbprintList") or [],
        "tagsAll": tag_map(answer.get("Tags")),
    }


def update_oidc(cloud: Cloud, identifier: str, before: Properties, inputs: Properties, _: Operation) -> None:
    # Audiences are changed one by one, thumbprints all at once.
    who = {"OpenIDConnectProviderArn": identifier}
    old, new = set(before.get("clientIdLists") or ()), set(inputs["clientIdLists"])
    for client in sorted(new - old):
        cloud.iam.add_client_id_to_open_id_connect_provider(**who, ClientID=client)
    for client in sorted(old - new):
        cloud.iam.remove_client_id_from_open_id_connect_provider(**who, ClientID=client)
    thumbprints = inputs.get("thumbprintLists")
    if thumbprints is not None and thumbprints != before.get("thumbprintLists"):
        cloud.iam.update_open_id_connect_provider_thumbprint(**who, ThumbprintList=thumbprints)


def delete_oidc(cloud: Cloud, identifier: str, _: Properties, __: Operation) -> None:
    remove(cloud.iam.delete_open_id_connect_provider, OpenIDConnectProviderArn=identifier)


def without_scheme(url: str) -> str:
    # IAM returns the URL of an issuer without its scheme.
    return url.removeprefix("https://")


def same_issuer(left: Any, right: Any) -> bool:
    return without_scheme(str(left)) == without_scheme(str(right))


OIDC_PROVIDER = ResourceType(
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider",
    inputs={
        "url": Input(
            required=True, replaces=True, same=same_issuer, agrees=same_issuer, shown=without_scheme
        ),
        "clientIdLists": Input(required=True, same=same_set),
        "thumbprintLists": Input(cloud_decides=True),
    },
    outputs=("arn",),
    create=create_oidc,
    read=read_oidc,
    update=update_oidc,
    delete=delete_oidc,
    retag=retag_iam("open_id_connect_provider", "OpenIDConnectProviderArn"),
    regional=False,
)

TYPES = (OIDC_PROVIDER,)
