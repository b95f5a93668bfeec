"""The changes of an UpdateNodegroupConfig call: checked at once, applied when they are due."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lab.cloud.eks.nodegroups import validation

if TYPE_CHECKING:
    from lab.cloud.eks.protocol import Call
    from lab.cloud.eks.records.model import Nodegroup


class Changes:
    """The settings of a group after an update; `node_labels` holds the changes for its existing nodes."""

    def __init__(self, group: Nodegroup) -> None:
        self.scaling = dict(group.scaling)
        self.labels = dict(group.labels)
        self.taints = list(group.taints)
        self.update_config = group.update_config
        self.repair_config = group.repair_config
        self.node_labels: dict[str, str | None] = {}
        self.parameters: list[tuple[str, str]] = []

    @classmethod
    def of(cls, call: Call, group: Nodegroup) -> Changes:
        """Parse and check the changes in a call."""
        changes = cls(group)
        changes._read_scaling(call.get("scalingConfig") or {})
        changes._read_labels(call.get("labels") or {})
        changes._read_taints(call.get("taints") or {})
        if call.get("updateConfig"):
            changes.update_config = validation.update_config(call["updateConfig"])
            changes.parameters += [
                (name[0].upper() + name[1:], str(value)) for name, value in changes.update_config.items()
            ]
        if call.get("nodeRepairConfig"):
            changes.repair_config = validation.repair_config(call["nodeRepairConfig"])
            changes.parameters.append(("NodeRepairEnabled", str(changes.repair_config.get("enabled", False))))
        return changes

    def _read_scaling(self, wanted: dict[str, int]) -> None:
        self.scaling = validation.scaling(wanted, self.scaling)
        self.parameters += [(name[0].upper() + name[1:], str(value)) for name, value in wanted.items()]

    def _read_labels(self, wanted: dict[str, Any]) -> None:
        added = wanted.get("addOrUpdateLabels", {})
        validation.check_labels(added)
        self.labels |= added
        self.node_labels |= added
        for key in wanted.get("removeLabels", []):
            self.labels.pop(key, None)
            self.node_labels[key] = None
        if added:
            self.parameters.append(("LabelsToAdd", str(added)))
        if wanted.get("removeLabels"):
            self.parameters.append(("LabelsToRemove", str(wanted["removeLabels"])))

    def _read_taints(self, wanted: dict[str, list[dict[str, str]]]) -> None:
        added, removed = wanted.get("addOrUpdateTaints", []), wanted.get("removeTaints", [])
        replaced = {(taint["key"], taint["effect"]) for taint in [*added, *removed]}
        self.taints = [t for t in self.taints if (t["key"], t["effect"]) not in replaced] + added
        validation.check_taints(self.taints)
        if added:
            self.parameters.append(("TaintsToAdd", str(added)))
        if removed:
            self.parameters.append(("TaintsToRemove", str(removed)))
