"""A Kubernetes object of any kind as a Pulumi resource.

It is created by a plain create, so that an existing object is never taken over, changed by server-side apply,
and awaited as `readiness` says. A preview asks the API server for a dry run where that is possible.
"""
# ruff: noqa: ARG002  # the signatures are those of `Resource`

from collections.abc import Callable
from typing import Any

from lab.providers.errors import InitializationFailedError, RefusedError, UnavailableError
from lab.providers.kubernetes.configuration import Configuration
from lab.providers.kubernetes.connection.api import (
    AlreadyExistsError,
    ApiError,
    NotFoundError,
    UnreachableError,
)
from lab.providers.kubernetes.connection.discovery import UnknownKindError, api_version_of
from lab.providers.kubernetes.objects import manifests
from lab.providers.kubernetes.objects.cluster import Cluster
from lab.providers.kubernetes.objects.differences import object_changes
from lab.providers.kubernetes.objects.readiness import Progress
from lab.providers.kubernetes.unreachable import unreachable
from lab.providers.resource import (
    Checked,
    Difference,
    Failure,
    Operation,
    Resource,
    State,
    automatic_name,
    wait_until,
)
from lab.providers.values import Properties, has_unknown

TIMEOUT = 600.0
RETRIES = 5
# The finalizer of a deletion in the foreground: each object deleted so has it for a moment.
GARBAGE_COLLECTOR = "foregroundDeletion"
SKIP_AWAIT = "pulumi.com/skipAwait"
NOT_OFFERED_ANNOTATIONS = ("pulumi.com/waitFor", "pulumi.com/replaceUnready")
EXISTS = (
    "{error}. This stack did not create it: give the resource another name, take it over with "
    "`pulumi import`, or use an alias if the resource was only renamed in the program"
)


