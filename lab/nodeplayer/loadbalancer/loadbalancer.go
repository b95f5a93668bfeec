// Package loadbalancer emulates the controllers that give Services of type LoadBalancer a load balancer: the
// one in Kubernetes' cloud controller, and the AWS Load Balancer Controller where that is installed. They
// read different annotations. What each derives from a Service is decided here; the cloud creates it.
package loadbalancer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"

	"eks-cilium/lab/nodeplayer/cloud"
	"eks-cilium/lab/nodeplayer/cluster"
	"eks-cilium/lab/nodeplayer/loop"
)

// Cloud creates and deletes load balancers.
type Cloud interface {
	Post(ctx context.Context, path string, request, answer any) error
}

// Balancers emulates both controllers.
type Balancers struct {
	// Loop is what the wiring starts and adds to.
	Loop *loop.Loop

	view     *cluster.View
	cloud    Cloud
	cluster  string
	factory  informers.SharedInformerFactory
	services cache.SharedIndexInformer
	installs cache.SharedIndexInformer

	mutex sync.Mutex
	// asked holds the last request for each Service that the cloud granted, and its response.
	asked map[types.UID]granted
}

type granted struct{ request, hostname string }

// New prepares the caches and the loop for a cluster known to a cloud.
func New(view *cluster.View, client Cloud, name string, resync time.Duration, log *slog.Logger) *Balancers {
	created := &Balancers{view: view, cloud: client, cluster: name, asked: map[types.UID]granted{}}
	created.factory = informers.NewSharedInformerFactory(view.Client, resync)
	created.services = created.factory.Core().V1().Services().Informer()
	created.installs = created.factory.Apps().V1().Deployments().Informer()
	created.Loop = loop.New("load-balancers", 2, log, created.reconcile)
	return created
}

// Start fills the caches and returns when they are full.
func (b *Balancers) Start(ctx context.Context) error {
	lookAll := cache.ResourceEventHandlerFuncs{
		AddFunc: func(any) { b.ReconcileAll() }, UpdateFunc: func(_, _ any) { b.ReconcileAll() }, DeleteFunc: func(any) { b.ReconcileAll() },
	}
	lookOne := func(object any) {
		if key, err := cache.DeletionHandlingMetaNamespaceKeyFunc(object); err == nil {
			b.Loop.Add(key)
		}
	}
	if _, err := b.services.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: lookOne, UpdateFunc: func(_, after any) { lookOne(after) }, DeleteFunc: lookOne,
	}); err != nil {
		return err
	}
	if _, err := b.installs.AddEventHandler(cache.FilteringResourceEventHandler{FilterFunc: isController, Handler: lookAll}); err != nil {
		return err
	}
	b.factory.Start(ctx.Done())
	for kind, filled := range b.factory.WaitForCacheSync(ctx.Done()) {
		if !filled {
			return fmt.Errorf("the cache of %v was not filled: %w", kind, context.Cause(ctx))
		}
	}
	return nil
}

// ReconcileAll reconciles every Service that has or wants a load balancer.
func (b *Balancers) ReconcileAll() {
	for _, object := range b.services.GetStore().List() {
		if service := object.(*v1.Service); isBalanced(service) || finalizerOf(service) != "" {
			b.Loop.Add(service.Namespace + "/" + service.Name)
		}
	}
}

func isBalanced(service *v1.Service) bool {
	return service.Spec.Type == v1.ServiceTypeLoadBalancer && service.DeletionTimestamp == nil
}

func isController(object any) bool {
	install, ok := object.(*appsv1.Deployment)
	return ok && install.Labels["app.kubernetes.io/name"] == string(external)
}

// hasController tells whether the AWS Load Balancer Controller runs.
func (b *Balancers) hasController() bool {
	for _, object := range b.installs.GetStore().List() {
		if isController(object) && object.(*appsv1.Deployment).Status.AvailableReplicas > 0 {
			return true
		}
	}
	return false
}

// reconcile brings the load balancer of one Service to the state that its controller derives from it.
func (b *Balancers) reconcile(ctx context.Context, key string) (time.Duration, error) {
	object, exists, err := b.services.GetStore().GetByKey(key)
	if err != nil || !exists {
		return 0, err
	}
	service := object.(*v1.Service)
	if !isBalanced(service) {
		return 0, b.remove(ctx, service)
	}
	owner := ownerOf(service, b.hasController())
	if owner == noController || (owner == external && !b.hasController()) {
		return 0, nil
	}
	if finalizerOf(service) == "" {
		return 0, b.setFinalizers(ctx, service, append(slices.Clone(service.Finalizers), owner.finalizer()))
	}
	hostname, err := b.ensure(ctx, service, owner)
	if err != nil {
		return 0, err
	}
	return 0, b.publish(ctx, service, hostname)
}

