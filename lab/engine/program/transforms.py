"""Transforms: functions of the program that change registrations before the engine uses them.

A transform of a resource applies to the resource and to everything below it, also to what a component
registers in its provider; one of the stack applies to everything. Order and hand-over are those of the real
engine (pulumi, pkg/resource/deploy/source_eval.go, `RegisterResource`).
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import grpc
from pulumi.runtime.proto import callback_pb2, callback_pb2_grpc, resource_pb2

from lab.engine.errors import EngineError
from lab.engine.providers.plugin import CHANNEL_OPTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# The names of options in a transform's request, and in the registration.
_PLAIN = {
    "protect": "protect",
    "version": "version",
    "provider": "provider",
    "plugin_download_url": "pluginDownloadURL",
    "retain_on_delete": "retainOnDelete",
    "deleted_with": "deletedWith",
    "import": "importId",
}
_LISTS = {
    "depends_on": "dependencies",
    "ignore_changes": "ignoreChanges",
    "replace_on_changes": "replaceOnChanges",
    "aliases": "aliases",
    "additional_secret_outputs": "additionalSecretOutputs",
    "replace_with": "replace_with",
}


@dataclass
class Transforms:
    """The transforms of one run, by the resources that declared them."""

    _of_stack: list[Any] = field(default_factory=list)
    _of_resource: dict[str, Sequence[Any]] = field(default_factory=dict)
    _of_construction: dict[tuple[str, str, str], Sequence[Any]] = field(default_factory=dict)
    """Of components that are being constructed, whose provider has not registered them yet."""
    _parents: dict[str, str] = field(default_factory=dict)
    _channels: dict[str, Any] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add_to_stack(self, callback: Any) -> None:
        """Apply a transform to everything that is registered from now on."""
        with self._lock:
            self._of_stack.append(callback)

    def applied(self, request: Any) -> tuple[Any, Sequence[Any]]:
        """The registration after all transforms, and those that the resource itself declares."""
        own = self._own(request)
        found = [*own, *self._of_ancestors(request.parent), *self._of_stack]
        if found:
            changed = resource_pb2.RegisterResourceRequest()
            changed.CopyFrom(request)
            for callback in found:
                self._apply(callback, changed)
            return changed, own
        return request, own

    def remember(self, urn: str, parent: str, own: Sequence[Any]) -> None:
        """Keep the transforms of a registered resource for what is registered below it."""
        with self._lock:
            self._parents[urn] = parent
            if own:
                self._of_resource[urn] = own

    def _own(self, request: Any) -> Sequence[Any]:
        key = (request.parent, request.type, request.name)
        with self._lock:
            handed_over = self._of_construction.pop(key, None)
            if handed_over is not None:
                return handed_over
            if request.remote and request.transforms:
                self._of_construction[key] = list(request.transforms)
            return list(request.transforms)

    def _of_ancestors(self, urn: str) -> Iterator[Any]:
        while urn:
            yield from self._of_resource.get(urn, ())
            urn = self._parents.get(urn, "")

    def _apply(self, callback: Any, request: Any) -> None:
        asked = resource_pb2.TransformRequest(
            type=request.type,
            name=request.name,
            custom=request.custom,
            parent=request.parent,
            properties=request.object,
            options=_options(request),
        )
        answer = resource_pb2.TransformResponse.FromString(self._call(callback, asked))
        request.object.CopyFrom(answer.properties)
        if answer.HasField("options"):
            _set_options(request, answer.options)

    def _call(self, callback: Any, asked: Any) -> bytes:
        with self._lock:
            if callback.target not in self._channels:
                self._channels[callback.target] = grpc.insecure_channel(
                    callback.target, options=CHANNEL_OPTIONS
                )
            channel = self._channels[callback.target]
        request = callback_pb2.CallbackInvokeRequest(token=callback.token, request=asked.SerializeToString())
        try:
            return bytes(callback_pb2_grpc.CallbacksStub(channel).Invoke(request).response)
        except grpc.RpcError as error:
            msg = f"invoke transform: {error.details()}"
            raise EngineError(msg) from error


def _options(request: Any) -> Any:
    options = resource_pb2.TransformResourceOptions()
    for name, given in _PLAIN.items():
        if _is_set(request, given):
            setattr(options, name, getattr(request, given))
    for name, given in _LISTS.items():
        getattr(options, name).extend(getattr(request, given))
    options.providers.update(request.providers)
    if request.deleteBeforeReplaceDefined or request.deleteBeforeReplace:
        options.delete_before_replace = request.deleteBeforeReplace
    if request.HasField("customTimeouts"):
        options.custom_timeouts.CopyFrom(request.customTimeouts)
    return options


def _set_options(request: Any, options: Any) -> None:
    for name, given in _PLAIN.items():
        request.ClearField(given)
        if _is_set(options, name):
            setattr(request, given, getattr(options, name))
    request.deleteBeforeReplace = options.delete_before_replace
    request.deleteBeforeReplaceDefined = options.HasField("delete_before_replace")
    for name, given in _LISTS.items():
        request.ClearField(given)
        getattr(request, given).extend(getattr(options, name))
    request.ClearField("providers")
    request.providers.update(options.providers)
    request.ClearField("customTimeouts")
    if options.HasField("custom_timeouts"):
        request.customTimeouts.CopyFrom(options.custom_timeouts)


def _is_set(message: Any, name: str) -> bool:
    if message.DESCRIPTOR.fields_by_name[name].has_presence:
        return bool(message.HasField(name))
    return bool(getattr(message, name))
