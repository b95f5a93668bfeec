"""Calls that the monitor passes on to a provider: component construction, functions and methods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pulumi.runtime.proto import provider_pb2, resource_pb2

from lab.engine.errors import EngineError, RunStopped, StepError
from lab.engine.providers import builtin
from lab.engine.state import values

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lab.engine.providers.provider import Failure, Provider
    from lab.engine.run import Run
    from lab.engine.steps.goals import Goal


class Components:
    def __init__(self, run: Run, address: str) -> None:
        self._run = run
        self._address = address

    # Construction

    def construct(self, provider: Provider, request: Any, parent: Goal | None) -> Any:
        """Construct a component in its provider and return the answer for the program."""
        self._run.raise_if_stopped()
        try:
            answer = provider.construct(self._construct_request(request, parent))
        except StepError as error:
            self._run.raise_if_stopped()
            self._run.fail("", f"{request.type} resource '{request.name}' has a problem: {error}")
            raise RunStopped from error
        state = values.from_struct(answer.state)
        outputs = values.without_outputs(state)
        if not request.acceptResources:
            outputs = values.without_references(outputs)
        response = resource_pb2.RegisterResourceResponse(urn=answer.urn, object=values.to_struct(outputs))
        _fill_dependencies(response.propertyDependencies, state, answer.stateDependencies)
        return response

    def _construct_request(self, request: Any, parent: Goal | None) -> Any:
        outgoing = provider_pb2.ConstructRequest(
            **self._run_fields(),
            type=request.type,
            name=request.name,
            parent=request.parent,
            inputs=values.to_struct(values.as_outputs(values.from_struct(request.object))),
            providers=dict(request.providers),
            dependencies=sorted(request.dependencies),
            aliases=list(request.aliases),
            additionalSecretOutputs=request.additionalSecretOutputs,
            ignoreChanges=request.ignoreChanges,
            replaceOnChanges=request.replaceOnChanges,
            replace_with=request.replace_with,
            deletedWith=request.deletedWith or (parent.deleted_with if parent else ""),
        )
        for key, entry in request.propertyDependencies.items():
            outgoing.inputDependencies[key].urns.extend(sorted(entry.urns))
        _copy_options(request, outgoing, parent)
        return outgoing

    def _run_fields(self) -> dict[str, Any]:
        options, configuration = self._run.options, self._run.configuration
        return {
            "project": options.project,
            "stack": options.stack,
            "organization": options.organization,
            "config": configuration.values,
            "configSecretKeys": sorted(configuration.secret_keys),
            "dryRun": options.preview,
            "parallel": options.parallel,
            "monitorEndpoint": self._address,
            "accepts_output_values": True,
        }

    # Functions and methods

    def get_resource(self, arguments: values.Properties) -> Any:
        """A registered resource, for references and for components that read their own state."""
        found = builtin.get_resource(str(values.reveal(arguments.get("urn"))), self._run.news)
        return _invoke_response(found, [])

    def invoke(self, provider: Provider, request: Any, arguments: values.Properties) -> Any:
        self._run.raise_if_stopped()
        try:
            found, failures = provider.invoke(request.tok, arguments, preview=self._run.preview)
        except StepError as error:
            msg = f"invocation of {request.tok} returned an error: {error}"
            raise EngineError(msg) from error
        if not request.acceptResources:
            found = values.without_references(found)
        return _invoke_response(values.without_outputs(found), failures)

    def call(self, provider: Provider, request: Any) -> Any:
        self._run.raise_if_stopped()
        arguments = values.as_outputs(values.from_struct(request.args))
        outgoing = provider_pb2.CallRequest(
            tok=request.tok,
            args=values.to_struct(arguments),
            **self._run_fields(),
        )
        for key, entry in request.argDependencies.items():
            outgoing.argDependencies[key].urns.extend(sorted(entry.urns))
        answer = provider.call(outgoing)
        state = values.from_struct(getattr(answer, "return"))
        response = provider_pb2.CallResponse(failures=answer.failures)
        getattr(response, "return").CopyFrom(values.to_struct(values.without_outputs(state)))
        _fill_dependencies(response.returnDependencies, state, answer.returnDependencies)
        return response


def _copy_options(request: Any, outgoing: Any, parent: Goal | None) -> None:
    # Options that may be unset; an unset one takes the value of the parent.
    if request.HasField("protect"):
        outgoing.protect = request.protect
    elif parent and parent.protect is not None:
        outgoing.protect = parent.protect
    if request.HasField("retainOnDelete"):
        outgoing.retainOnDelete = request.retainOnDelete
    elif parent and parent.retain_on_delete is not None:
        outgoing.retainOnDelete = parent.retain_on_delete
    if request.deleteBeforeReplaceDefined or request.deleteBeforeReplace:
        outgoing.deleteBeforeReplace = request.deleteBeforeReplace
    if request.HasField("customTimeouts"):
        timeouts = request.customTimeouts
        outgoing.customTimeouts.create = timeouts.create
        outgoing.customTimeouts.update = timeouts.update
        outgoing.customTimeouts.delete = timeouts.delete


def _fill_dependencies(filled: Any, state: values.Properties, given: Mapping[str, Any]) -> None:
    # Dependencies are given by name and inside output values.
    for key in {*state, *given}:
        urns: Iterable[str] = given[key].urns if key in given else ()
        filled[key].urns.extend(sorted({*urns, *values.dependencies_of(state.get(key))}))


def _invoke_response(found: values.Properties, failures: list[Failure]) -> Any:
    response = resource_pb2.ResourceInvokeResponse()
    getattr(response, "return").CopyFrom(values.to_struct(found))
    for failure in failures:
        response.failures.add(property=failure.property, reason=failure.reason)
    return response
