package cluster

import (
	"context"
	"fmt"
	"hash/fnv"
	"sync"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// seenEvents remembers the events of pods that were written already.
type seenEvents struct {
	mutex sync.Mutex
	said  map[types.UID]map[uint64]bool
}

func (s *seenEvents) first(uid types.UID, hash uint64) bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.said == nil {
		s.said = map[types.UID]map[uint64]bool{}
	}
	if s.said[uid] == nil {
		s.said[uid] = map[uint64]bool{}
	}
	if s.said[uid][hash] {
		return false
	}
	s.said[uid][hash] = true
	return true
}

func (s *seenEvents) forget(uid types.UID) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	delete(s.said, uid)
}

// Warn creates a warning event of a pod, once for the same text. An event that the server does not accept is
// no error; the log has it in any case.
func (v *View) Warn(ctx context.Context, component string, pod *v1.Pod, reason, message string) {
	hash := fnv.New64a()
	fmt.Fprintf(hash, "%s|%s|%s|%s", pod.UID, component, reason, message)
	if !v.events.first(pod.UID, hash.Sum64()) {
		return
	}
	v.Log.Warn(message, "pod", pod.Namespace+"/"+pod.Name, "node", pod.Spec.NodeName, "reason", reason)
	now := metav1.Now()
	event := &v1.Event{
		ObjectMeta: metav1.ObjectMeta{Namespace: pod.Namespace, Name: fmt.Sprintf("%s.%016x", pod.Name, hash.Sum64())},
		InvolvedObject: v1.ObjectReference{
			APIVersion: "v1", Kind: "Pod", Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID,
		},
		Reason: reason, Message: message, Type: v1.EventTypeWarning, Count: 1,
		Source:         v1.EventSource{Component: component, Host: pod.Spec.NodeName},
		FirstTimestamp: now, LastTimestamp: now,
	}
	_, err := v.Client.CoreV1().Events(pod.Namespace).Create(ctx, event, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		v.Log.Error("an event was not taken", "pod", pod.Namespace+"/"+pod.Name, "error", err.Error())
	}
}

// Forget drops what is remembered about a deleted object.
func (v *View) Forget(uid types.UID) {
	v.events.forget(uid)
	v.writes.forget(uid)
}
