"""Objects as the API server expects and returns them, and as Pulumi's state keeps them. Pure functions.

The state of an object is the API server's last answer, plus three properties that the official provider keeps
too: the inputs, the API version it was created with, and the field manager that owns its fields.
"""

import base64
import binascii
import copy
import hashlib
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from lab.providers.values import Properties, Secret, Unknown, has_unknown

INPUTS = "__inputs"
API_VERSION = "__initialApiVersion"
FIELD_MANAGER = "__fieldManager"
AUTONAMED = "pulumi.com/autonamed"
SERVER_SET = (
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "uid",
)
_UNITS = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY_UNITS = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_QUANTITY = re.compile(r"([+-]?\d+(?:\.\d+)?)([numkMGTPE]|[KMGTPE]i)?")


def manifest_of(properties: Mapping[str, Any]) -> Properties:
    """The request to the API server: the inputs without fields that only the server sets."""
    manifest: Properties = _renamed(properties, lambda key: _respelled(key, "x_kubernetes_", "x-kubernetes-"))
    for key in (INPUTS, API_VERSION, FIELD_MANAGER, "status"):
        manifest.pop(key, None)
    metadata = manifest.get("metadata")
    if isinstance(metadata, dict):
        for key in SERVER_SET:
            metadata.pop(key, None)
    return manifest


def state_of(live: Mapping[str, Any], inputs: Mapping[str, Any], field_manager: str) -> Properties:
    """The state; its inputs are always encrypted, since any of them may hold a secret of the program."""
    return {
        **_renamed(marked(live), lambda key: _respelled(key, "x-kubernetes-", "x_kubernetes_")),
        INPUTS: Secret(dict(inputs)),
        API_VERSION: inputs.get("apiVersion", live.get("apiVersion")),
        FIELD_MANAGER: field_manager,
    }


def marked(manifest: Mapping[str, Any]) -> Properties:
    """The same properties, with those of a `Secret` marked as secret."""
    secret = ("data", "stringData") if is_secret(manifest) else ()
    return {key: Secret(value) if key in secret else value for key, value in manifest.items()}


def is_secret(manifest: Mapping[str, Any]) -> bool:
    """Whether this is a core `Secret`."""
    return manifest.get("kind") == "Secret" and manifest.get("apiVersion") == "v1"


def with_encoded_texts(manifest: Mapping[str, Any]) -> Properties:
    """A `Secret` as the API server keeps it, with `stringData` in `data`; any other manifest as it is.

    The official provider checks in this form too (provider/pkg/clients/unstructured.go, `normalizeSecret`).
    Values that are not known yet leave it as it is.
    """
    texts, data = manifest.get("stringData"), manifest.get("data") or {}
    if not (is_secret(manifest) and isinstance(texts, Mapping)) or has_unknown(manifest):
        return dict(manifest)
    encoded = {key: base64.b64encode(str(text).encode()).decode() for key, text in texts.items()}
    kept = {key: value for key, value in manifest.items() if key != "stringData"}
    return {**kept, "data": {**data, **encoded}}


def metadata_of(manifest: Mapping[str, Any]) -> Mapping[str, Any]:
    """The metadata, empty when there is none or it is not known yet."""
    metadata = manifest.get("metadata")
    return metadata if isinstance(metadata, Mapping) else {}


def annotation(manifest: Mapping[str, Any], name: str) -> str | None:
    """The value of an annotation; None when it is missing or not known yet."""
    annotations = metadata_of(manifest).get("annotations")
    value = annotations.get(name) if isinstance(annotations, Mapping) else None
    return value if isinstance(value, str) else None


def has_name(manifest: Mapping[str, Any]) -> bool:
    """Whether the program gave a name, even one that is not known yet."""
    return bool(metadata_of(manifest).get("name"))


