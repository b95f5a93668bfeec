"""A small program from preview to destroy, on each engine, and the two engines against each other."""

import shutil

import pytest

from .engines import built_in, built_in_with_plugin, official

needs_pulumi = pytest.mark.skipif(not shutil.which("pulumi"), reason="the Pulumi CLI is not on PATH")
needs_plugin = pytest.mark.skipif(
    not shutil.which("pulumi-resource-kubernetes"), reason="pulumi-resource-kubernetes is not on PATH"
)
pytestmark = pytest.mark.control_plane
URN = "urn:pulumi:dev::subject::"
MADE = {
    f"{URN}pulumi:pulumi:Stack::subject-dev",
    f"{URN}pulumi:providers:kubernetes::cluster",
    f"{URN}kubernetes:core/v1:Namespace::apps",
    f"{URN}kubernetes:core/v1:ConfigMap::settings",
    f"{URN}kubernetes:core/v1:Secret::login",
    f"{URN}kubernetes:helm.sh/v3:Release::tiny",
}


@pytest.fixture
def subject(control_plane, toolchain, chart, request):
    """The environment variables that the program reads."""
    return {
        "SUBJECT_KUBECONFIG": str(control_plane.admin_kubeconfig),
        "SUBJECT_NAMESPACE": request.node.callspec.id.lower()
        if hasattr(request.node, "callspec")
        else "both",
        "SUBJECT_CHART": chart.make("1.0.0"),
        "EKS_CILIUM_HELM": str(toolchain.helm()),
    }


@pytest.fixture(
    params=[
        pytest.param(built_in, id="built-in"),
        pytest.param(official, id="official", marks=[needs_pulumi, pytest.mark.real_engine]),
        pytest.param(built_in_with_plugin, id="plugin", marks=[needs_plugin, pytest.mark.endurance]),
    ]
)
def engine(request, tmp_path, subject):
    with request.param(tmp_path / "engine", **subject) as engine:
        yield engine


def test_program_lives_from_preview_to_destroy(engine, chart, kubectl, subject):
    namespace = subject["SUBJECT_NAMESPACE"]
    assert engine.planned() == {("create", urn) for urn in MADE}
    engine.up()
    engine.run("preview", "--expect-no-changes")
    assert "hunter22" in engine.run("stack", "output", "--json", "--show-secrets")
    assert kubectl.get("configmap", "tiny-config", namespace)["data"]["colour"] == "hunter22"

    chart.make("2.0.0")
    assert engine.planned() == {("update", f"{URN}kubernetes:helm.sh/v3:Release::tiny")}
    shown = engine.run("preview", "--diff")
    engine.up()
    assert "hunter22" not in shown + engine.run("stack", "export"), "a secret on the screen or in the state"
    assert engine.json("stack", "output", "--json")["version"] == "2.0.0"

    engine.run("refresh", "--yes", "--skip-preview")
    engine.run("preview", "--expect-no-changes")
    engine.run("destroy", "--yes", "--skip-preview")
    assert kubectl.get("namespace", namespace) is None


def test_kubeconfig_that_is_not_known_yet_previews_and_never_replaces(engine, chart):
    engine.environment["SUBJECT_DERIVED"] = "1"
    derived = {f"{URN}pulumi:providers:kubernetes::derived", f"{URN}kubernetes:core/v1:ConfigMap::derived"}
    assert engine.planned() == {("create", urn) for urn in MADE | derived}
    engine.up()

    chart.make("2.0.0")
    assert engine.planned() == {
        ("update", urn) for urn in {f"{URN}kubernetes:helm.sh/v3:Release::tiny", *derived}
    }
    engine.up()
    engine.run("preview", "--expect-no-changes")
    engine.run("destroy", "--yes", "--skip-preview")


@pytest.mark.real_engine
@needs_pulumi
def test_both_engines_keep_the_same_state(tmp_path, subject):
    kept = []
    for name, engine_of in (("built-in", built_in), ("official", official)):
        with engine_of(tmp_path / name, **subject) as engine:
            engine.up()
            exported = engine.json("stack", "export")["deployment"]["resources"]
            kept.append({resource["urn"]: comparable(resource) for resource in exported})
            outputs = engine.json("stack", "output", "--json", "--show-secrets")
            kept[-1]["outputs"] = outputs
            engine.run("destroy", "--yes", "--skip-preview")

    assert kept[0] == kept[1]


def comparable(resource):
    """What is the same in every run, without the engines' own bookkeeping."""
    own = {"provider", "created", "modified", "sourcePosition", "stackTrace"}
    if resource["type"].startswith("pulumi:"):
        own |= {"id", "inputs", "outputs", "propertyDependencies"}
    return without_chance({key: value for key, value in resource.items() if key not in own})


def without_chance(value):
    """Without times, uids, ciphertexts and the last part of automatic names; no empty dependency lists."""
    match value:
        case {"ciphertext": _}:
            return "[secret]"
        case dict():
            chance = {"uid", "creationTimestamp", "resourceVersion", "managedFields"}
            return {
                key: without_chance(item) for key, item in value.items() if key not in chance and item != []
            }
        case list():
            return [without_chance(item) for item in value]
        case str() if (
            "-" in value and value.rsplit("-", 1)[1].isalnum() and len(value.rsplit("-", 1)[1]) == 8
        ):
            return value.rsplit("-", 1)[0]
    return value
