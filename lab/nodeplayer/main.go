// Nodeplayer emulates the kubelets, the AWS VPC CNI and Cilium on every node of a real Kubernetes cluster
// whose provider id says that it is an EC2 instance. The lab starts one beside each control plane. It models
// control flow, not packets.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"eks-cilium/lab/nodeplayer/settings"
)

type options struct {
	kubeconfig, cloud, cluster, crds, egress string
	settings                                 *settings.Settings
}

func main() {
	log := slog.New(slog.NewJSONHandler(os.Stdout, nil))
	chosen, err := parse(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "nodeplayer:", err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if os.Getenv("EKS_CILIUM_LIFELINE") == "stdin" {
		go hold(os.Stdin, stop)
	}
	if err := play(ctx, chosen, log); err != nil && ctx.Err() == nil {
		log.Error("stopped", "error", err.Error())
		os.Exit(1)
	}
}

// hold stops the player when the other end of a pipe is closed, which happens however its owner dies.
func hold(lifeline io.Reader, stop func()) {
	_, _ = io.Copy(io.Discard, lifeline)
	stop()
}

func parse(arguments []string) (*options, error) {
	chosen := &options{}
	flags := flag.NewFlagSet("nodeplayer", flag.ContinueOnError)
	flags.StringVar(&chosen.kubeconfig, "kubeconfig", "", "`path` of a kubeconfig with all rights (required)")
	flags.StringVar(&chosen.cloud, "cloud", "", "`URL` of the cloud; without one, addresses are invented from 10.255.0.0/16")
	flags.StringVar(&chosen.cluster, "cluster", "", "`name` by which the cloud knows the cluster")
	flags.StringVar(&chosen.crds, "crds", "", "`directory` with one subdirectory of definitions per Cilium version")
	flags.StringVar(&chosen.egress, "egress", "", "`path` of the socket through which the API server reaches kubelets; without one, there is no exec")
	file := flags.String("settings", "", "JSON `file` with delays and failures")
	if err := flags.Parse(arguments); err != nil {
		return nil, err
	}
	switch {
	case flags.NArg() > 0:
		return nil, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case chosen.kubeconfig == "":
		return nil, errors.New("--kubeconfig is required")
	case chosen.cloud != "" && chosen.cluster == "":
		return nil, errors.New("--cloud needs --cluster")
	}
	var err error
	chosen.settings, err = settings.Load(*file)
	return chosen, err
}
