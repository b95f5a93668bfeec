"""`kubernetes:helm.sh/v3:Release`: a chart installed by Helm itself.

Failures follow Helm's rules. With `atomic` a failed first install leaves nothing behind, and a failed upgrade
is rolled back. Without it the failed release stays, and so does the resource, marked as not healthy.
"""
# ruff: noqa: ARG002  # the signatures are those of `Resource`

from collections.abc import Callable, Sequence

from lab.providers.errors import InitializationFailedError, ProviderError, UnavailableError
from lab.providers.kubernetes.configuration import Configuration
from lab.providers.kubernetes.objects.cluster import Cluster
from lab.providers.kubernetes.objects.manifests import INPUTS, namespace_and_name
from lab.providers.kubernetes.releases import release_inputs
from lab.providers.kubernetes.releases.helm import (
    Helm,
    HelmError,
    LiveRelease,
    Releases,
    Target,
    Waiter,
    resource_names,
)
from lab.providers.kubernetes.unreachable import unreachable
from lab.providers.resource import Checked, Difference, Failure, Operation, Resource, State, automatic_name
from lab.providers.values import UNKNOWN, Properties, Secret, has_unknown

TOKEN = "kubernetes:helm.sh/v3:Release"  # noqa: S105  # a type token
COMPUTED = ("resourceNames", "status")


class Release(Resource):
    token = TOKEN

    def __init__(
        self, configuration: Configuration, helm: Helm, releases: Releases, cluster: Cluster
    ) -> None:
        self._configuration = configuration
        self._helm = helm
        self._releases = releases
        self._cluster = cluster

    def check(
        self, operation: Operation, inputs: Properties, olds: Properties | None, seed: bytes
    ) -> Checked:
        """Spell out all inputs, and the chart's exact version once everything is known."""
        failures = release_inputs.failures(inputs)
        name = inputs.get("name") or (olds or {}).get("name") or automatic_name(operation, seed, length=8)
        spelled = release_inputs.checked({**inputs, "name": name}, self._cluster.namespace, None)
        if failures or has_unknown(inputs):
            return Checked(spelled, failures)
        try:
            version = self._helm.chart_version(release_inputs.chart_arguments(spelled))
        except HelmError as error:
            reason = f"{error}; check the chart name and repository configuration"
            return Checked(spelled, [Failure("chart", reason)])
        return Checked({**spelled, "version": version})

    def diff(
        self,
        operation: Operation,
        identifier: str,
        old_inputs: Properties,
        olds: Properties,
        news: Properties,
    ) -> Difference:
        """Differences of the inputs and of the live release; another name or namespace is another release."""
        old = old_inputs or olds.get(INPUTS, {})
        return Difference(release_inputs.changes(old, {**old, **olds}, news))

    def create(self, operation: Operation, inputs: Properties, *, preview: bool) -> State:
        if preview:
            return State("", _foreseen(inputs))
        flags = release_inputs.install_flags(inputs)
        return State(_identifier(inputs), self._run(operation, inputs, self._releases.install, flags))

    def read(
        self, operation: Operation, identifier: str, properties: Properties, inputs: Properties
    ) -> State | None:
        """The live release; on import, inputs that name its chart as Helm does."""
        namespace, name = namespace_and_name(identifier)
        try:
            found = self._releases.find(namespace, name)
        except UnavailableError as error:
            kept = State(identifier, properties, inputs)
            return unreachable(self._configuration, operation, error, kept)
        if found is None:
            return None
        known = inputs or _imported(found)
        return State(identifier, _state(known, found), known)

    def update(
        self,
        operation: Operation,
        identifier: str,
        old_inputs: Properties,
        olds: Properties,
        news: Properties,
        *,
        preview: bool,
    ) -> Properties:
        if preview:
            return _foreseen(news)
        return self._run(operation, news, self._releases.upgrade, release_inputs.upgrade_flags(news))

    def delete(
        self, operation: Operation, identifier: str, old_inputs: Properties, properties: Properties
    ) -> None:
        namespace, name = namespace_and_name(identifier)
        flags = release_inputs.uninstall_flags(properties or old_inputs)
        self._releases.uninstall(
            namespace, name, self._saying(operation, "uninstalling", namespace, name), flags
        )

    # -- parts ---------------------------------------------------------------------------------------------

    def _run(
        self,
        operation: Operation,
        inputs: Properties,
        command: Callable[[Target, Properties, Waiter, Sequence[str]], LiveRelease],
        flags: Sequence[str],
    ) -> Properties:
        """Install or upgrade; a failure with a new revision is saved as a resource that is not healthy."""
        namespace, name = inputs["namespace"], inputs["name"]
        before = self._releases.find(namespace, name)
        target = Target(namespace, name, release_inputs.chart_arguments(inputs))
        wait = self._saying(operation, "waiting", namespace, name)
        try:
            return _state(inputs, command(target, inputs["values"], wait, flags))
        except HelmError as error:
            after = self._releases.find(namespace, name)
            if after is None or (before is not None and after.revision == before.revision):
                raise
            reason = f"Helm release {namespace}/{name} is {after.status}: {error}"
            raise InitializationFailedError(_identifier(inputs), _state(inputs, after), [reason]) from error

    def _saying(self, operation: Operation, doing: str, namespace: str, name: str) -> Waiter:
        """Reports once a second the time taken and a workload of the release that is not ready."""
        started = operation.clock()

        def say() -> None:
            try:
                unready = self._cluster.unready_workload(namespace, name)
            except ProviderError:
                unready = ""
            detail = f": {unready}" if unready else ""
            operation.progress(f"helm {doing}{detail} ({operation.clock() - started:.0f}s)")

        return say


def _identifier(inputs: Properties) -> str:
    return f"{inputs['namespace']}/{inputs['name']}"


def _foreseen(inputs: Properties) -> Properties:
    return {**inputs, INPUTS: Secret(inputs), **dict.fromkeys(COMPUTED, UNKNOWN)}


def _state(inputs: Properties, found: LiveRelease) -> Properties:
    status = {
        "appVersion": found.app_version,
        "chart": found.chart,
        "name": found.name,
        "namespace": found.namespace,
        "revision": found.revision,
        "status": found.status,
        "version": found.version,
    }
    return {
        **inputs,
        "values": _merged(inputs.get("values") or {}, found.values),
        "version": found.version,
        "resourceNames": resource_names(found.manifest),
        "status": status,
        INPUTS: Secret(inputs),
    }


def _imported(found: LiveRelease) -> Properties:
    named = {"name": found.name, "namespace": found.namespace, "chart": found.chart, "values": found.values}
    return release_inputs.checked(named, found.namespace, found.version)


def _merged(base: Properties, over: Properties) -> Properties:
    """Helm's merge of values: objects by key, anything else replaced."""
    both = {
        key: _merged(base[key], value)
        for key, value in over.items()
        if isinstance(value, dict) and isinstance(base.get(key), dict)
    }
    return {**base, **over, **both}
