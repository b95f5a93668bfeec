package clustermesh

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/version"

	"eks-cilium/lab/nodeplayer/cluster"
	"eks-cilium/lab/nodeplayer/exec"
)

// agentContainer is the container of the agent and its command line.
const agentContainer = "cilium-agent"

// renamed is the first version whose command line has the new name; both names work from then on.
var renamed = version.MustParseSemantic("1.15.0")

// Program answers `cilium-dbg status` (and `cilium status`) in the containers of agents.
func (m *Mesh) Program(kubernetesVersion string) exec.Program {
	return func(ctx context.Context, call exec.Call) (exec.Answer, bool) {
		if cluster.RoleOf(call.Pod) != cluster.CiliumAgent || call.Container != agentContainer || len(call.Command) < 2 {
			return exec.Answer{}, false
		}
		name, mine := path.Base(call.Command[0]), versionOf(call.Pod)
		if name != "cilium" && (name != "cilium-dbg" || mine != nil && mine.LessThan(renamed)) || call.Command[1] != "status" {
			return exec.Answer{}, false
		}
		form, err := formOf(call.Command[2:])
		if err != nil {
			return exec.Answer{Stderr: "Error: " + err.Error() + "\n", Code: 1}, true
		}
		return m.status(ctx, call.Pod, mine, kubernetesVersion).as(form), true
	}
}

func versionOf(pod *v1.Pod) *version.Version {
	for index := range pod.Spec.Containers {
		if pod.Spec.Containers[index].Name != agentContainer {
			continue
		}
		image, _, _ := strings.Cut(pod.Spec.Containers[index].Image, "@")
		parsed, err := version.ParseSemantic(image[strings.LastIndex(image, ":")+1:])
		if err == nil {
			return parsed
		}
	}
	return nil
}

// form is the output format of a status.
type form int

const (
	plain form = iota
	brief
	asJSON
)

// formOf reads the flags of the command; flags that only add details which are not emulated have no effect.
func formOf(flags []string) (form, error) {
	chosen := plain
	for index := 0; index < len(flags); index++ {
		flag, value, isJoined := strings.Cut(flags[index], "=")
		switch flag {
		case "-o", "--output":
			if !isJoined && index+1 < len(flags) {
				index++
				value = flags[index]
			}
			if value != "json" {
				return 0, fmt.Errorf("the output %q is not emulated; use json", value)
			}
			chosen = asJSON
		case "-ojson":
			chosen = asJSON
		case "--brief":
			if chosen != asJSON {
				chosen = brief
			}
		case "--verbose", "--all-addresses", "--all-clusters", "--all-controllers", "--all-health", "--all-nodes",
			"--all-redirects", "--require-k8s-connectivity", "--timeout":
		default:
			return 0, fmt.Errorf("unknown flag: %s", flag)
		}
	}
	return chosen, nil
}

// status is what an agent reports about itself, as far as it is emulated.
type status struct {
	Cilium     state        `json:"cilium"`
	Cluster    self         `json:"cluster"`
	Mesh       meshStatus   `json:"cluster-mesh"`
	Chaining   mode         `json:"cni-chaining"`
	IPAM       ipam         `json:"ipam"`
	Kubernetes state        `json:"kubernetes"`
	KVStore    state        `json:"kvstore"`
	Stale      struct{}     `json:"stale"`
	Controls   []controller `json:"controllers"`
}

type (
	controller struct{}
	self       struct {
		Self string `json:"self"`
	}
	mode struct {
		Mode string `json:"mode"`
	}
	ipam struct {
		Status string   `json:"status"`
		IPv4   []string `json:"ipv4"`
	}
	state struct {
		State string `json:"state"`
		Msg   string `json:"msg,omitempty"`
	}
	meshStatus struct {
		Clusters []remoteStatus `json:"clusters"`
		Services int            `json:"num-global-services"`
	}
	remoteStatus struct {
		Name       string  `json:"name"`
		Connected  bool    `json:"connected"`
		Ready      bool    `json:"ready"`
		Status     string  `json:"status"`
		Nodes      int     `json:"num-nodes"`
		Endpoints  int     `json:"num-endpoints"`
		Identities int     `json:"num-identities"`
		Config     *config `json:"config,omitempty"`
	}
	config struct {
		Required    bool  `json:"required"`
		Retrieved   bool  `json:"retrieved"`
		ClusterID   int64 `json:"cluster-id"`
		KVStoreMesh bool  `json:"kvstoremesh"`
	}
)

