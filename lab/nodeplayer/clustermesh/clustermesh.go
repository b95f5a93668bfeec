// Package clustermesh emulates ClusterMesh: what the agents of a cluster, and the KVStoreMesh beside its
// clustermesh-apiserver, see of other clusters. Nothing is remembered: whether another cluster is connected
// is determined for each query, from the Secrets that the pods mount, from the cloud's answer about the
// network path, and from what the other cluster's player has told the cloud about its clustermesh-apiserver.
package clustermesh

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	v1 "k8s.io/api/core/v1"

	"eks-cilium/lab/nodeplayer/cluster"
	"eks-cilium/lab/nodeplayer/loop"
	"eks-cilium/lab/nodeplayer/network"
)

// The volumes of the chart that hold the configuration and the certificates.
const (
	agentVolume  = "clustermesh-secrets"
	meshVolume   = "kvstoremesh-secrets"
	serverVolume = "etcd-server-secrets"
)

// apiServer is the label of the pods, and the name of the Service, of a clustermesh-apiserver.
const apiServer = "clustermesh-apiserver"

// every is the interval at which changes of this cluster's clustermesh-apiserver are sent to the cloud.
const every = 500 * time.Millisecond

// repeat is the interval at which it is sent without changes.
const repeat = 20 * time.Second

// Cloud answers what is between clusters.
type Cloud interface {
	Post(ctx context.Context, path string, request, answer any) error
}

// Counts are the numbers of objects that a cluster shows to others.
type Counts struct{ Nodes, Endpoints, Identities int }

// Mesh is ClusterMesh in one cluster.
type Mesh struct {
	// Loop registers this cluster at the cloud.
	Loop *loop.Loop

	view   *cluster.View
	cloud  Cloud
	name   string
	counts func() Counts
	now    func() time.Time
	told   string
	at     time.Time
}

// New returns the mesh of a cluster that the cloud knows by a name.
func New(view *cluster.View, client Cloud, name string, counts func() Counts, log *slog.Logger) *Mesh {
	created := &Mesh{view: view, cloud: client, name: name, counts: counts, now: time.Now}
	created.Loop = loop.New("mesh", 1, log, created.tell)
	return created
}

// Server describes a clustermesh-apiserver to others; none of it is secret.
type Server struct {
	// Cluster is the cloud's name of the cluster.
	Cluster string `json:"cluster"`
	// Name and ID are from Cilium's configuration.
	Name string `json:"name"`
	ID   int64  `json:"id"`
	// Service is the Service in front of it.
	Service string `json:"service"`
	// Ready is the number of its ready pods.
	Ready int `json:"ready"`
	// Certificate is what it shows to clients, Authority is the CA of the clients that it trusts: both PEM.
	Certificate string `json:"certificate"`
	Authority   string `json:"authority"`
	Counts      Counts `json:"counts"`
}

// tell sends the state of this cluster's clustermesh-apiserver to the cloud.
func (m *Mesh) tell(ctx context.Context, _ string) (time.Duration, error) {
	server := m.server()
	text, err := json.Marshal(server)
	if err != nil {
		return 0, err
	}
	if string(text) == m.told && m.now().Sub(m.at) < repeat {
		return every, nil
	}
	if err := m.cloud.Post(ctx, "mesh/servers", server, &struct{}{}); err != nil {
		return 0, err
	}
	m.told, m.at = string(text), m.now()
	return every, nil
}

// server describes the clustermesh-apiserver of this cluster; without certificates when there is none.
func (m *Mesh) server() Server {
	server := Server{Cluster: m.name}
	for _, pod := range m.servers() {
		files := mounted(m.view, pod, serverVolume)
		server.Service = pod.Namespace + "/" + apiServer
		server.Certificate, server.Authority = string(files["tls.crt"]), string(files["ca.crt"])
		server.Name, server.ID = m.identity(pod.Namespace)
		if cluster.IsReady(pod) {
			server.Ready++
		}
	}
	if server.Service != "" {
		server.Counts = m.counts()
	}
	return server
}

// servers returns the pods of the clustermesh-apiserver, sorted by name.
func (m *Mesh) servers() []*v1.Pod {
	var found []*v1.Pod
	for _, pod := range m.view.Pods(cluster.Ordinary) {
		if pod.Labels["k8s-app"] == apiServer && pod.DeletionTimestamp == nil {
			found = append(found, pod)
		}
	}
	slices.SortFunc(found, func(one, other *v1.Pod) int { return strings.Compare(one.Name, other.Name) })
	return found
}

// identity returns Cilium's name and id of this cluster.
func (m *Mesh) identity(namespace string) (string, int64) {
	config, ok := m.view.ConfigMap(namespace, cluster.CiliumConfig)
	if !ok {
		return "", 0
	}
	id, err := strconv.ParseInt(config.Data["cluster-id"], 10, 64)
	if err != nil {
		id = 0
	}
	return config.Data["cluster-name"], id
}

// Remote is another cluster as an agent of this one sees it.
type Remote struct {
	Name      string
	Connected bool
	Ready     bool
	// Status says in words what the other two fields say, and why.
	Status string
	Counts Counts
	ID     int64
	// ThroughKVStoreMesh is set where the agent reads its own cluster's copy.
	ThroughKVStoreMesh bool
}

func (r Remote) failed(status string) Remote {
	r.Status = status
	return r
}

