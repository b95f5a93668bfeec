"""The kubeconfig of a provider: a path or the content itself. Errors are the provider's."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from eks_cilium.clients.kubeconfig import Access, Kubeconfig
from eks_cilium.clients.kubeconfig import KubeconfigError as UnusableError
from lab.providers.errors import RefusedError

_LONGEST_PATH = 4096


class KubeconfigError(RefusedError):
    """A kubeconfig that cannot be used; says which part, never what is in it."""


def parse(path_or_text: str) -> Kubeconfig:
    """From a path (with `~`) or the content itself, YAML or JSON."""
    path = _existing_file(path_or_text)
    try:
        found = Kubeconfig.read(path) if path else Kubeconfig.parse(path_or_text, "of the provider")
    except UnusableError as error:
        raise KubeconfigError(f"kubeconfig is neither an existing file nor YAML or JSON: {error}") from error
    if not found.clusters:
        raise KubeconfigError("kubeconfig is neither an existing file nor a document with clusters")
    return found


def access_of(kubeconfig: Kubeconfig, context: str | None = None, cluster: str | None = None) -> Access:
    """A context, or the current one; refused with the missing part's name."""
    with refusing():
        return kubeconfig.access(context, cluster)


@contextmanager
def refusing() -> Iterator[None]:
    """Raise what is wrong with a kubeconfig as the provider's error."""
    try:
        yield
    except UnusableError as error:
        raise KubeconfigError(str(error)) from error


def _existing_file(text: str) -> Path | None:
    if "\n" in text or len(text) > _LONGEST_PATH or text.lstrip().startswith("{"):
        return None
    path = Path(text).expanduser()
    return path if path.is_file() else None
