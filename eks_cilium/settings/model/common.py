"""Keys that are the same in every mode."""

from __future__ import annotations

from typing import ClassVar

from eks_cilium.settings.model.fields import Part, option

MODES = "new-cluster, chaining, replacement or mesh"


class Settings(Part):
    """The whole configuration of a stack."""

    title: ClassVar[str] = ""
    """Heading of the model in docs/configuration.md, where it is not that of its mode."""

    mode: str
    region: str = option(
        alias="aws:region",
        says="AWS region.",
        allowed="an AWS region such as eu-central-1",
        example="eu-central-1",
        pattern=r"^[a-z]{2}(-[a-z]+)+-\d$",
    )
    profile: str | None = option(
        None,
        alias="aws:profile",
        says="AWS profile for everything this program does; the environment's credentials when unset.",
        allowed="the name of an AWS profile",
        example="platform-dev",
        min_length=1,
    )
    tags: dict[str, str] = option(
        default_factory=dict,
        says="Tags for every AWS resource that takes tags.",
        allowed="an object of up to 40 tags whose keys do not begin with aws:",
        example={"team": "platform"},
        max_length=40,
    )
