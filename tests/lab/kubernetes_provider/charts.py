"""A small test chart in any version: a ConfigMap, and a Deployment on request."""

from dataclasses import dataclass
from pathlib import Path

CONFIG_MAP = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-config
data:
  version: {{ .Chart.Version | quote }}
  colour: {{ .Values.colour | quote }}
{{- if hasKey .Values "mode" }}
  mode: {{ .Values.mode | quote }}
{{- end }}
"""
DEPLOYMENT = """\
{{- if .Values.workload }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}-web
spec:
  selector: {matchLabels: {app: {{ .Release.Name }}}}
  template:
    metadata: {labels: {app: {{ .Release.Name }}}}
    spec: {containers: [{name: web, image: "web:1"}]}
{{- end }}
"""


@dataclass(frozen=True)
class ChartFolder:
    path: Path

    def make(self, version: str) -> str:
        """The directory of the chart in that version; its path is the same for all versions."""
        templates = self.path / "tiny" / "templates"
        templates.mkdir(parents=True, exist_ok=True)
        described = f"apiVersion: v2\nname: tiny\nversion: {version}\nappVersion: app-{version}\n"
        (templates.parent / "Chart.yaml").write_text(described)
        (templates.parent / "values.yaml").write_text("colour: red\nmode: default\nworkload: false\n")
        (templates / "config.yaml").write_text(CONFIG_MAP)
        (templates / "deployment.yaml").write_text(DEPLOYMENT)
        return str(templates.parent)