// Remotes returns the current state of the clusters that an agent is configured for.
func (m *Mesh) Remotes(ctx context.Context, agent *v1.Pod) []Remote {
	own, id := m.identity(agent.Namespace)
	files := mounted(m.view, agent, agentVolume)
	var remotes []Remote
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if config := parse(files[name]); config != nil && name != own {
			remotes = append(remotes, m.see(ctx, agent, name, config, files))
		}
	}
	return distinct(remotes, id)
}

// distinct refuses ids that this cluster or another remote one uses.
func distinct(remotes []Remote, own int64) []Remote {
	taken := map[int64]string{own: "this cluster"}
	for index := range remotes {
		remote := &remotes[index]
		if !remote.Ready {
			continue
		}
		if who, ok := taken[remote.ID]; ok {
			remote.Ready = false
			remote.Status = "ClusterID " + strconv.FormatInt(remote.ID, 10) + " is not unique: it is that of " + who + " too"
			continue
		}
		taken[remote.ID] = remote.Name
	}
	return remotes
}

// see determines the state of one remote cluster for an agent: directly, or through the copy in its own
// cluster.
func (m *Mesh) see(ctx context.Context, agent *v1.Pod, name string, config *etcd, files map[string][]byte) Remote {
	remote := Remote{Name: name}
	host, _, err := config.endpoint()
	if err != nil {
		return remote.failed(err.Error())
	}
	if isLocal(host) {
		return m.throughCopy(ctx, agent, remote, config, files, host)
	}
	return m.straight(ctx, agent, remote, config, files)
}

func isLocal(host string) bool {
	return host == apiServer || strings.HasPrefix(host, apiServer+".") && strings.Contains(host, ".svc")
}

// throughCopy determines the state of a remote cluster through this cluster's own clustermesh-apiserver.
func (m *Mesh) throughCopy(ctx context.Context, agent *v1.Pod, remote Remote, config *etcd, files map[string][]byte, host string) Remote {
	remote.ThroughKVStoreMesh = true
	server := m.server()
	if server.Ready == 0 {
		return remote.failed("connection refused by " + host + ": no pod of " + apiServer + " is ready in this cluster")
	}
	if err := config.trusts(files, host, server, m.now()); err != nil {
		return remote.failed(err.Error())
	}
	remote.Connected = true
	for _, pod := range m.servers() {
		if !cluster.IsReady(pod) {
			continue
		}
		copied := mounted(m.view, pod, meshVolume)
		theirs := parse(copied[remote.Name])
		if theirs == nil {
			return remote.failed("KVStoreMesh has no configuration for this cluster (Secret cilium-kvstoremesh)")
		}
		seen := m.straight(ctx, pod, Remote{Name: remote.Name, ThroughKVStoreMesh: true}, theirs, copied)
		seen.Connected = true
		if !seen.Ready {
			seen.Status = "KVStoreMesh: " + seen.Status
		}
		return seen
	}
	return remote.failed("KVStoreMesh is not ready")
}

// question is what the cloud is asked: whether this pod reaches an endpoint, and which server is there.
type question struct {
	Cluster  string `json:"cluster"`
	Instance string `json:"instance"`
	Address  string `json:"address"`
	Host     string `json:"host"`
	Port     int    `json:"port"`
}

type reply struct {
	Reachable bool    `json:"reachable"`
	Reason    string  `json:"reason"`
	Server    *Server `json:"server"`
}

// straight determines the state of a remote cluster for a pod that connects to it directly.
func (m *Mesh) straight(ctx context.Context, from *v1.Pod, remote Remote, config *etcd, files map[string][]byte) Remote {
	host, port, err := config.endpoint()
	if err != nil {
		return remote.failed(err.Error())
	}
	node, ok := m.view.Node(from.Spec.NodeName)
	if !ok {
		return remote.failed("node " + from.Spec.NodeName + " is gone")
	}
	asked := question{
		Cluster: m.name, Instance: network.InstanceOf(node), Address: network.Source(from, node),
		Host: aliased(from, host), Port: port,
	}
	answer := reply{}
	if err := m.cloud.Post(ctx, "mesh/reach", asked, &answer); err != nil {
		return remote.failed("not known: " + err.Error())
	}
	switch {
	case !answer.Reachable:
		return remote.failed(answer.Reason)
	case answer.Server == nil || answer.Server.Ready == 0:
		return remote.failed("connection refused by " + host + ": no pod of " + apiServer + " is ready there")
	}
	if err := config.trusts(files, host, *answer.Server, m.now()); err != nil {
		return remote.failed(err.Error())
	}
	return m.accept(remote, answer.Server)
}

// accept is the last step: whether the server is the expected cluster.
func (m *Mesh) accept(remote Remote, server *Server) Remote {
	remote.Connected, remote.ID, remote.Counts = true, server.ID, server.Counts
	if server.Name != remote.Name {
		return remote.failed("Waiting for cluster configuration: the cluster that answers is called " +
			strconv.Quote(server.Name) + ", not " + strconv.Quote(remote.Name))
	}
	if server.ID == 0 {
		return remote.failed("its cluster id is 0")
	}
	remote.Ready = true
	return remote
}

// aliased returns the address that a pod's spec gives to a host, or the host itself.
func aliased(pod *v1.Pod, host string) string {
	for _, alias := range pod.Spec.HostAliases {
		if slices.Contains(alias.Hostnames, host) {
			return alias.IP
		}
	}
	return host
}

var errNoEndpoint = errors.New("its configuration names no endpoint")
