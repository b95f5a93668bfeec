"""A namespace, what lives in it, and a release; the environment decides the names and the chart."""

import os

import pulumi
import pulumi_kubernetes as kubernetes

provider = kubernetes.Provider(
    "cluster", kubeconfig=os.environ["SUBJECT_KUBECONFIG"], cluster_identifier="one"
)
options = pulumi.ResourceOptions(provider=provider)
password = pulumi.Output.secret("hunter22")
namespace = kubernetes.core.v1.Namespace(
    "apps", metadata={"name": os.environ["SUBJECT_NAMESPACE"]}, opts=options
)
inside = {"namespace": namespace.metadata.name}
settings = kubernetes.core.v1.ConfigMap(
    "settings", metadata=inside, data={"colour": "red", "password": password}, opts=options
)
kubernetes.core.v1.Secret("login", metadata=inside, string_data={"password": password}, opts=options)
release = kubernetes.helm.v3.Release(
    "tiny",
    chart=os.environ["SUBJECT_CHART"],
    name="tiny",
    namespace=namespace.metadata.name,
    values={"colour": password, "workload": True},
    skip_await=True,
    opts=options,
)
pulumi.export("status", release.status.status)
pulumi.export("version", release.status.version)
pulumi.export("names", release.resource_names)
pulumi.export("data", settings.data)

if "SUBJECT_DERIVED" in os.environ:
    # Known only once the release is there, as the kubeconfig of a cluster that the program makes.
    late = release.status.revision.apply(lambda _: os.environ["SUBJECT_KUBECONFIG"])
    derived = kubernetes.Provider("derived", kubeconfig=late, cluster_identifier="one")
    kubernetes.core.v1.ConfigMap(
        "derived", metadata=inside, data={"known": "late"}, opts=pulumi.ResourceOptions(provider=derived)
    )
