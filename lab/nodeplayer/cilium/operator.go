package cilium

import (
	"context"
	"errors"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/version"

	"eks-cilium/lab/nodeplayer/cluster"
)

// operatorName is the operator's name as a field manager and a source of events.
const operatorName = "cilium-operator"

// registeredBy on a definition is the version of the operator that registered it.
const registeredBy = "lab.eks-cilium.io/cilium-version"

// ReconcileOperators lets every running operator register its definitions. As with real operators the newer
// version wins: an older one keeps what it finds.
func (c *Cilium) ReconcileOperators(ctx context.Context, _ string) (time.Duration, error) {
	var failures []error
	for _, pod := range c.view.Pods(cluster.CiliumOperator) {
		if cluster.IsRunning(pod) {
			failures = append(failures, c.register(ctx, pod))
		}
	}
	failures = append(failures, c.resources.Follow())
	return 0, errors.Join(failures...)
}

func (c *Cilium) register(ctx context.Context, pod *v1.Pod) error {
	mine, definitions, err := c.definitionsOf(pod)
	if err != nil {
		c.view.Warn(ctx, operatorName, pod, "Failed", err.Error())
		return nil // only another directory or image can help, not another attempt
	}
	for _, definition := range definitions {
		if err := c.registerOne(ctx, mine, definition); err != nil {
			return err
		}
	}
	return nil
}

func (c *Cilium) definitionsOf(pod *v1.Pod) (*version.Version, []*unstructured.Unstructured, error) {
	mine, err := versionOf(pod)
	if err != nil {
		return nil, nil, err
	}
	definitions, err := c.releases.Definitions(mine)
	return mine, definitions, err
}

func (c *Cilium) registerOne(ctx context.Context, mine *version.Version, definition *unstructured.Unstructured) error {
	if present := c.resources.Definition(definition.GetName()); present != nil {
		theirs, err := version.ParseSemantic(present.GetAnnotations()[registeredBy])
		if err == nil && !theirs.LessThan(mine) {
			return nil
		}
	}
	applied := definition.DeepCopy()
	annotations := applied.GetAnnotations()
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[registeredBy] = mine.String()
	applied.SetAnnotations(annotations)
	c.view.Log.Info("definition registered", "definition", definition.GetName(), "version", mine.String())
	_, err := c.resources.client.Resource(DefinitionResource).Apply(ctx, definition.GetName(), applied,
		metav1.ApplyOptions{FieldManager: operatorName, Force: true})
	return err
}

// OperatorGate keeps an operator unready until all its definitions are established.
func (c *Cilium) OperatorGate(pod *v1.Pod, _ *v1.Node) string {
	if parsed, err := configIn(c.view, pod.Namespace); parsed == nil || err != nil {
		return "not configured"
	}
	_, definitions, err := c.definitionsOf(pod)
	if err != nil {
		return err.Error()
	}
	for _, definition := range definitions {
		if !c.resources.Established(definition.GetName()) {
			return definition.GetName() + " is not established"
		}
	}
	return ""
}

// hasOperator tells whether an operator of this Cilium is ready to serve agents.
func (c *Cilium) hasOperator(namespace string) bool {
	for _, pod := range c.view.Pods(cluster.CiliumOperator) {
		if pod.Namespace == namespace && cluster.IsReady(pod) && pod.DeletionTimestamp == nil {
			return true
		}
	}
	return false
}
