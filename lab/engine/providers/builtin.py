"""The engine's own provider, `pulumi`: stack references and `getResource`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from lab.engine.errors import StepError
from lab.engine.providers.diff import Diff
from lab.engine.providers.provider import Checked, Provider, ReadResult
from lab.engine.state import values
from lab.engine.state.urns import STACK_REFERENCE_TYPE, type_of

if TYPE_CHECKING:
    from lab.engine.state.resources import Resource

PACKAGE = "pulumi"
STACK_OUTPUTS_FUNCTION = "pulumi:pulumi:readStackOutputs"
# Returns the outputs of a stack by its full name, `organization/project/stack`.
StackOutputs = Callable[[str], values.Properties]


class Builtin(Provider):
    """The provider that needs no process."""

    package = PACKAGE
    configured = True

    def __init__(self, stack_outputs: StackOutputs) -> None:
        self._stack_outputs = stack_outputs

    def configure(self, urn: str, identifier: str, inputs: values.Properties) -> None: ...

    def check_config(
        self,
        urn: str,  # noqa: ARG002 - the interface's; any configuration is valid
        olds: values.Properties,  # noqa: ARG002
        news: values.Properties,
        *,
        preview: bool,  # noqa: ARG002
    ) -> Checked:
        return news, []

    def diff_config(self, old: Resource, news: values.Properties) -> Diff:  # noqa: ARG002 - there is none
        return Diff(changes=False)

    def check(
        self,
        urn: str,
        olds: values.Properties,  # noqa: ARG002 - always refused
        news: values.Properties,  # noqa: ARG002
        *,
        preview: bool,  # noqa: ARG002
    ) -> Checked:
        raise StepError(urn, f"this engine has no resource type '{type_of(urn)}'")

    def invoke(self, token: str, arguments: values.Properties, *, preview: bool) -> Checked:  # noqa: ARG002
        """Read the outputs of another stack; the monitor answers `getResource` itself."""
        if token != STACK_OUTPUTS_FUNCTION:
            raise StepError("", f"this engine has no function '{token}'")
        return self._exported("", str(arguments["name"])), []

    def read(
        self,
        urn: str,
        identifier: str,
        inputs: values.Properties,
        outputs: values.Properties,  # noqa: ARG002 - read again
    ) -> ReadResult:
        if type_of(urn) != STACK_REFERENCE_TYPE:
            raise StepError(urn, f"unrecognized resource type '{type_of(urn)}'")
        return ReadResult(identifier, self._exported(urn, str(inputs.get("name", identifier))), inputs)

    def _exported(self, urn: str, stack: str) -> values.Properties:
        try:
            exported = self._stack_outputs(stack)
        except Exception as error:
            raise StepError(urn, f"cannot read stack '{stack}': {error}") from error
        hidden = sorted(key for key, value in exported.items() if values.has_secrets(value))
        return {"name": stack, "outputs": exported, "secretOutputNames": hidden}


def get_resource(urn: str, known: Mapping[str, Resource]) -> values.Properties:
    """The answer to `pulumi:pulumi:getResource`: a registered resource as far as it is known."""
    resource = known.get(urn)
    if resource is None:
        raise StepError("", f"unknown resource {urn}")
    return {"urn": resource.urn, "id": resource.id, "state": resource.outputs}