def named(manifest: Mapping[str, Any], name: str) -> Properties:
    """The manifest with a generated name, and the annotation that says so."""
    metadata = dict(metadata_of(manifest))
    annotations = metadata.get("annotations")
    known = dict(annotations) if isinstance(annotations, Mapping) else {}
    return {**manifest, "metadata": {**metadata, "name": name, "annotations": {**known, AUTONAMED: "true"}}}


def in_namespace(manifest: Mapping[str, Any], namespace: str) -> Properties:
    """The manifest in a namespace, or in none when it is empty."""
    metadata = {key: value for key, value in metadata_of(manifest).items() if key != "namespace"}
    return {**manifest, "metadata": {**metadata, **({"namespace": namespace} if namespace else {})}}


def identifier_of(manifest: Mapping[str, Any]) -> str:
    """`namespace/name`, or `name` for an object without namespace."""
    metadata = metadata_of(manifest)
    namespace, name = metadata.get("namespace"), metadata["name"]
    return f"{namespace}/{name}" if namespace else str(name)


def namespace_and_name(identifier: str) -> tuple[str, str]:
    """The two parts of an identifier; the namespace may be empty."""
    namespace, _, name = identifier.rpartition("/")
    return namespace, name


def field_manager(olds: Mapping[str, Any], manifest: Mapping[str, Any], urn: str) -> str:
    """The field manager: as the program asks, as in the state, or a name generated from the URN."""
    asked = annotation(manifest, "pulumi.com/patchFieldManager")
    kept = olds.get(FIELD_MANAGER)
    return asked or kept or f"pulumi-kubernetes-{hashlib.sha256(urn.encode()).hexdigest()[:8]}"


def live_inputs(live: Any, inputs: Any) -> Any:
    """The inputs as the API server has them now: its values, but only for what the program sets.

    Quantities are kept in the program's spelling when they mean the same (`1000m` and `1`).
    """
    if isinstance(live, Mapping) and isinstance(inputs, Mapping):
        return {key: live_inputs(live[key], inputs[key]) for key in inputs if key in live}
    if isinstance(live, list) and isinstance(inputs, list):
        pairs = zip(live, inputs, strict=False)
        return [live_inputs(found, asked) for found, asked in pairs] + copy.deepcopy(live[len(inputs) :])
    return inputs if live == inputs or _same_quantity(live, inputs) else live


def live_secret_inputs(live: Mapping[str, Any], inputs: Mapping[str, Any]) -> Properties:
    """As `live_inputs` for a `Secret`, whose `stringData` comes back encoded in `data`."""
    found: Properties = live_inputs(live, inputs)
    texts = inputs.get("stringData")
    if isinstance(texts, Mapping):
        data = live.get("data") or {}
        found["stringData"] = {key: _decoded(data[key]) for key in texts if key in data}
    return found


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text).decode()
    except (binascii.Error, UnicodeDecodeError):
        return text


def _same_quantity(left: Any, right: Any) -> bool:
    first, second = _quantity(left), _quantity(right)
    return first is not None and first == second


def _quantity(value: Any) -> Decimal | None:
    match = _QUANTITY.fullmatch(str(value)) if isinstance(value, str | int) and value is not True else None
    if match is None:
        return None
    unit = match[2] or ""
    factor = Decimal(2) ** _BINARY_UNITS[unit] if unit in _BINARY_UNITS else Decimal(10) ** _UNITS[unit]
    return Decimal(match[1]) * factor


def _renamed(value: Any, rename: Callable[[str], str]) -> Any:
    if isinstance(value, Unknown | Secret):
        return value if isinstance(value, Unknown) else Secret(_renamed(value.value, rename))
    if isinstance(value, Mapping):
        return {rename(key): _renamed(item, rename) for key, item in value.items()}
    return [_renamed(item, rename) for item in value] if isinstance(value, list) else value


def _respelled(key: str, prefix: str, spelling: str) -> str:
    """`x_kubernetes_int_or_string`, as Pulumi's SDKs write it, and `x-kubernetes-int-or-string`."""
    if not key.startswith(prefix):
        return key
    return key.replace("_", "-") if spelling.endswith("-") else key.replace("-", "_")
