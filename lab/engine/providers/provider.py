"""The interface of a provider, whether a process (`plugin`) or part of the engine (`builtin`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lab.engine.state import values

if TYPE_CHECKING:
    from lab.engine.providers.diff import Diff
    from lab.engine.state.resources import Resource


@dataclass(frozen=True)
class Failure:
    """One reason why inputs are refused; an empty property means the whole resource."""

    property: str
    reason: str


@dataclass(frozen=True)
class ReadResult:
    """The state of a resource in the cloud; an empty id means that it does not exist."""

    id: str
    outputs: values.Properties
    inputs: values.Properties | None


Checked = tuple[values.Properties, list[Failure]]


class Provider:
    """One provider with one configuration."""

    package: str
    # False in a preview while the configuration contains unknown values.
    configured: bool

    def end(self) -> None: ...

    def check_config(
        self, urn: str, olds: values.Properties, news: values.Properties, *, preview: bool
    ) -> Checked:
        """The provider's own inputs, checked."""
        raise NotImplementedError

    def diff_config(self, old: Resource, news: values.Properties) -> Diff:
        """Whether resources created with the old configuration can stay under the new one."""
        raise NotImplementedError

    def configure(self, urn: str, identifier: str, inputs: values.Properties) -> None:
        """Pass on the configuration; with unknown values in it the provider stays unconfigured."""
        raise NotImplementedError

    def check(self, urn: str, olds: values.Properties, news: values.Properties, *, preview: bool) -> Checked:
        """The inputs with the provider's defaults added, and the reasons to refuse them."""
        raise NotImplementedError

    def diff(self, old: Resource, news: values.Properties, ignore: list[str], *, preview: bool) -> Diff:
        """Which change the new inputs mean for the resource."""
        raise NotImplementedError

    def create(
        self, urn: str, inputs: values.Properties, timeout: float, *, preview: bool
    ) -> tuple[str, values.Properties]:
        """Create a resource and return its id and outputs; in a preview the id is empty."""
        raise NotImplementedError

    def update(
        self, old: Resource, news: values.Properties, timeout: float, ignore: list[str], *, preview: bool
    ) -> values.Properties:
        """Change a resource and return its new outputs."""
        raise NotImplementedError

    def delete(self, old: Resource, timeout: float) -> None:
        raise NotImplementedError

    def read(
        self, urn: str, identifier: str, inputs: values.Properties, outputs: values.Properties
    ) -> ReadResult:
        """Read a resource; without inputs and outputs this is an import."""
        raise NotImplementedError

    def invoke(self, token: str, arguments: values.Properties, *, preview: bool) -> Checked:
        """Call a function and return its result."""
        raise NotImplementedError

    def call(self, request: Any) -> Any:
        """Call a method of a component."""
        raise NotImplementedError

    def construct(self, request: Any) -> Any:
        """Create a component; it registers its children with the engine itself."""
        raise NotImplementedError
