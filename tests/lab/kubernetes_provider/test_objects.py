"""Objects on a real API server: created, changed, replaced, refreshed and deleted as a program asks."""

import pytest

from lab.providers.errors import InitializationFailedError, RefusedError, UnavailableError
from lab.providers.kubernetes.connection.api import ApiError
from lab.providers.kubernetes.objects.api_object import ApiObject
from lab.providers.values import UNKNOWN, Secret

from .program import Clock, Program, changed, manifest, over_the_wire, replaced

pytestmark = pytest.mark.control_plane

CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
DEPLOYMENT = "kubernetes:apps/v1:Deployment"
NAMESPACE = "kubernetes:core/v1:Namespace"
SECRET = "kubernetes:core/v1:Secret"
SERVICE = "kubernetes:core/v1:Service"


def config_map(namespace, name="settings", **rest):
    return manifest("v1", "ConfigMap", name, namespace, **{"data": {"colour": "red"}, **rest})


def deployment(namespace, annotations=None, **spec):
    template = {
        "metadata": {"labels": {"app": "web"}},
        "spec": {
            "containers": [
                {
                    "name": "web",
                    "image": "web:1",
                    "resources": {"limits": {"cpu": "1000m", "memory": "1024Mi"}},
                }
            ]
        },
    }
    full = {"selector": {"matchLabels": {"app": "web"}}, "template": template, **spec}
    built = manifest("apps/v1", "Deployment", "web", namespace, spec=full)
    built["metadata"]["annotations"] = annotations or {}
    return built


class TestCreation:
    def test_object_is_created_and_second_preview_is_empty(self, program, kubectl, namespace):
        created = program.create(CONFIG_MAP, "settings", config_map(namespace))

        assert created.identifier == f"{namespace}/settings"
        assert created.properties["metadata"]["uid"]
        assert created.properties["__inputs"] == created.inputs
        assert kubectl.get("configmap", "settings", namespace)["data"] == {"colour": "red"}
        assert not program.plan(created, config_map(namespace)).changes

    def test_object_without_a_name_gets_one_and_keeps_it(self, program, kubectl, namespace):
        unnamed = config_map(namespace, name=None)
        created = program.create(CONFIG_MAP, "Settings", unnamed)

        name = created.properties["metadata"]["name"]
        assert name.startswith("settings-")
        assert kubectl.get("configmap", name, namespace) is not None
        assert not program.plan(created, unnamed).changes
        recoloured = program.plan(created, {**unnamed, "data": {"colour": "blue"}})
        assert not recoloured.delete_before_replace, "a name of ours can differ in the replacement"

    def test_object_that_exists_is_refused_and_left_alone(self, program, kubectl, namespace):
        kubectl("create", "configmap", "settings", "-n", namespace, "--from-literal=colour=green")

        with pytest.raises(RefusedError, match=r"already exists.*This stack did not create it"):
            program.create(CONFIG_MAP, "settings", config_map(namespace))
        assert kubectl.get("configmap", "settings", namespace)["data"] == {"colour": "green"}

    def test_preview_asks_the_api_server_and_changes_nothing(self, program, kubectl, namespace):
        foreseen = program.foresee(
            SERVICE, "web", manifest("v1", "Service", "web", namespace, spec={"ports": [{"port": 80}]})
        )

        assert foreseen["spec"]["sessionAffinity"] == "None", "a default that only the API server fills in"
        assert "status" not in foreseen
        assert kubectl.get("service", "web", namespace) is None

    def test_field_that_the_api_server_does_not_know_is_refused_by_name(self, program, namespace):
        with pytest.raises(ApiError, match="replicaz"):
            program.foresee(DEPLOYMENT, "web", deployment(namespace, replicaz=2))

    def test_preview_shows_inputs_while_they_hold_unknowns(self, program, namespace):
        foreseen = program.foresee(CONFIG_MAP, "settings", config_map(namespace, data={"address": UNKNOWN}))

        assert foreseen["data"] == {"address": UNKNOWN}
        assert "__inputs" not in foreseen

    def test_object_waits_for_a_namespace_that_appears_beside_it(self, program, kubectl):
        clock = Clock(during=lambda: kubectl("create", "namespace", "late"))

        created = program.create(CONFIG_MAP, "settings", config_map("late"), clock)

        assert created.identifier == "late/settings"
        assert "attempt 1" in program.lines[0]

    def test_namespace_of_the_provider_is_the_default(self, configured, namespace):
        program = Program(configured(namespace=namespace))

        assert program.create(CONFIG_MAP, "settings", config_map(None)).identifier == f"{namespace}/settings"
        assert (
            "namespace"
            not in program.checked(NAMESPACE, "other", manifest("v1", "Namespace", "other", None))["metadata"]
        )


