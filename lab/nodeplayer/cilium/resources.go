package cilium

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/tools/cache"
)

var (
	// DefinitionResource is the resource of the definitions themselves.
	DefinitionResource = schema.GroupVersionResource{
		Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions",
	}
	// NodeResource, EndpointResource and IdentityResource are written by agents.
	NodeResource     = schema.GroupVersionResource{Group: "cilium.io", Version: "v2", Resource: "ciliumnodes"}
	EndpointResource = schema.GroupVersionResource{Group: "cilium.io", Version: "v2", Resource: "ciliumendpoints"}
	IdentityResource = schema.GroupVersionResource{Group: "cilium.io", Version: "v2", Resource: "ciliumidentities"}
)

// agentResources are those that an agent requires.
var agentResources = []schema.GroupVersionResource{NodeResource, EndpointResource, IdentityResource}

// Resources caches Cilium's custom resources. They can be watched only once the operator has registered their
// definitions, so that these are watched first.
type Resources struct {
	client      dynamic.Interface
	log         *slog.Logger
	resync      time.Duration
	definitions cache.SharedIndexInformer

	// OnChange is called with the resource and key of an object that may have changed; with an empty key when
	// a resource becomes known.
	OnChange func(resource, key string)

	// stopped is closed when the player ends; the caches live until then, whichever call started them.
	stopped <-chan struct{}
	mutex   sync.Mutex
	own     map[string]cache.SharedIndexInformer
}

// NewResources prepares the caches.
func NewResources(client dynamic.Interface, resync time.Duration, log *slog.Logger) (*Resources, error) {
	resources := &Resources{client: client, log: log, resync: resync, own: map[string]cache.SharedIndexInformer{}}
	resources.definitions = resources.informer(DefinitionResource)
	return resources, resources.definitions.SetTransform(withoutSchema)
}

// withoutSchema drops the schema of a definition, which is large and not used.
func withoutSchema(object any) (any, error) {
	if definition, ok := object.(*unstructured.Unstructured); ok {
		unstructured.RemoveNestedField(definition.Object, "spec", "versions")
		definition.SetManagedFields(nil)
	}
	return object, nil
}

func (r *Resources) informer(resource schema.GroupVersionResource) cache.SharedIndexInformer {
	indexers := cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc}
	return dynamicinformer.NewFilteredDynamicInformer(r.client, resource, metav1.NamespaceAll, r.resync, indexers, nil).Informer()
}

// Start fills the cache of definitions and returns when it is full. From then on each resource is cached as
// soon as its definition is established.
func (r *Resources) Start(ctx context.Context) error {
	if err := r.listen(DefinitionResource, r.definitions); err != nil {
		return err
	}
	r.stopped = ctx.Done()
	go r.definitions.Run(r.stopped)
	if !cache.WaitForCacheSync(ctx.Done(), r.definitions.HasSynced) {
		return fmt.Errorf("the cache of definitions was not filled: %w", context.Cause(ctx))
	}
	return r.Follow()
}

// Follow starts the caches of definitions that have been established since the last call.
func (r *Resources) Follow() error {
	for _, resource := range agentResources {
		if !r.Established(resource.Resource+"."+resource.Group) || r.cached(resource) != nil {
			continue
		}
		informer := r.informer(resource)
		if err := r.listen(resource, informer); err != nil {
			return err
		}
		r.mutex.Lock()
		r.own[resource.Resource] = informer
		r.mutex.Unlock()
		r.log.Info("watching", "resource", resource.Resource)
		go informer.Run(r.stopped)
		go func() {
			if cache.WaitForCacheSync(r.stopped, informer.HasSynced) {
				r.OnChange(resource.Resource, "")
			}
		}()
	}
	return nil
}

func (r *Resources) listen(resource schema.GroupVersionResource, informer cache.SharedIndexInformer) error {
	changed := func(object any) {
		if key, err := cache.DeletionHandlingMetaNamespaceKeyFunc(object); err == nil {
			r.OnChange(resource.Resource, key)
		}
	}
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: changed, DeleteFunc: changed, UpdateFunc: func(_, after any) { changed(after) },
	})
	return err
}

func (r *Resources) cached(resource schema.GroupVersionResource) cache.SharedIndexInformer {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return r.own[resource.Resource]
}

// AreKnown tells whether all resources that an agent needs are defined and cached.
func (r *Resources) AreKnown() bool {
	for _, resource := range agentResources {
		informer := r.cached(resource)
		if informer == nil || !informer.HasSynced() || !r.Established(resource.Resource+"."+resource.Group) {
			return false
		}
	}
	return true
}

// Get returns a custom resource by its key, or nil.
func (r *Resources) Get(resource schema.GroupVersionResource, key string) *unstructured.Unstructured {
	informer := r.cached(resource)
	if informer == nil {
		return nil
	}
	return lookUp(informer, key)
}

// All returns the objects of a resource.
func (r *Resources) All(resource schema.GroupVersionResource) []*unstructured.Unstructured {
	informer := r.cached(resource)
	if informer == nil {
		return nil
	}
	listed := informer.GetStore().List()
	found := make([]*unstructured.Unstructured, 0, len(listed))
	for _, object := range listed {
		found = append(found, object.(*unstructured.Unstructured))
	}
	return found
}

// Count returns the number of objects of a resource.
func (r *Resources) Count(resource schema.GroupVersionResource) int {
	informer := r.cached(resource)
	if informer == nil {
		return 0
	}
	return len(informer.GetStore().ListKeys())
}

// Definition returns a custom resource definition without its schema, or nil.
func (r *Resources) Definition(name string) *unstructured.Unstructured {
	return lookUp(r.definitions, name)
}

func lookUp(informer cache.SharedIndexInformer, key string) *unstructured.Unstructured {
	object, exists, err := informer.GetStore().GetByKey(key)
	if err != nil || !exists {
		return nil
	}
	return object.(*unstructured.Unstructured)
}

// Established tells whether the API server serves a definition.
func (r *Resources) Established(name string) bool {
	definition := r.Definition(name)
	if definition == nil || definition.GetDeletionTimestamp() != nil {
		return false
	}
	conditions, _, err := unstructured.NestedSlice(definition.Object, "status", "conditions")
	return err == nil && slices.ContainsFunc(conditions, func(one any) bool {
		condition, ok := one.(map[string]any)
		return ok && condition["type"] == "Established" && condition["status"] == "True"
	})
}