func (m *Mesh) status(ctx context.Context, agent *v1.Pod, mine *version.Version, kubernetesVersion string) status {
	name, _ := m.identity(agent.Namespace)
	said := status{
		Cilium:     state{State: "Ok"},
		Cluster:    self{Self: name + "/" + agent.Spec.NodeName},
		Chaining:   mode{Mode: "none"},
		Kubernetes: state{State: "Ok", Msg: kubernetesVersion},
		KVStore:    state{State: "Disabled"},
		Mesh:       meshStatus{Clusters: []remoteStatus{}},
		IPAM:       ipam{IPv4: m.addresses(agent.Spec.NodeName)},
		Controls:   []controller{},
	}
	if mine != nil {
		said.Cilium.Msg = mine.String()
	}
	if !cluster.IsReady(agent) {
		said.Cilium = state{State: "Failure", Msg: "the agent is not ready"}
	}
	if known, ok := m.view.ConfigMap(agent.Namespace, cluster.CiliumConfig); ok && known.Data["cni-chaining-mode"] != "" {
		said.Chaining.Mode = known.Data["cni-chaining-mode"]
	}
	said.IPAM.Status = fmt.Sprintf("%d allocated", len(said.IPAM.IPv4))
	for _, remote := range m.Remotes(ctx, agent) {
		said.Mesh.Clusters = append(said.Mesh.Clusters, describe(remote))
	}
	return said
}

// addresses returns those of the pods on a node that have their own.
func (m *Mesh) addresses(node string) []string {
	found := []string{}
	for _, pod := range m.view.PodsOn(node) {
		if !pod.Spec.HostNetwork && pod.Status.PodIP != "" && !cluster.IsFinished(pod) {
			found = append(found, pod.Status.PodIP)
		}
	}
	slices.Sort(found)
	return found
}

func describe(remote Remote) remoteStatus {
	said := remoteStatus{Name: remote.Name, Connected: remote.Connected, Ready: remote.Ready, Status: remote.Status}
	if remote.Connected && remote.ID != 0 {
		said.Config = &config{Required: true, Retrieved: true, ClusterID: remote.ID, KVStoreMesh: remote.ThroughKVStoreMesh}
	}
	if remote.Ready {
		said.Nodes, said.Endpoints, said.Identities = remote.Counts.Nodes, remote.Counts.Endpoints, remote.Counts.Identities
		said.Status = fmt.Sprintf("ready, %d nodes, %d endpoints, %d identities, 0 services",
			said.Nodes, said.Endpoints, said.Identities)
	}
	return said
}

// as returns a status in an output format.
func (s status) as(chosen form) exec.Answer {
	switch chosen {
	case asJSON:
		text, err := json.MarshalIndent(s, "", "  ")
		if err != nil {
			return exec.Answer{Stderr: err.Error() + "\n", Code: 1}
		}
		return exec.Answer{Stdout: string(text) + "\n"}
	case brief:
		if s.Cilium.State != "Ok" {
			return exec.Answer{Stdout: "error: " + s.Cilium.Msg + "\n", Code: 1}
		}
		return exec.Answer{Stdout: "OK\n"}
	}
	ready := 0
	lines := []string{}
	for _, remote := range s.Mesh.Clusters {
		if remote.Ready {
			ready++
		}
		lines = append(lines, fmt.Sprintf("   %s: %s", remote.Name, remote.Status))
	}
	head := []string{
		"KVStore:        " + s.KVStore.State,
		"Kubernetes:     " + s.Kubernetes.State + "   " + s.Kubernetes.Msg,
		"Cilium:         " + s.Cilium.State + "   " + s.Cilium.Msg,
		"CNI Chaining:   " + s.Chaining.Mode,
		"IPAM:           IPv4: " + s.IPAM.Status,
	}
	if len(s.Mesh.Clusters) > 0 {
		head = append(head, fmt.Sprintf("ClusterMesh:    %d/%d remote clusters ready, 0 global-services", ready, len(s.Mesh.Clusters)))
	}
	return exec.Answer{Stdout: strings.Join(append(head, lines...), "\n") + "\n"}
}
