package main

import (
	"context"
	"errors"
	"log/slog"

	"eks-cilium/lab/nodeplayer/cilium"
	"eks-cilium/lab/nodeplayer/cloud"
	"eks-cilium/lab/nodeplayer/clustermesh"
	"eks-cilium/lab/nodeplayer/exec"
	"eks-cilium/lab/nodeplayer/loadbalancer"
	"eks-cilium/lab/nodeplayer/loop"
)

// reachOut creates the parts that need a cloud behind the cluster, or an API server that sends commands to
// pods.
func (p *player) reachOut(chosen *options, version string, log *slog.Logger) {
	var client clustermesh.Cloud = nowhere{}
	if chosen.cloud != "" {
		client = cloud.NewClient(chosen.cloud, chosen.cluster)
		p.beyond.balancers = loadbalancer.New(p.view, client, chosen.cluster, chosen.settings.Resync.Duration(), log)
	}
	p.beyond.mesh = clustermesh.New(p.view, client, chosen.cluster, p.counts, log)
	p.beyond.hasCloud = chosen.cloud != ""
	if chosen.egress != "" {
		p.beyond.kubelets = exec.New(p.view, p.beyond.mesh.Program(version), chosen.egress, log)
	}
}

// nowhere is the cloud of a cluster without a cloud.
type nowhere struct{}

func (nowhere) Post(context.Context, string, any, any) error {
	return errors.New("no cloud stands behind this cluster")
}

// counts returns how many objects the other clusters of a mesh see of this one.
func (p *player) counts() clustermesh.Counts {
	return clustermesh.Counts{
		Nodes:      p.resources.Count(cilium.NodeResource),
		Endpoints:  p.resources.Count(cilium.EndpointResource),
		Identities: p.resources.Count(cilium.IdentityResource),
	}
}

func (b *beyond) start(ctx context.Context) error {
	if b.kubelets != nil {
		if err := b.kubelets.Listen(); err != nil {
			return err
		}
	}
	if b.hasCloud {
		b.mesh.Loop.Add("server")
	}
	if b.balancers != nil {
		return b.balancers.Start(ctx)
	}
	return nil
}

func (b *beyond) loops() []*loop.Loop {
	loops := []*loop.Loop{b.mesh.Loop}
	if b.balancers != nil {
		loops = append(loops, b.balancers.Loop)
	}
	return loops
}

func (b *beyond) serve(ctx context.Context, log *slog.Logger) {
	if err := b.kubelets.Run(ctx); err != nil {
		log.Error("commands in pods do not work", "error", err.Error())
	}
}

// reconcile is called when nodes or pods, which load balancers depend on, may have changed.
func (b *beyond) reconcile() {
	if b.balancers != nil {
		b.balancers.ReconcileAll()
	}
}
