package cluster

import (
	"strconv"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// writes remembers, for each object that the player wrote, its resulting version until the cache shows it. A
// decision from an older version would only repeat a finished write; on a busy server most writes would be
// such repetitions.
type writes struct {
	mutex sync.Mutex
	last  map[types.UID]uint64
}

// Wrote records the version of an object that a write returned.
func (v *View) Wrote(object metav1.Object) {
	version, err := strconv.ParseUint(object.GetResourceVersion(), 10, 64)
	if err != nil {
		return
	}
	v.writes.mutex.Lock()
	defer v.writes.mutex.Unlock()
	v.writes.last[object.GetUID()] = max(version, v.writes.last[object.GetUID()])
}

// IsBehind tells whether the cache holds an object as it was before the player's last write. Then there is
// nothing to decide: the cache will report the written version, which triggers the next reconciliation.
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
