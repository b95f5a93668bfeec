package main

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/utils/clock"

	"eks-cilium/lab/nodeplayer/cilium"
	"eks-cilium/lab/nodeplayer/cloud"
	"eks-cilium/lab/nodeplayer/cluster"
	"eks-cilium/lab/nodeplayer/clustermesh"
	"eks-cilium/lab/nodeplayer/exec"
	"eks-cilium/lab/nodeplayer/kubelet"
	"eks-cilium/lab/nodeplayer/loadbalancer"
	"eks-cilium/lab/nodeplayer/loop"
	"eks-cilium/lab/nodeplayer/network"
	"eks-cilium/lab/nodeplayer/settings"
	"eks-cilium/lab/nodeplayer/volumes"
	"eks-cilium/lab/nodeplayer/vpccni"
)

// player holds everything that is emulated, and the loops that do it.
type player struct {
	view      *cluster.View
	resources *cilium.Resources
	cilium    *cilium.Cilium
	vpccni    *vpccni.Agents
	kubelet   *kubelet.Kubelet
	volumes   *volumes.Volumes
	beyond    beyond

	nodes, leases, pods, agents, endpoints, operators *loop.Loop
}

// beyond holds the parts that reach out of the cluster; without a cloud there are no load balancers.
type beyond struct {
	hasCloud  bool
	balancers *loadbalancer.Balancers
	mesh      *clustermesh.Mesh
	kubelets  *exec.Kubelets
}

// play runs the player until the context ends.
func play(ctx context.Context, chosen *options, log *slog.Logger) error {
	created, err := newPlayer(chosen, log)
	if err != nil {
		return err
	}
	created.wire()
	if err := created.view.Start(ctx); err != nil {
		return err
	}
	if err := created.resources.Start(ctx); err != nil {
		return err
	}
	if err := created.volumes.Start(ctx); err != nil {
		return err
	}
	if err := created.beyond.start(ctx); err != nil {
		return err
	}
	log.Info("emulating", "nodes", len(created.view.Nodes()))
	created.run(ctx)
	return nil
}

// clients returns one for Kubernetes' own kinds, in their compact form, and one for custom resources.
func clients(kubeconfig string) (kubernetes.Interface, dynamic.Interface, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, nil, err
	}
	config.QPS = -1 // the API server is the lab's own; a client that throttles itself looks like a lost pod
	config.UserAgent = "nodeplayer"
	custom, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, nil, err
	}
	compact := rest.CopyConfig(config)
	compact.ContentType = runtime.ContentTypeProtobuf
	compact.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	own, err := kubernetes.NewForConfig(compact)
	return own, custom, err
}

func newPlayer(chosen *options, log *slog.Logger) (*player, error) {
	client, custom, err := clients(chosen.kubeconfig)
	if err != nil {
		return nil, err
	}
	server, err := client.Discovery().ServerVersion()
	if err != nil {
		return nil, err
	}
	config, now := chosen.settings, clock.RealClock{}
	view, err := cluster.NewView(client, config.Resync.Duration(), log)
	if err != nil {
		return nil, err
	}
	resources, err := cilium.NewResources(custom, config.Resync.Duration(), log)
	if err != nil {
		return nil, err
	}
	pods := network.New(view, interfaces(chosen, view), now)
	created := &player{view: view, resources: resources, vpccni: &vpccni.Agents{View: view, Network: pods}}
	created.cilium = cilium.New(view, custom, pods, resources, cilium.NewReleases(chosen.crds), now)
	created.volumes, err = volumes.New(view, config, now, log)
	if err != nil {
		return nil, err
	}
	created.kubelet = kubelet.New(view, pods, created.volumes, created.gates(), config, now, server.GitVersion)
	created.prepare(config, log)
	created.reachOut(chosen, server.GitVersion, log)
	return created, nil
}

func interfaces(chosen *options, view *cluster.View) cloud.Interfaces {
	if chosen.cloud != "" {
		return cloud.NewClient(chosen.cloud, chosen.cluster)
	}
	return &cloud.Invented{InUse: func() map[string]bool { return network.InUse(view) }}
}

// gates are the conditions that the CNIs' pods wait for beyond running.
func (p *player) gates() map[cluster.Role]kubelet.Gate {
	return map[cluster.Role]kubelet.Gate{
		cluster.AWSNode:        p.vpccni.Gate,
		cluster.CiliumAgent:    p.cilium.AgentGate,
		cluster.CiliumOperator: p.cilium.OperatorGate,
	}
}

// prepare creates the loops. All operators are one key: they share the definitions.
func (p *player) prepare(config *settings.Settings, log *slog.Logger) {
	p.nodes = loop.New("nodes", config.Workers, log, p.kubelet.ReconcileNode)
	p.leases = loop.New("leases", config.Workers, log, p.kubelet.ReconcileLease)
	p.pods = loop.New("pods", config.Workers, log, p.kubelet.ReconcilePod)
	p.agents = loop.New("agents", config.Workers, log, p.reconcileAgents)
	p.endpoints = loop.New("endpoints", config.Workers, log, p.cilium.ReconcileEndpoint)
	p.operators = loop.New("operators", 1, log, p.cilium.ReconcileOperators)
}

// reconcileAgents emulates the agents of both CNIs on one node.
func (p *player) reconcileAgents(ctx context.Context, name string) (time.Duration, error) {
	node, ok := p.view.Node(name)
	if !ok || p.view.IsBehind(node) {
		return 0, nil
	}
	if err := p.vpccni.Reconcile(ctx, node); err != nil {
		return 0, err
	}
	return 0, p.cilium.ReconcileNode(ctx, node)
}

func (p *player) run(ctx context.Context) {
	var loops sync.WaitGroup
	own := []*loop.Loop{p.nodes, p.leases, p.pods, p.agents, p.endpoints, p.operators}
	for _, one := range slices.Concat(own, p.volumes.Loops(), p.beyond.loops()) {
		loops.Go(func() { one.Run(ctx) })
	}
	if p.beyond.kubelets != nil {
		loops.Go(func() { p.beyond.serve(ctx, p.view.Log) })
	}
	loops.Wait()
}
