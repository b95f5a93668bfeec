// Package cluster holds caches of the API server's objects, from which every decision is created. Changes in
// them only say what to reconcile; the caches also repeat all objects periodically, so that a missed change
// is handled later.
package cluster

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
)

// The indexes of the cache of pods.
const (
	byNode = "node"
	byRole = "role"
)

// View answers questions about the cluster's current state.
type View struct {
	Client kubernetes.Interface
	Log    *slog.Logger

	factory, boundPods informers.SharedInformerFactory
	nodes              cache.SharedIndexInformer
	pods               cache.SharedIndexInformer
	configMaps         cache.SharedIndexInformer
	secrets            cache.SharedIndexInformer
	namespaces         corelisters.NamespaceLister
	events             seenEvents
	writes             writes
}

// NewView prepares the caches; Start fills them.
func NewView(client kubernetes.Interface, resync time.Duration, log *slog.Logger) (*View, error) {
	bound := informers.WithTweakListOptions(func(options *metav1.ListOptions) { options.FieldSelector = "spec.nodeName!=" })
	slim := informers.WithTransform(withoutManagedFields)
	view := &View{
		Client:    client,
		Log:       log,
		writes:    writes{last: map[types.UID]uint64{}},
		factory:   informers.NewSharedInformerFactoryWithOptions(client, resync, slim),
		boundPods: informers.NewSharedInformerFactoryWithOptions(client, resync, slim, bound),
	}
	view.nodes = view.factory.Core().V1().Nodes().Informer()
	view.configMaps = view.factory.Core().V1().ConfigMaps().Informer()
	view.secrets = view.factory.Core().V1().Secrets().Informer()
	view.namespaces = view.factory.Core().V1().Namespaces().Lister()
	view.pods = view.boundPods.Core().V1().Pods().Informer()
	return view, view.pods.AddIndexers(cache.Indexers{byNode: nodeOf, byRole: roleOf})
}

// withoutManagedFields keeps the caches small; the server keeps an object's managed fields when an
// update comes without them.
func withoutManagedFields(object any) (any, error) {
	if accessor, ok := object.(metav1.ObjectMetaAccessor); ok {
		accessor.GetObjectMeta().SetManagedFields(nil)
	}
	return object, nil
}

func nodeOf(object any) ([]string, error) {
	pod, ok := object.(*v1.Pod)
	if !ok || pod.Spec.NodeName == "" {
		return nil, nil
	}
	return []string{pod.Spec.NodeName}, nil
}

func roleOf(object any) ([]string, error) {
	pod, ok := object.(*v1.Pod)
	if !ok {
		return nil, nil
	}
	return []string{RoleOf(pod).String()}, nil
}

// Start fills the caches and returns when they are full.
func (v *View) Start(ctx context.Context) error {
	for _, factory := range []informers.SharedInformerFactory{v.factory, v.boundPods} {
		factory.Start(ctx.Done())
	}
	for _, factory := range []informers.SharedInformerFactory{v.factory, v.boundPods} {
		for kind, filled := range factory.WaitForCacheSync(ctx.Done()) {
			if !filled {
				return fmt.Errorf("the cache of %v was not filled: %w", kind, context.Cause(ctx))
			}
		}
	}
	return nil
}

// Node returns an emulated node on which something works: its instance runs, and it does not hang.
func (v *View) Node(name string) (*v1.Node, bool) {
	object, exists, err := v.nodes.GetStore().GetByKey(name)
	if err != nil || !exists {
		return nil, false
	}
	node := object.(*v1.Node)
	return node, strings.HasPrefix(node.Spec.ProviderID, ProviderPrefix) && works(node)
}

func works(node *v1.Node) bool {
	return node.Annotations[PoweredOff] != "true" && node.Annotations[Dead] != "true"
}

// Nodes returns all emulated nodes.
func (v *View) Nodes() []*v1.Node {
	var nodes []*v1.Node
	for _, name := range v.nodes.GetStore().ListKeys() {
		if node, ok := v.Node(name); ok {
			nodes = append(nodes, node)
		}
	}
	return nodes
}