class TestChange:
    def test_change_is_applied_and_a_dropped_field_is_removed(self, program, kubectl, namespace):
        labelled = config_map(namespace)
        labelled["metadata"]["labels"] = {"team": "a", "tier": "b"}
        created = program.create(CONFIG_MAP, "settings", labelled)
        relabelled = config_map(namespace)
        relabelled["metadata"]["labels"] = {"team": "c"}

        assert changed(program.plan(created, relabelled)) == {"metadata.labels.team", "metadata.labels.tier"}
        updated = program.update(created, relabelled)

        assert kubectl.get("configmap", "settings", namespace)["metadata"]["labels"] == {"team": "c"}
        assert not program.plan(updated, relabelled).changes

    def test_fields_of_others_stay_but_for_those_that_kubectl_added(self, program, kubectl, namespace):
        created = program.create(CONFIG_MAP, "settings", config_map(namespace))
        label = ("label", "configmap", "settings", "-n", namespace)
        kubectl(*label, "by=controller", "--field-manager=controller")
        kubectl(*label, "of=kubectl")
        labelled = config_map(namespace)
        labelled["metadata"]["labels"] = {"team": "a"}

        program.update(created, labelled)

        assert kubectl.get("configmap", "settings", namespace)["metadata"]["labels"] == {
            "team": "a",
            "by": "controller",
        }

    def test_field_that_another_owner_has_changed_is_not_fought_over(self, program, kubectl, namespace):
        created = program.create(
            DEPLOYMENT, "web", deployment(namespace, {"pulumi.com/skipAwait": "true"}, replicas=1)
        )
        kubectl("scale", "deployment", "web", "-n", namespace, "--replicas=5")
        wanted = deployment(namespace, {"pulumi.com/skipAwait": "true"}, replicas=2)

        with pytest.raises(ApiError, match=r"conflict.*spec.replicas[\s\S]*patchForce"):
            program.update(created, wanted)
        forced = deployment(
            namespace, {"pulumi.com/skipAwait": "true", "pulumi.com/patchForce": "true"}, replicas=2
        )
        program.update(created, forced)
        assert kubectl.get("deployment", "web", namespace)["spec"]["replicas"] == 2

    @pytest.mark.parametrize(
        ("token", "before", "after", "paths"),
        [
            (CONFIG_MAP, config_map("x"), config_map("x", name="other"), {"metadata.name"}),
            (CONFIG_MAP, config_map("x"), config_map("y"), {"metadata.namespace"}),
            (CONFIG_MAP, config_map("x"), config_map("x", data={"colour": "blue"}), {"data.colour"}),
            (
                DEPLOYMENT,
                deployment("x"),
                deployment("x", selector={"matchLabels": {"app": "other"}}),
                {"spec.selector.matchLabels.app"},
            ),
            (
                SECRET,
                manifest("v1", "Secret", "s", "x", type="Opaque"),
                manifest("v1", "Secret", "s", "x", type="kubernetes.io/tls"),
                {"type"},
            ),
        ],
    )
    def test_what_kubernetes_does_not_let_change_is_replaced(self, program, token, before, after, paths):
        old = program.checked(token, "one", before)
        new = program.checked(token, "one", after)
        identifier = "x/" + old["metadata"]["name"]

        difference = program.instance.resource(token).diff(
            program.operation(token, "one"), identifier, old, old, new
        )

        assert replaced(difference) == paths
        moved = paths <= {"metadata.name", "metadata.namespace"}
        assert difference.delete_before_replace is not moved, "the same name cannot exist twice"

    def test_config_maps_change_in_place_where_the_provider_says_so(self, configured, namespace):
        program = Program(configured(enableConfigMapMutable="true"))
        created = program.create(CONFIG_MAP, "settings", config_map(namespace))

        assert not replaced(program.plan(created, config_map(namespace, data={"colour": "blue"})))