// ensure calls the cloud, unless it granted exactly this before.
func (b *Balancers) ensure(ctx context.Context, service *v1.Service, owner controller) (string, error) {
	wanted := b.request(service, owner)
	text, err := json.Marshal(wanted)
	if err != nil {
		return "", err
	}
	b.mutex.Lock()
	known := b.asked[service.UID]
	b.mutex.Unlock()
	if known.request == string(text) {
		return known.hostname, nil
	}
	answer := struct{ Hostname string }{}
	if err := b.cloud.Post(ctx, "load-balancers", wanted, &answer); err != nil {
		if errors.Is(err, cloud.ErrRefused) {
			message := "Error syncing load balancer: failed to ensure load balancer: " + err.Error()
			b.tell(ctx, service, owner, v1.EventTypeWarning, "SyncLoadBalancerFailed", message)
		}
		return "", err
	}
	b.mutex.Lock()
	b.asked[service.UID] = granted{request: string(text), hostname: answer.Hostname}
	b.mutex.Unlock()
	if known.hostname == "" {
		b.tell(ctx, service, owner, v1.EventTypeNormal, "EnsuredLoadBalancer", "Ensured load balancer")
	}
	return answer.Hostname, nil
}

func (b *Balancers) publish(ctx context.Context, service *v1.Service, hostname string) error {
	wanted := []v1.LoadBalancerIngress{{Hostname: hostname}}
	present := service.Status.LoadBalancer.Ingress
	if len(present) == 1 && present[0].Hostname == hostname {
		return nil
	}
	changed := service.DeepCopy()
	changed.Status.LoadBalancer.Ingress = wanted
	_, err := b.view.Client.CoreV1().Services(service.Namespace).UpdateStatus(ctx, changed, metav1.UpdateOptions{})
	if err == nil {
		b.view.Log.Info("load balancer", "service", service.Namespace+"/"+service.Name, "hostname", hostname)
	}
	return unlessGone(err)
}

// remove deletes the load balancer of a Service, and then the finalizer of the Service.
func (b *Balancers) remove(ctx context.Context, service *v1.Service) error {
	present := finalizerOf(service)
	if present == "" {
		return nil
	}
	owner := inTree
	if present == external.finalizer() {
		owner = external
	}
	if err := b.cloud.Post(ctx, "load-balancers/delete", b.request(service, owner), &struct{}{}); err != nil {
		if errors.Is(err, cloud.ErrRefused) {
			b.tell(ctx, service, owner, v1.EventTypeWarning, "SyncLoadBalancerFailed",
				"Error syncing load balancer: failed to delete load balancer: "+err.Error())
		}
		return err
	}
	b.mutex.Lock()
	delete(b.asked, service.UID)
	b.mutex.Unlock()
	b.tell(ctx, service, owner, v1.EventTypeNormal, "DeletedLoadBalancer", "Deleted load balancer")
	if len(service.Status.LoadBalancer.Ingress) > 0 {
		changed := service.DeepCopy()
		changed.Status.LoadBalancer = v1.LoadBalancerStatus{}
		written, err := b.view.Client.CoreV1().Services(service.Namespace).UpdateStatus(ctx, changed, metav1.UpdateOptions{})
		if err != nil {
			return unlessGone(err)
		}
		service = written
	}
	left := slices.DeleteFunc(slices.Clone(service.Finalizers), func(one string) bool { return one == present })
	return b.setFinalizers(ctx, service, left)
}

func (b *Balancers) setFinalizers(ctx context.Context, service *v1.Service, wanted []string) error {
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{
		"finalizers": wanted, "resourceVersion": service.ResourceVersion,
	}})
	if err != nil {
		return err
	}
	_, err = b.view.Client.CoreV1().Services(service.Namespace).
		Patch(ctx, service.Name, types.MergePatchType, patch, metav1.PatchOptions{})
	return unlessGone(err)
}

// tell creates an event of a Service; an event that is not accepted is no error.
func (b *Balancers) tell(ctx context.Context, service *v1.Service, owner controller, kind, reason, message string) {
	b.view.Log.Info(message, "service", service.Namespace+"/"+service.Name, "reason", reason)
	now := metav1.Now()
	event := &v1.Event{
		ObjectMeta: metav1.ObjectMeta{Namespace: service.Namespace, GenerateName: service.Name + "."},
		InvolvedObject: v1.ObjectReference{
			APIVersion: "v1", Kind: "Service", Namespace: service.Namespace, Name: service.Name, UID: service.UID,
		},
		Reason: reason, Message: message, Type: kind, Count: 1,
		Source:         v1.EventSource{Component: string(owner)},
		FirstTimestamp: now, LastTimestamp: now,
	}
	_, _ = b.view.Client.CoreV1().Events(service.Namespace).Create(ctx, event, metav1.CreateOptions{})
}

func unlessGone(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
