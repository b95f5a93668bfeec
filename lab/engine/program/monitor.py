"""The ResourceMonitor and Engine services, called by the program and by components in providers.

Each call runs in its own thread and blocks until its operation is done. For an error that the engine reports
itself, the caller gets "resource monitor shut down", which makes the SDK end without a report of its own.
"""

from __future__ import annotations

import contextlib
import threading
from concurrent import futures
from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, resource_pb2, resource_pb2_grpc

from lab.engine.errors import EngineError, ProviderError, RunStopped
from lab.engine.events import Severity
from lab.engine.program.components import Components
from lab.engine.program.default_providers import DefaultProviders, Package
from lab.engine.program.transforms import Transforms
from lab.engine.providers.plugin import CHANNEL_OPTIONS
from lab.engine.state import values
from lab.engine.state.urns import is_provider, package_of
from lab.engine.steps import goals
from lab.engine.steps.goals import Goal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab.engine.program.registrar import Registrar
    from lab.engine.run import Run
    from lab.engine.state.resources import Resource

_THREADS = 256
_HUNG_UP = "resource monitor shut down"
_FEATURES = {
    "secrets": resource_pb2.RESOURCE_MONITOR_FEATURE_SECRETS,
    "resourceReferences": resource_pb2.RESOURCE_MONITOR_FEATURE_RESOURCE_REFERENCES,
    "outputValues": resource_pb2.RESOURCE_MONITOR_FEATURE_OUTPUT_VALUES,
    "aliasSpecs": resource_pb2.RESOURCE_MONITOR_FEATURE_ALIAS_SPECS,
    "deletedWith": resource_pb2.RESOURCE_MONITOR_FEATURE_DELETED_WITH,
    "replaceWith": resource_pb2.RESOURCE_MONITOR_FEATURE_REPLACE_WITH,
    "parameterization": resource_pb2.RESOURCE_MONITOR_FEATURE_PARAMETERIZATION,
    "transforms": resource_pb2.RESOURCE_MONITOR_FEATURE_TRANSFORMS,
}
_SEVERITIES = {
    engine_pb2.INFO: Severity.INFO,
    engine_pb2.WARNING: Severity.WARNING,
    engine_pb2.ERROR: Severity.ERROR,
}


