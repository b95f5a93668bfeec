package volumes

import (
	"context"
	"fmt"
	"slices"
	"time"

	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// finalizer keeps an attachment until the volume is detached from the instance.
const finalizer = "external-attacher/ebs-csi-aws-com"

// retry is the interval after which a refused attachment is tried again.
const retry = time.Second

// reconcileAttachment attaches a volume to its instance, or detaches it.
func (v *Volumes) reconcileAttachment(ctx context.Context, name string) (time.Duration, error) {
	attachment := get[storagev1.VolumeAttachment](v.attachments, name)
	if attachment == nil {
		v.moments.forget("attach " + name)
		v.moments.forget("detach " + name)
		return 0, nil
	}
	switch {
	case attachment.Spec.Attacher != Driver, !v.isControlled():
		return 0, nil
	case attachment.DeletionTimestamp != nil:
		return v.detach(ctx, attachment)
	case attachment.Status.Attached:
		return 0, nil
	default:
		return v.attach(ctx, attachment)
	}
}

func (v *Volumes) attach(ctx context.Context, attachment *storagev1.VolumeAttachment) (time.Duration, error) {
	if !slices.Contains(attachment.Finalizers, finalizer) {
		changed := attachment.DeepCopy()
		changed.Finalizers = append(changed.Finalizers, finalizer)
		return 0, v.update(ctx, changed)
	}
	if refusal := v.refusal(attachment); refusal != "" {
		v.moments.forget("attach " + attachment.Name)
		return retry, v.refuse(ctx, attachment, refusal)
	}
	if left := v.moments.left("attach "+attachment.Name, v.settings.VolumeAttach.Duration()); left > 0 {
		return left, nil
	}
	changed := attachment.DeepCopy()
	changed.Status = storagev1.VolumeAttachmentStatus{
		Attached:           true,
		AttachmentMetadata: map[string]string{"devicePath": "/dev/xvdaa"},
	}
	v.view.Log.Info("volume attached", "volume", ofVolume(attachment), "node", attachment.Spec.NodeName)
	return 0, v.updateStatus(ctx, changed)
}

// refusal returns why a volume cannot be attached now; "" when it can.
func (v *Volumes) refusal(attachment *storagev1.VolumeAttachment) string {
	node := attachment.Spec.NodeName
	if _, ok := v.view.Node(node); !ok {
		return fmt.Sprintf("the instance of node %s does not run", node)
	}
	if !v.isRegistered(node) {
		return fmt.Sprintf("CSINode %s does not contain driver %s", node, Driver)
	}
	for _, volume := range ofVolume(attachment) {
		for _, other := range v.attachmentsOf(volume) {
			if other.Name != attachment.Name && other.Status.Attached {
				return fmt.Sprintf("the volume is still attached to node %s", other.Spec.NodeName)
			}
		}
	}
	return ""
}

func (v *Volumes) refuse(ctx context.Context, attachment *storagev1.VolumeAttachment, why string) error {
	if known := attachment.Status.AttachError; known != nil && known.Message == why {
		return nil
	}
	changed := attachment.DeepCopy()
	changed.Status.AttachError = &storagev1.VolumeError{Time: metav1.NewTime(v.moments.clock.Now()), Message: why}
	return v.updateStatus(ctx, changed)
}

// detach detaches a volume; from an instance that has ended it is detached already.
func (v *Volumes) detach(ctx context.Context, attachment *storagev1.VolumeAttachment) (time.Duration, error) {
	if !slices.Contains(attachment.Finalizers, finalizer) {
		return 0, nil
	}
	takes := v.settings.VolumeDetach.Duration()
	if _, ok := v.view.Node(attachment.Spec.NodeName); !ok || !attachment.Status.Attached {
		takes = 0
	}
	if left := v.moments.left("detach "+attachment.Name, takes); left > 0 {
		return left, nil
	}
	changed := attachment.DeepCopy()
	changed.Finalizers = slices.DeleteFunc(changed.Finalizers, func(one string) bool { return one == finalizer })
	v.view.Log.Info("volume detached", "volume", ofVolume(attachment), "node", attachment.Spec.NodeName)
	return 0, v.update(ctx, changed)
}

// attachmentsOf returns the attachments of a volume, including those being deleted.
func (v *Volumes) attachmentsOf(volume string) []*storagev1.VolumeAttachment {
	objects, err := v.attachments.GetIndexer().ByIndex(byVolume, volume)
	if err != nil {
		panic(err) // the index is created with the cache
	}
	found := make([]*storagev1.VolumeAttachment, 0, len(objects))
	for _, object := range objects {
		found = append(found, object.(*storagev1.VolumeAttachment))
	}
	return found
}

func (v *Volumes) update(ctx context.Context, attachment *storagev1.VolumeAttachment) error {
	_, err := v.view.Client.StorageV1().VolumeAttachments().Update(ctx, attachment, metav1.UpdateOptions{})
	return unlessGone(err)
}

func (v *Volumes) updateStatus(ctx context.Context, attachment *storagev1.VolumeAttachment) error {
	_, err := v.view.Client.StorageV1().VolumeAttachments().UpdateStatus(ctx, attachment, metav1.UpdateOptions{})
	return unlessGone(err)
}

func unlessGone(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