class TestWaiting:
    def test_deployment_is_awaited_until_its_replicas_are_available(self, program, kubectl, namespace):
        def kubelet():
            for pod in kubectl("get", "pods", "-n", namespace, "-o", "name").split():
                ready = {"conditions": [{"type": "Ready", "status": "True"}], "phase": "Running"}
                kubectl.set_status("pod", pod.removeprefix("pod/"), namespace, ready)

        created = program.create(DEPLOYMENT, "web", deployment(namespace), Clock(during=kubelet))

        assert created.properties["status"]["availableReplicas"] == 1
        assert program.lines[0].startswith("0 of 1 replicas ready")

    def test_deployment_that_never_gets_ready_is_saved_with_the_reason(self, program, namespace):
        limited = deployment(namespace, {"pulumi.com/timeoutSeconds": "3"})

        with pytest.raises(InitializationFailedError, match="not ready in time: 0 of 1 replicas") as failure:
            program.create(DEPLOYMENT, "web", limited, Clock())
        assert failure.value.identifier == f"{namespace}/web"
        assert failure.value.properties["metadata"]["uid"]

    def test_waiting_can_be_skipped(self, program, namespace):
        program.create(DEPLOYMENT, "web", deployment(namespace, {"pulumi.com/skipAwait": "true"}), Clock())

        assert not program.lines

    def test_service_waits_for_a_ready_pod(self, program, namespace):
        spec = {"selector": {"app": "web"}, "ports": [{"port": 80}]}
        limited = manifest("v1", "Service", "web", namespace, spec=spec)
        limited["metadata"]["annotations"] = {"pulumi.com/timeoutSeconds": "2"}

        with pytest.raises(InitializationFailedError, match="waiting for a ready pod"):
            program.create(SERVICE, "web", limited, Clock())

    def test_custom_resource_follows_its_definition(self, program, kubectl):
        definition = {
            "group": "lab.test",
            "scope": "Cluster",
            "names": {"kind": "Widget", "plural": "widgets"},
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {
                        "openAPIV3Schema": {
                            "type": "object",
                            "properties": {
                                "spec": {"type": "object", "x_kubernetes_preserve_unknown_fields": True}
                            },
                        }
                    },
                }
            ],
        }
        widget = manifest("lab.test/v1", "Widget", "one", None, spec={"size": 3})
        token = "kubernetes:lab.test/v1:Widget"
        assert program.foresee(token, "one", widget)["spec"] == {"size": 3}, "foreseen before the kind exists"

        crd = manifest(
            "apiextensions.k8s.io/v1", "CustomResourceDefinition", "widgets.lab.test", None, spec=definition
        )
        created = program.create(
            "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition", "widgets", crd
        )
        assert not program.plan(created, crd).changes
        custom = program.create(token, "one", widget)

        assert custom.identifier == "one"
        assert kubectl.get("widget", "one")["spec"] == {"size": 3}
        assert not program.plan(custom, widget).changes
        program.delete(created)
        assert program.refresh(custom) is None

    @pytest.mark.parametrize("name", ["pulumi.com/waitFor", "pulumi.com/replaceUnready"])
    def test_annotations_of_the_official_provider_that_do_nothing_here_are_refused(self, program, name):
        asked = config_map("x")
        asked["metadata"]["annotations"] = {name: "true"}

        assert (
            program.check(CONFIG_MAP, "settings", asked).failures[0].property
            == f'metadata.annotations["{name}"]'
        )


class TestSecrets:
    def test_data_is_marked_secret_in_inputs_and_outputs(self, program, namespace):
        inputs = manifest("v1", "Secret", "login", namespace, stringData={"password": "hunter2"})
        operation = program.operation(SECRET, "login")
        checked = program.instance.resource(SECRET).check(operation, inputs, None, b"")
        created = program.instance.resource(SECRET).create(
            operation, over_the_wire(checked.inputs), preview=False
        )

        assert isinstance(checked.inputs["data"], Secret)
        assert isinstance(created.properties["data"], Secret)
        assert isinstance(created.properties["__inputs"], Secret)
        assert "hunter2" not in repr(created)

    def test_refresh_sees_no_drift_in_string_data(self, program, kubectl, namespace):
        inputs = manifest("v1", "Secret", "login", namespace, stringData={"password": "hunter2"})
        created = program.create(SECRET, "login", inputs)

        assert not program.plan(program.refresh(created), inputs).changes
        kubectl("patch", "secret", "login", "-n", namespace, "-p", '{"stringData": {"password": "other"}}')
        assert replaced(program.plan(program.refresh(created), inputs)) == {"data.password"}