class ApiObject(Resource):
    def __init__(self, token: str, configuration: Configuration, cluster: Cluster) -> None:
        self.token = token
        self._configuration = configuration
        self._cluster = cluster

    def check(
        self, operation: Operation, inputs: Properties, olds: Properties | None, seed: bytes
    ) -> Checked:
        """Fill in name and namespace. The API server itself checks the fields, at the dry run."""
        api_version, kind = api_version_of(self.token)
        manifest = {"apiVersion": api_version, "kind": kind, **manifests.manifest_of(inputs)}
        failures = _failures(manifest)
        if not manifests.has_name(manifest):
            manifest = manifests.named(manifest, _name(operation, olds, seed))
        if not manifests.metadata_of(manifest).get("namespace") and self._is_namespaced(manifest):
            manifest = manifests.in_namespace(manifest, self._cluster.namespace)
        return Checked(manifests.marked(manifests.with_encoded_texts(manifest)), failures)

    def diff(
        self,
        operation: Operation,
        identifier: str,
        old_inputs: Properties,
        olds: Properties,
        news: Properties,
    ) -> Difference:
        """Differences of the inputs; fields that only the server sets do not count."""
        old = self._comparable(old_inputs or olds.get(manifests.INPUTS, {}))
        new = self._comparable(news)
        changes = object_changes(
            old,
            new,
            mutable_config_maps=self._configuration.mutable_config_maps,
            mutable_secrets=self._configuration.mutable_secrets,
        )
        same_place = has_unknown(new["metadata"]) or manifests.identifier_of(new) == identifier
        autonamed = manifests.annotation(new, manifests.AUTONAMED) == "true"
        replaced = any(change.replaces for change in changes)
        return Difference(changes, delete_before_replace=replaced and same_place and not autonamed)

    def create(self, operation: Operation, inputs: Properties, *, preview: bool) -> State:
        """Create the object and wait until it is ready."""
        manifest = manifests.manifest_of(inputs)
        if preview:
            return State(
                "", self._foreseen(operation, inputs, lambda: self._post(operation, manifest, dry=True))
            )
        live = self._post_when_possible(operation, manifest)
        return self._awaited(operation, {}, inputs, live)

    def read(
        self, operation: Operation, identifier: str, properties: Properties, inputs: Properties
    ) -> State | None:
        """The object as it is; on import, the inputs that would create it."""
        api_version, kind = api_version_of(self.token)
        known = {"apiVersion": api_version, "kind": kind, **(inputs or properties)}
        namespace, name = manifests.namespace_and_name(identifier)
        try:
            live = self._cluster.get(known, namespace, name)
        except NotFoundError:
            return None
        except UnreachableError as error:
            kept = State(identifier, properties, inputs)
            return unreachable(self._configuration, operation, error, kept)
        found = _live_inputs(live, inputs) if inputs else manifests.manifest_of(live)
        owner = manifests.field_manager(properties, found, operation.urn)
        state = manifests.state_of(live, found, owner)
        return State(identifier, state, manifests.marked(found))

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
        """Apply the new inputs and wait until the object is ready again."""
        manifest = manifests.manifest_of(news)
        owner = manifests.field_manager(olds, manifest, operation.urn)
        if preview:
            return self._foreseen(operation, news, lambda: self._apply(manifest, owner, dry=True))
        live = self._apply(manifest, owner, dry=False)
        return self._awaited(operation, olds, news, live).properties

    def delete(
        self, operation: Operation, identifier: str, old_inputs: Properties, properties: Properties
    ) -> None:
        """Delete, dependents first, and wait until no finalizer holds the object."""
        manifest = {**old_inputs, **properties}
        namespace, name = manifests.namespace_and_name(identifier)
        policy = manifests.annotation(manifest, "pulumi.com/deletionPropagationPolicy") or "foreground"
        try:
            self._cluster.delete(manifest, namespace, name, policy.capitalize())
        except NotFoundError:
            return
        except UnreachableError as error:
            unreachable(self._configuration, operation, error, None)
            return
        if manifests.annotation(manifest, SKIP_AWAIT) != "true":
            self._await_deletion(operation, manifest, namespace, name)

    # -- parts ---------------------------------------------------------------------------------------------

    def _is_namespaced(self, manifest: Properties) -> bool:
        """A kind that the API server does not have yet counts as namespaced, as most kinds are."""
        try:
            return self._cluster.is_namespaced(manifest)
        except (UnknownKindError, UnreachableError):
            return True

    def _comparable(self, inputs: Properties) -> Properties:
        """The inputs, without a namespace where the kind has none."""
        manifest = manifests.with_encoded_texts(manifests.manifest_of(inputs))
        if not self._is_namespaced(manifest):
            return manifests.in_namespace(manifest, "")
        if manifests.metadata_of(manifest).get("namespace"):
            return manifest
        return manifests.in_namespace(manifest, "default")

    def _foreseen(
        self, operation: Operation, inputs: Properties, dry_run: Callable[[], Properties]
    ) -> Properties:
        """The result of a dry run; the inputs where it cannot be known."""
        if has_unknown(inputs):
            return inputs
        try:
            live = dry_run()
        except (NotFoundError, AlreadyExistsError, UnavailableError):
            return inputs
        except ApiError as error:
            if error.code == 403:
                return inputs
            raise
        live.pop("status", None)
        manifest = manifests.manifest_of(inputs)
        return manifests.state_of(live, manifest, manifests.field_manager({}, manifest, operation.urn))

    def _post(self, operation: Operation, manifest: Properties, *, dry: bool) -> Properties:
        if self._configuration.upsert:
            owner = manifests.field_manager({}, manifest, operation.urn)
            return self._cluster.apply(manifest, owner, force=self._configuration.patch_force, dry=dry)
        return self._cluster.create(manifest, dry=dry)

    def _post_when_possible(self, operation: Operation, manifest: Properties) -> Properties:
        """Create; a namespace or kind that another resource is creating gets a moment to appear."""
        for attempt in range(RETRIES):
            try:
                return self._post(operation, manifest, dry=False)
            except NotFoundError as error:
                operation.progress(f"attempt {attempt + 1}: {error}")
                operation.sleep(2.0**attempt)
            except AlreadyExistsError as error:
                raise RefusedError(EXISTS.format(error=error)) from error
        return self._post(operation, manifest, dry=False)

    def _apply(self, manifest: Properties, owner: str, *, dry: bool) -> Properties:
        live = self._cluster.get_same(manifest)
        force = manifests.annotation(manifest, "pulumi.com/patchForce") == "true"
        if not dry:
            self._cluster.take_over_fields(live, owner)
        force = force or self._configuration.patch_force or dry
        return self._cluster.apply(manifest, owner, force=force, dry=dry)

    def _awaited(self, operation: Operation, olds: Properties, inputs: Properties, live: Properties) -> State:
        """Wait until ready; an object that does not become ready is saved together with the reason."""
        manifest = manifests.manifest_of(inputs)
        identifier = manifests.identifier_of(live)
        owner = manifests.field_manager(olds, manifest, operation.urn)
        last = self._await_ready(operation, manifest, live)
        state = manifests.state_of(self._latest(live), manifest, owner)
        if not last.ready:
            reason = last.failure or f"not ready in time: {last.text}"
            raise InitializationFailedError(identifier, state, [f"{identifier}: {reason}"])
        return State(identifier, state)

    def _await_ready(self, operation: Operation, manifest: Properties, live: Properties) -> Progress:
        if manifests.annotation(manifest, SKIP_AWAIT) == "true":
            return Progress(ready=True, text="not awaited")
        last = Progress(ready=False, text="")

        def poll() -> Progress:
            nonlocal last
            last = self._cluster.progress(live)
            return last

        wait_until(
            operation,
            poll,
            done=lambda progress: progress.ready or bool(progress.failure),
            describe=lambda progress: progress.text,
            limit=_limit(manifest),
        )
        return last

    def _latest(self, live: Properties) -> Properties:
        try:
            return self._cluster.get_same(live)
        except (ApiError, UnreachableError):
            return live

    def _await_deletion(self, operation: Operation, manifest: Properties, namespace: str, name: str) -> None:
        uid = manifests.metadata_of(manifest).get("uid")

        def poll() -> Properties | None:
            try:
                live = self._cluster.get(manifest, namespace, name)
            except NotFoundError:
                return None
            return live if uid in (None, live["metadata"]["uid"]) else None

        def held_by(live: Properties | None) -> str:
            finalizers = (live or {"metadata": {}})["metadata"].get("finalizers") or []
            others = [finalizer for finalizer in finalizers if finalizer != GARBAGE_COLLECTOR]
            return f"held by {', '.join(others)}" if others else "waiting for its dependents"

        limit = _limit(manifest)
        started = operation.clock()
        wait_until(operation, poll, lambda live: live is None, held_by, limit=limit, every=0.25)
        if operation.clock() - started >= (operation.timeout or limit) and (left := poll()) is not None:
            raise UnavailableError(
                f"{name} is still there after {operation.timeout or limit:.0f} s: {held_by(left)}"
            )


