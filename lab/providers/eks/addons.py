"""The managed add-ons that the component registers by default, and the conditions for each."""

import json
from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_aws as aws

OVERWRITE = "OVERWRITE"
# typed option of vpcCniOptions -> environment variable of aws-node; `None`: not written unless given
CNI_ENVIRONMENT: tuple[tuple[str, str, str | None], ...] = (
    ("nodePortSupport", "AWS_VPC_CNI_NODE_PORT_SUPPORT", None),
    ("warmEniTarget", "WARM_ENI_TARGET", "1"),
    ("warmIpTarget", "WARM_IP_TARGET", None),
    ("warmPrefixTarget", "WARM_PREFIX_TARGET", None),
    ("enablePrefixDelegation", "ENABLE_PREFIX_DELEGATION", None),
    ("logLevel", "AWS_VPC_K8S_CNI_LOGLEVEL", "DEBUG"),
    ("logFile", "AWS_VPC_K8S_CNI_LOG_FILE", "/host/var/log/aws-routed-eni/ipamd.log"),
    ("vethPrefix", "AWS_VPC_K8S_CNI_VETHPREFIX", "eni"),
    ("eniMtu", "AWS_VPC_ENI_MTU", "9001"),
    ("eniConfigLabelDef", "ENI_CONFIG_LABEL_DEF", None),
    ("pluginLogLevel", "AWS_VPC_K8S_PLUGIN_LOG_LEVEL", "DEBUG"),
    ("pluginLogFile", "AWS_VPC_K8S_PLUGIN_LOG_FILE", "/var/log/aws-routed-eni/plugin.log"),
    ("enablePodEni", "ENABLE_POD_ENI", "false"),
    ("cniConfigureRpfilter", "AWS_VPC_K8S_CNI_CONFIGURE_RPFILTER", None),
    ("cniCustomNetworkCfg", "AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG", "false"),
    ("cniExternalSnat", "AWS_VPC_K8S_CNI_EXTERNALSNAT", None),
    ("externalSnat", "AWS_VPC_K8S_CNI_EXTERNALSNAT", "false"),
)


def addon(
    name: str,
    addon_name: str,
    options: Mapping[str, Any],
    *,
    cluster: aws.eks.Cluster,
    tags: pulumi.Input[Mapping[str, str]] | None,
    opts: pulumi.ResourceOptions,
) -> aws.eks.Addon:
    """kube-proxy or CoreDNS, with the options of the program only."""
    values = options.get("configurationValues")
    return aws.eks.Addon(
        name,
        cluster_name=cluster.name,
        addon_name=addon_name,
        preserve=True,
        tags=tags,
        addon_version=options.get("version") or newest(addon_name, cluster.version, opts),
        resolve_conflicts_on_create=options.get("resolveConflictsOnCreate") or OVERWRITE,
        resolve_conflicts_on_update=options.get("resolveConflictsOnUpdate") or OVERWRITE,
        configuration_values=None if values is None else pulumi.Output.from_input(values).apply(sorted_json),
        opts=opts,
    )


def newest(
    addon_name: str, kubernetes_version: pulumi.Input[str], opts: pulumi.ResourceOptions
) -> pulumi.Output[str]:
    """The newest version for a Kubernetes version; read again on every run."""
    answer = aws.eks.get_addon_version_output(
        addon_name=addon_name,
        kubernetes_version=kubernetes_version,
        most_recent=True,
        opts=pulumi.InvokeOutputOptions(parent=opts.parent),
    )
    return answer.version


def sorted_json(values: Any) -> str:
    # Sorted, so that the order of a dictionary is no difference.
    return json.dumps(whole(values), sort_keys=True, separators=(",", ":"))


def whole(value: Any) -> Any:
    # On the wire every number is a double; `3.0` would be a change from the program's `3`.
    match value:
        case float() if value.is_integer():
            return int(value)
        case Mapping():
            return {key: whole(item) for key, item in value.items()}
        case list():
            return [whole(item) for item in value]
        case _:
            return value


def wants_kube_proxy(arguments: Mapping[str, Any]) -> bool:
    return (arguments.get("kubeProxyAddonOptions") or {}).get("enabled") is not False


def wants_coredns(arguments: Mapping[str, Any]) -> bool:
    # Without default nodes it is registered only if explicitly enabled.
    options = arguments.get("corednsAddonOptions") or {}
    return options.get("enabled") is True or bool(options.get("configurationValues"))


def wants_vpc_cni(arguments: Mapping[str, Any]) -> bool:
    # `useDefaultVpcCni` means that no add-on is registered.
    return not arguments.get("useDefaultVpcCni")


class VpcCniAddon(pulumi.ComponentResource):
    """The managed vpc-cni add-on; a separate component, as in the real package."""

    def __init__(
        self,
        name: str,
        options: Mapping[str, Any],
        cluster: aws.eks.Cluster,
        tags: pulumi.Input[Mapping[str, str]] | None,
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("eks:index:VpcCniAddon", name, {}, opts)
        mine = pulumi.ResourceOptions(parent=self)
        self.addon = aws.eks.Addon(
            name,
            cluster_name=cluster.name,
            addon_name="vpc-cni",
            addon_version=options.get("addonVersion") or newest("vpc-cni", cluster.version, mine),
            preserve=True,
            tags=tags,
            resolve_conflicts_on_create=options.get("resolveConflictsOnCreate") or OVERWRITE,
            resolve_conflicts_on_update=options.get("resolveConflictsOnUpdate") or OVERWRITE,
            service_account_role_arn=options.get("serviceAccountRoleArn"),
            configuration_values=pulumi.Output.from_input(dict(options)).apply(cni_values).apply(sorted_json),
            opts=mine,
        )
        self.register_outputs({"addon": self.addon})


def cni_values(options: Mapping[str, Any]) -> dict[str, Any]:
    """The add-on's configuration: defaults of the component, typed options, then the program's values."""
    own = dict(options.get("configurationValues") or {})
    init = dict(own.get("init") or {})
    if "enableNetworkPolicy" not in own and options.get("enableNetworkPolicy") is not None:
        own["enableNetworkPolicy"] = text(options["enableNetworkPolicy"])
    early_demux = text(options.get("disableTcpEarlyDemux") or False)
    own["env"] = cni_environment(options) | dict(own.get("env") or {})
    own["init"] = init | {"env": {"DISABLE_TCP_EARLY_DEMUX": early_demux} | dict(init.get("env") or {})}
    return own


def cni_environment(options: Mapping[str, Any]) -> dict[str, str]:
    """The environment of aws-node: defaults of the component, then typed options."""
    environment: dict[str, str] = {}
    for option, variable, default in CNI_ENVIRONMENT:
        value = options.get(option)
        if value:
            environment[variable] = text(value)
        elif default is not None:
            environment.setdefault(variable, default)
    return environment


def text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(whole(value))