class TestRefreshAndImport:
    def test_refresh_finds_drift_in_what_the_program_sets_and_nothing_else(self, program, kubectl, namespace):
        skipping = {"pulumi.com/skipAwait": "true"}
        created = program.create(DEPLOYMENT, "web", deployment(namespace, skipping, replicas=1))
        assert not program.plan(program.refresh(created), deployment(namespace, skipping, replicas=1)).changes

        kubectl("scale", "deployment", "web", "-n", namespace, "--replicas=5")
        kubectl("label", "deployment", "web", "-n", namespace, "by=somebody")

        drifted = program.plan(program.refresh(created), deployment(namespace, skipping, replicas=1))
        assert changed(drifted) == {"spec.replicas"}

    def test_refresh_forgets_a_deleted_object(self, program, kubectl, namespace):
        created = program.create(CONFIG_MAP, "settings", config_map(namespace))
        kubectl("delete", "configmap", "settings", "-n", namespace)

        assert program.refresh(created) is None

    def test_import_takes_an_object_as_it_is(self, program, kubectl, namespace):
        kubectl("create", "configmap", "settings", "-n", namespace, "--from-literal=colour=red")

        taken = program.imported(CONFIG_MAP, "settings", f"{namespace}/settings")

        assert not program.plan(taken, config_map(namespace)).changes
        assert program.imported(CONFIG_MAP, "settings", f"{namespace}/nothing") is None


class TestDeletion:
    def test_deletion_waits_for_finalizers(self, program, kubectl, namespace):
        held = config_map(namespace)
        held["metadata"]["finalizers"] = ["lab.test/hold"]
        created = program.create(CONFIG_MAP, "settings", held)

        def let_go():
            patch = '{"metadata": {"finalizers": null}}'
            kubectl("patch", "configmap", "settings", "-n", namespace, "--type=merge", "-p", patch)

        program.delete(created, Clock(during=let_go))

        assert "held by lab.test/hold" in program.lines[0]
        assert kubectl.get("configmap", "settings", namespace) is None

    def test_deletion_that_does_not_end_is_an_error_that_names_the_holder(self, program, kubectl, namespace):
        held = config_map(namespace)
        held["metadata"]["finalizers"] = ["lab.test/hold"]
        created = program.create(CONFIG_MAP, "settings", held)

        with pytest.raises(UnavailableError, match=r"held by lab\.test/hold"):
            program.delete(created, Clock())
        kubectl(
            "patch",
            "configmap",
            "settings",
            "-n",
            namespace,
            "--type=merge",
            "-p",
            '{"metadata": {"finalizers": null}}',
        )

    def test_deleting_a_deleted_object_is_no_error(self, program, kubectl, namespace):
        created = program.create(CONFIG_MAP, "settings", config_map(namespace))
        kubectl("delete", "configmap", "settings", "-n", namespace)

        program.delete(created)


class TestWithoutCluster:
    def test_preview_works_from_the_inputs(self, configured, no_cluster):
        program = Program(configured(kubeconfig=no_cluster))

        assert program.foresee(CONFIG_MAP, "settings", config_map("x"))["data"] == {"colour": "red"}

    def test_refresh_says_what_can_be_done(self, configured, no_cluster, program, namespace):
        created = program.create(CONFIG_MAP, "settings", config_map(namespace))

        with pytest.raises(UnavailableError, match="PULUMI_K8S_DELETE_UNREACHABLE"):
            Program(configured(kubeconfig=no_cluster)).refresh(created)
        forgetting = Program(configured(kubeconfig=no_cluster, deleteUnreachable="true"))
        assert forgetting.refresh(created) is None
        forgetting.delete(created)
        assert "deleteUnreachable" in forgetting.warnings[0]


@pytest.mark.parametrize(
    ("token", "word"),
    [
        ("kubernetes:core/v1:NamespacePatch", "patch"),
        ("kubernetes:core/v1:NamespaceList", "list"),
        ("kubernetes:helm.sh/v4:Chart", "not offered"),
        ("kubernetes:yaml/v2:ConfigFile", "not offered"),
    ],
)
def test_types_that_the_lab_does_not_have_are_refused_by_name(program, token, word):
    with pytest.raises(RefusedError, match=f"{token}.*{word}"):
        program.instance.resource(token)


def test_invokes_are_refused_by_name(program):
    with pytest.raises(RefusedError, match="kubernetes:helm:template"):
        program.instance.invoke("kubernetes:helm:template", {})


def test_objects_are_of_whatever_kind_the_token_says(program):
    assert isinstance(program.instance.resource("kubernetes:cilium.io/v2:CiliumNetworkPolicy"), ApiObject)