def _name(operation: Operation, olds: Properties | None, seed: bytes) -> str:
    """The name that was generated before, or a new one."""
    if olds and manifests.annotation(olds, manifests.AUTONAMED) == "true":
        return str(manifests.metadata_of(olds)["name"])
    return automatic_name(operation, seed, length=8, longest=63).lower()


def _failures(manifest: Properties) -> list[Failure]:
    failures = [
        Failure(f'metadata.annotations["{name}"]', "this annotation is not offered by the lab")
        for name in NOT_OFFERED_ANNOTATIONS
        if manifests.annotation(manifest, name) is not None
    ]
    if manifests.metadata_of(manifest).get("generateName") and not manifests.has_name(manifest):
        failures.append(
            Failure("metadata.generateName", "not possible with server-side apply; set metadata.name")
        )
    return failures


def _limit(manifest: Properties) -> float:
    asked = manifests.annotation(manifest, "pulumi.com/timeoutSeconds")
    return float(asked) if asked and asked.isdigit() else TIMEOUT


def _live_inputs(live: Properties, inputs: Properties) -> Properties:
    manifest = manifests.manifest_of(inputs)
    if manifests.is_secret(manifest):
        return manifests.live_secret_inputs(live, manifest)
    found: Any = manifests.live_inputs(live, manifest)
    return dict(found)
