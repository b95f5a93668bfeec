// Package volumes emulates the EBS driver: its controller, which creates volumes in the zone of their first
// pod and attaches them to one instance at a time, and its part in every kubelet, which registers the driver
// and mounts what is attached. Kubernetes' own controllers decide which volume belongs where; no volume
// exists in EC2.
package volumes

import (
	"context"
	"fmt"
	"log/slog"

	v1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"
	"k8s.io/utils/clock"

	"eks-cilium/lab/nodeplayer/cluster"
	"eks-cilium/lab/nodeplayer/loop"
	"eks-cilium/lab/nodeplayer/settings"
)

// Driver is the name of the EBS driver, also as a provisioner of storage classes.
const Driver = "ebs.csi.aws.com"

// byVolume is the index of attachments by volume.
const byVolume = "volume"

// The labels of the driver's pods in the add-on.
const (
	controllerApp = "ebs-csi-controller"
	nodeApp       = "ebs-csi-node"
)

// Volumes emulates the driver on all nodes.
type Volumes struct {
	// OnClaim is called when the pods that mount a claim have to be reconciled again.
	OnClaim func(namespace, claim string)
	// OnNode is called when the pods on a node have to be reconciled again.
	OnNode func(node string)

	view     *cluster.View
	settings *settings.Settings
	moments  *moments
	factory  informers.SharedInformerFactory

	claims, volumes, classes, attachments, registrations cache.SharedIndexInformer

	claimLoop, volumeLoop, attachmentLoop, nodeLoop *loop.Loop
}

// New prepares the caches and the loops.
func New(view *cluster.View, config *settings.Settings, now clock.PassiveClock, log *slog.Logger) (*Volumes, error) {
	created := &Volumes{view: view, settings: config, moments: newMoments(now)}
	created.factory = informers.NewSharedInformerFactory(view.Client, config.Resync.Duration())
	core, storage := created.factory.Core().V1(), created.factory.Storage().V1()
	created.claims, created.volumes = core.PersistentVolumeClaims().Informer(), core.PersistentVolumes().Informer()
	created.classes, created.attachments = storage.StorageClasses().Informer(), storage.VolumeAttachments().Informer()
	created.registrations = storage.CSINodes().Informer()
	created.claimLoop = loop.New("claims", 4, log, created.reconcileClaim)
	created.volumeLoop = loop.New("volumes", 1, log, created.reconcileVolume)
	created.attachmentLoop = loop.New("attachments", 4, log, created.reconcileAttachment)
	created.nodeLoop = loop.New("drivers", 4, log, created.reconcileNode)
	return created, created.attachments.AddIndexers(cache.Indexers{byVolume: volumeOf})
}

func volumeOf(object any) ([]string, error) {
	attachment, ok := object.(*storagev1.VolumeAttachment)
	if !ok || attachment.Spec.Source.PersistentVolumeName == nil {
		return nil, nil
	}
	return []string{*attachment.Spec.Source.PersistentVolumeName}, nil
}

// Loops returns the loops of the driver, which have to run.
func (v *Volumes) Loops() []*loop.Loop {
	return []*loop.Loop{v.claimLoop, v.volumeLoop, v.attachmentLoop, v.nodeLoop}
}

// Start fills the caches and returns when they are full.
func (v *Volumes) Start(ctx context.Context) error {
	v.listen()
	v.factory.Start(ctx.Done())
	for kind, filled := range v.factory.WaitForCacheSync(ctx.Done()) {
		if !filled {
			return fmt.Errorf("the cache of %v was not filled: %w", kind, context.Cause(ctx))
		}
	}
	return nil
}

func (v *Volumes) listen() {
	onChange(v.claims, func(claim *v1.PersistentVolumeClaim) {
		v.claimLoop.Add(claim.Namespace + "/" + claim.Name)
		v.OnClaim(claim.Namespace, claim.Name)
	})
	onChange(v.volumes, func(volume *v1.PersistentVolume) {
		v.volumeLoop.Add(volume.Name)
		if claim := volume.Spec.ClaimRef; claim != nil {
			v.OnClaim(claim.Namespace, claim.Name)
		}
	})
	onChange(v.attachments, func(attachment *storagev1.VolumeAttachment) {
		v.attachmentLoop.Add(attachment.Name)
		for _, volume := range ofVolume(attachment) {
			v.volumeLoop.Add(volume)
		}
		v.OnNode(attachment.Spec.NodeName)
	})
	onChange(v.registrations, func(registration *storagev1.CSINode) {
		v.nodeLoop.Add(registration.Name)
		v.OnNode(registration.Name)
	})
}

func ofVolume(attachment *storagev1.VolumeAttachment) []string {
	names, _ := volumeOf(attachment)
	return names
}

// NodeChanged reconciles a node that may have changed.
func (v *Volumes) NodeChanged(name string) { v.nodeLoop.Add(name) }

// PodChanged reconciles what depends on a pod of the driver that may have changed.
func (v *Volumes) PodChanged(pod *v1.Pod) {
	switch pod.Labels["app"] {
	case nodeApp:
		v.nodeLoop.Add(pod.Spec.NodeName)
	case controllerApp:
		for _, key := range v.claims.GetStore().ListKeys() {
			v.claimLoop.Add(key)
		}
		for _, key := range v.attachments.GetStore().ListKeys() {
			v.attachmentLoop.Add(key)
		}
	}
}

// isControlled tells whether the driver's controller is ready; without it no volume is created or attached.
func (v *Volumes) isControlled() bool {
	for _, pod := range v.view.PodsIn("kube-system") {
		if pod.Labels["app"] == controllerApp && cluster.IsReady(pod) && pod.DeletionTimestamp == nil {
			return true
		}
	}
	return false
}

// onChange calls back with an object whenever it may have changed, also with the last state of a deleted one.
func onChange[T any](informer cache.SharedIndexInformer, changed func(*T)) {
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { changed(object.(*T)) },
		UpdateFunc: func(_, after any) { changed(after.(*T)) },
		DeleteFunc: func(object any) {
			if tombstone, ok := object.(cache.DeletedFinalStateUnknown); ok {
				object = tombstone.Obj
			}
			if last, ok := object.(*T); ok {
				changed(last)
			}
		},
	})
	if err != nil {
		panic(err) // only a stopped informer refuses a handler
	}
}

// get returns an object of a cache, or nil.
func get[T any](informer cache.SharedIndexInformer, key string) *T {
	object, exists, err := informer.GetStore().GetByKey(key)
	if err != nil || !exists {
		return nil
	}
	return object.(*T)
}