// NodeCount returns the approximate number of emulated nodes.
func (v *View) NodeCount() int { return len(v.nodes.GetStore().ListKeys()) }

// Pod returns a pod bound to some node, by namespace/name.
func (v *View) Pod(key string) (*v1.Pod, bool) {
	object, exists, err := v.pods.GetStore().GetByKey(key)
	if err != nil || !exists {
		return nil, false
	}
	return object.(*v1.Pod), true
}

// Pods returns all pods of a role that are bound to a node.
func (v *View) Pods(role Role) []*v1.Pod { return v.podsBy(byRole, role.String()) }

// PodsOn returns the pods bound to a node.
func (v *View) PodsOn(node string) []*v1.Pod { return v.podsBy(byNode, node) }

// PodsIn returns the bound pods of a namespace.
func (v *View) PodsIn(namespace string) []*v1.Pod { return v.podsBy(cache.NamespaceIndex, namespace) }

func (v *View) podsBy(index, value string) []*v1.Pod {
	objects, err := v.pods.GetIndexer().ByIndex(index, value)
	if err != nil {
		panic(err) // all indexes are created with the cache
	}
	pods := make([]*v1.Pod, 0, len(objects))
	for _, object := range objects {
		pods = append(pods, object.(*v1.Pod))
	}
	return pods
}

// Agent returns the running pod of a CNI's agent on a node, or nil.
func (v *View) Agent(node string, role Role) *v1.Pod {
	for _, pod := range v.PodsOn(node) {
		if RoleOf(pod) == role && IsRunning(pod) {
			return pod
		}
	}
	return nil
}

// ConfigMap returns a ConfigMap, if it exists.
func (v *View) ConfigMap(namespace, name string) (*v1.ConfigMap, bool) {
	object, exists, err := v.configMaps.GetStore().GetByKey(namespace + "/" + name)
	if err != nil || !exists {
		return nil, false
	}
	return object.(*v1.ConfigMap), true
}

// Secret returns a Secret, if it exists.
func (v *View) Secret(namespace, name string) (*v1.Secret, bool) {
	object, exists, err := v.secrets.GetStore().GetByKey(namespace + "/" + name)
	if err != nil || !exists {
		return nil, false
	}
	return object.(*v1.Secret), true
}

// NamespaceLabels returns the labels of a namespace.
func (v *View) NamespaceLabels(name string) map[string]string {
	namespace, err := v.namespaces.Get(name)
	if err != nil {
		return nil
	}
	return namespace.Labels
}

// OnNode calls back with a node whenever it may have changed; before is nil for a new one.
func (v *View) OnNode(changed func(before, after *v1.Node)) { on(v.nodes, changed) }

// OnPod calls back with a bound pod whenever it may have changed, also when it was deleted.
func (v *View) OnPod(changed func(before, after *v1.Pod)) { on(v.pods, changed) }

// OnConfigMap calls back with a ConfigMap whenever it may have changed.
func (v *View) OnConfigMap(changed func(before, after *v1.ConfigMap)) { on(v.configMaps, changed) }

// OnSecret calls back with a Secret whenever it may have changed.
func (v *View) OnSecret(changed func(before, after *v1.Secret)) { on(v.secrets, changed) }

// on reports a deletion as a change of the object into itself: the reconciler then finds that it does not
// exist.
func on[T any](informer cache.SharedIndexInformer, changed func(before, after *T)) {
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { changed(nil, object.(*T)) },
		UpdateFunc: func(before, after any) { changed(before.(*T), after.(*T)) },
		DeleteFunc: func(object any) {
			if tombstone, ok := object.(cache.DeletedFinalStateUnknown); ok {
				object = tombstone.Obj
			}
			if last, ok := object.(*T); ok {
				changed(last, last)
			}
		},
	})
	if err != nil {
		panic(err) // only a stopped informer refuses a handler
	}
}
