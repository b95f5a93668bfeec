package cluster

import (
	"strconv"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// writes remembers, for each object that the player wrote, the version that came of it, until the
// cache shows it. Deciding from an older one would only repeat what was done already, and on a busy
// server most writes would be such.
type writes struct {
	mutex sync.Mutex
	last  map[types.UID]uint64
}

// Wrote notes the version of an object that a write came back with.
func (v *View) Wrote(object metav1.Object) {
	version, err := strconv.ParseUint(object.GetResourceVersion(), 10, 64)
	if err != nil {
		return
	}
	v.writes.mutex.Lock()
	defer v.writes.mutex.Unlock()
	v.writes.last[object.GetUID()] = max(version, v.writes.last[object.GetUID()])
}

// IsBehind tells whether the cache holds an object as it was before the player's last write. Then
// there is nothing to decide: the change to the written version is still to come, and with it the
// next look.
func (v *View) IsBehind(object metav1.Object) bool {
	version, err := strconv.ParseUint(object.GetResourceVersion(), 10, 64)
	if err != nil {
		return false
	}
	v.writes.mutex.Lock()
	defer v.writes.mutex.Unlock()
	written, known := v.writes.last[object.GetUID()]
	if known && version >= written {
		delete(v.writes.last, object.GetUID())
	}
	return known && version < written
}

func (w *writes) forget(uid types.UID) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	delete(w.last, uid)
}
