"""A plan as text: a table for terminals, Markdown for reviews, JSON, and lines for previews."""

from eks_cilium.migration.report.document import document
from eks_cilium.migration.report.lines import lines_of_node
from eks_cilium.migration.report.markdown import markdown
from eks_cilium.migration.report.table import table

__all__ = ["document", "lines_of_node", "markdown", "table"]
