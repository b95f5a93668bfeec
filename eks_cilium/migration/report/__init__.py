"""A plan put into words: a table for terminals, Markdown for reviews, JSON, and lines for previews."""

from migration.report.document import document
from migration.report.lines import lines_of_node
from migration.report.markdown import markdown
from migration.report.table import table

__all__ = ["document", "lines_of_node", "markdown", "table"]