class Monitor(resource_pb2_grpc.ResourceMonitorServicer):
    def __init__(self, run: Run, registrar: Registrar) -> None:
        self._run = run
        self._registrar = registrar
        self._defaults = DefaultProviders(run.configuration, registrar.register)
        self._transforms = Transforms()
        self._goals: dict[str, Goal] = {}
        self._packages: dict[str, Package] = {}
        self.address = ""
        self.program_done = threading.Event()
        self.run_done = threading.Event()

    # Registrations

    def RegisterResource(self, request: Any, context: Any) -> Any:  # noqa: N802 - named by the protocol
        with _answering(self._run, context):
            parent = self._goals.get(request.parent)
            request, own = self._transforms.applied(request)
            if request.remote:
                return self._construct(request, parent)
            goal = goals.from_request(request)
            if parent is not None:
                goal.inherit(parent)
            if goal.custom and not is_provider(goal.type):
                goal.provider = self._provider(request, goal.type)
            resource = self._registrar.register(goal)
            self._goals[resource.urn] = goal
            self._transforms.remember(resource.urn, request.parent, own)
            return self._answer(request, resource)

    def RegisterStackTransform(self, request: Any, context: Any) -> Any:  # noqa: N802
        with _answering(self._run, context):
            self._transforms.add_to_stack(request)
        return empty_pb2.Empty()

    def _answer(self, request: Any, resource: Resource) -> Any:
        skipped = self._registrar.is_skipped(resource.urn)
        outputs = resource.outputs if request.custom and not skipped else {}
        if not request.acceptResources:
            outputs = values.without_references(outputs)
        return resource_pb2.RegisterResourceResponse(
            urn=resource.urn, id=resource.id, object=values.to_struct(outputs), unknown=skipped
        )

    def _construct(self, request: Any, parent: Goal | None) -> Any:
        reference = self._provider(request, request.type)
        provider = self._run.providers.get(reference)
        if not provider.configured:
            # In a preview nothing more is known of the component than its name.
            goal = Goal(request.type, request.name, custom=False, parent=request.parent)
            return resource_pb2.RegisterResourceResponse(urn=self._registrar.register(goal).urn)
        answer = Components(self._run, self.address).construct(provider, request, parent)
        goal = Goal(request.type, request.name, custom=False, provider=reference)
        known = self._goals.get(answer.urn, goal)
        known.provider, known.providers = reference, {**known.providers, **dict(request.providers)}
        self._goals[answer.urn] = known
        return answer

    def RegisterResourceOutputs(self, request: Any, context: Any) -> Any:  # noqa: N802
        with _answering(self._run, context):
            outputs = values.without_outputs(values.from_struct(request.outputs))
            self._registrar.outputs(request.urn, outputs)
        return empty_pb2.Empty()

    def ReadResource(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Read a resource that the program does not manage."""
        with _answering(self._run, context):
            goal = Goal(
                type=request.type,
                name=request.name,
                custom=True,
                parent=request.parent,
                inputs=values.without_outputs(values.from_struct(request.properties)),
                dependencies=sorted(request.dependencies),
                provider=self._provider(request, request.type),
                additional_secret_outputs=list(request.additionalSecretOutputs),
            )
            resource = self._registrar.read(goal, request.id)
            known = "" if values.is_unknown(resource.id) else resource.id
            return resource_pb2.ReadResourceResponse(
                urn=resource.urn, properties=values.to_struct(resource.outputs), id=known
            )

    # Providers

    def _provider(self, request: Any, token: str) -> str:
        """The provider of a resource: the given one, the parents' one for the package, or the default."""
        if request.provider:
            return str(request.provider)
        package = package_of(token)
        given = getattr(request, "providers", {})
        parent = self._goals.get(request.parent)
        chosen = given.get(package) or (parent.providers.get(package) if parent else None)
        return chosen or self._defaults.reference(self._wanted(request, package))

    def _wanted(self, request: Any, package: str) -> Package:
        if request.packageRef:
            return self._packages[request.packageRef]
        return Package(package, request.version, request.pluginDownloadURL)

    def RegisterPackage(self, request: Any, context: Any) -> Any:  # noqa: N802
        with _answering(self._run, context):
            if request.HasField("parameterization") or request.HasField("extension"):
                msg = f"package '{request.name}': this engine does not support parameterized packages"
                raise EngineError(msg)
            package = Package(request.name, request.version, request.download_url)
            reference = "|".join(package)
            self._packages[reference] = package
            return resource_pb2.RegisterPackageResponse(ref=reference)

    # Functions

    def Invoke(self, request: Any, context: Any) -> Any:  # noqa: N802
        with _answering(self._run, context):
            arguments = values.from_struct(request.args)
            components = Components(self._run, self.address)
            if request.tok == "pulumi:pulumi:getResource":
                return components.get_resource(arguments)
            provider = self._run.providers.get(self._provider(request, request.tok))
            return components.invoke(provider, request, arguments)

    def Call(self, request: Any, context: Any) -> Any:  # noqa: N802
        with _answering(self._run, context):
            reference = request.provider or self._provider_of_self(request) or self._call_default(request)
            return Components(self._run, self.address).call(self._run.providers.get(reference), request)

    def _provider_of_self(self, request: Any) -> str:
        self_reference = values.from_struct(request.args).get("__self__")
        urn = values.reveal(self_reference or {}).get("urn", "")
        goal = self._goals.get(urn)
        return goal.provider if goal else ""

    def _call_default(self, request: Any) -> str:
        return self._defaults.reference(self._wanted(request, package_of(request.tok)))

    # The deployment

    def GetDeploymentInfo(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        options, configuration = self._run.options, self._run.configuration
        return resource_pb2.DeploymentInfo(
            project=options.project,
            stack=options.stack,
            organization=options.organization,
            config=configuration.values,
            configSecretKeys=sorted(configuration.secret_keys),
            dryRun=options.preview,
            parallel=options.parallel,
            supportedFeatures=list(_FEATURES.values()),
        )

    def SupportsFeature(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        # For older SDKs, which ask for each feature; newer ones use GetDeploymentInfo.
        return resource_pb2.SupportsFeatureResponse(hasSupport=request.id in _FEATURES)

    def SignalAndWaitForShutdown(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        # The program registers nothing more; it waits until the deletions are done.
        self.program_done.set()
        self.run_done.wait()
        return empty_pb2.Empty()


class Engine(engine_pb2_grpc.EngineServicer):
    """The service for programs and providers that concerns the engine itself."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._root = ""

    def Log(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802 - named by the protocol
        # Debug messages have no severity here and are dropped.
        severity = _SEVERITIES.get(request.severity)
        if severity is not None:
            self._run.sink.message(severity, request.urn, request.message, ephemeral=request.ephemeral)
        return empty_pb2.Empty()

    def GetRootResource(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        return engine_pb2.GetRootResourceResponse(urn=self._root)

    def SetRootResource(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        self._root = request.urn
        return engine_pb2.SetRootResourceResponse()

    def RequirePulumiVersion(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        # Always accepted, since the version of the SDK is pinned.
        return engine_pb2.RequirePulumiVersionResponse()


@contextlib.contextmanager
def _answering(run: Run, context: Any) -> Iterator[None]:
    """Translate errors: a stopped run closes the connection, other errors are returned to the caller."""
    try:
        yield
    except RunStopped:
        context.abort(grpc.StatusCode.UNAVAILABLE, _HUNG_UP)
    except ProviderError as error:
        run.fail("", str(error))
        context.abort(grpc.StatusCode.UNAVAILABLE, _HUNG_UP)
    except EngineError as error:
        context.abort(grpc.StatusCode.UNKNOWN, str(error))
    except Exception as error:
        if context.is_active():
            run.fail("", f"internal error of the engine: {type(error).__name__}: {error}")
        raise


class Server:
    """Both services on one address."""

    def __init__(self) -> None:
        self._server = grpc.server(
            futures.ThreadPoolExecutor(max_workers=_THREADS),
            options=[*CHANNEL_OPTIONS, ("grpc.so_reuseport", 0)],
        )
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"

    def start(self, monitor: Monitor, engine: Engine) -> None:
        monitor.address = self.address
        resource_pb2_grpc.add_ResourceMonitorServicer_to_server(monitor, self._server)
        engine_pb2_grpc.add_EngineServicer_to_server(engine, self._server)
        self._server.start()

    def stop(self) -> None:
        """Stop serving; running calls are cancelled."""
        self._server.stop(grace=0.2).wait()
