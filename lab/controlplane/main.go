// Command controlplane is a Kubernetes control plane in one file: etcd, kube-apiserver,
// kube-controller-manager, kube-scheduler and kubectl, unmodified, chosen by the name it is called by or
// by its first argument. The lab builds it once and starts it several times per cluster, so one
// build and one copy on disk serve every part (lab/toolchain.py builds it, lab/cluster starts it).
package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"
	_ "time/tzdata" // CronJob time zones, as in the released binaries

	"go.etcd.io/etcd/server/v3/etcdmain"
	_ "k8s.io/client-go/plugin/pkg/client/auth" // exec credentials: `aws eks get-token`
	"k8s.io/component-base/cli"
	"k8s.io/component-base/logs"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	kubectl "k8s.io/kubectl/pkg/cmd"
	"k8s.io/kubectl/pkg/cmd/util"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
)

// lifelineVariable, set to "stdin", says that standard input is a pipe whose other end the owner of this
// process holds: end of file means that the owner is gone, however it went.
const lifelineVariable = "EKS_CILIUM_LIFELINE"

var components = map[string]func(){
	"etcd":                    runEtcd,
	"kube-apiserver":          runAPIServer,
	"kube-controller-manager": runControllerManager,
	"kube-scheduler":          runScheduler,
	"kubectl":                 runKubectl,
}

func main() {
	run, arguments := choose(os.Args)
	if run == nil {
		fmt.Fprintf(os.Stderr, "%s: the first argument must be one of: %s\n", os.Args[0], strings.Join(names(), ", "))
		os.Exit(2)
	}
	os.Args = arguments
	if os.Getenv(lifelineVariable) == "stdin" {
		go exitWithOwner(os.Stdin)
	}
	run()
}

// choose finds the component by the program's own name, else by the first argument, which it then drops.
func choose(arguments []string) (func(), []string) {
	if run, found := components[filepath.Base(arguments[0])]; found {
		return run, arguments
	}
	if len(arguments) < 2 {
		return nil, nil
	}
	return components[arguments[1]], arguments[1:]
}

func names() []string {
	known := make([]string, 0, len(components))
	for name := range components {
		known = append(known, name)
	}
	sort.Strings(known)
	return known
}

// exitWithOwner ends the process when the lifeline breaks. It does not end it gently: without its owner
// no process resumes this cluster, and a lingering API server would hold its port for minutes.
func exitWithOwner(lifeline io.Reader) {
	_, _ = io.Copy(io.Discard, lifeline)
	fmt.Fprintln(os.Stderr, "the process that started this one is gone; exiting")
	os.Exit(1)
}

func runEtcd() { etcdmain.Main(os.Args) }

func runAPIServer() { os.Exit(cli.Run(apiserver.NewAPIServerCommand())) }

func runControllerManager() { os.Exit(cli.Run(controllermanager.NewControllerManagerCommand())) }

func runScheduler() { os.Exit(cli.Run(scheduler.NewSchedulerCommand())) }

func runKubectl() {
	// The verbosity must be known before the command exists, as in Kubernetes's own kubectl.
	_, _ = logs.GlogSetter(kubectl.GetLogVerbosity(os.Args))
	if err := cli.RunNoErrOutput(kubectl.NewDefaultKubectlCommand()); err != nil {
		util.CheckErr(err)
	}
}
