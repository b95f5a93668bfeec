package kubelet

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
)

// moment names what happened to a pod.
type moment string

const (
	admitted    moment = "admitted"
	sandboxed   moment = "sandboxed"
	started     moment = "started"
	terminating moment = "terminating"
)

// stopwatch remembers to the millisecond when something happened that the API tells to the second
// only. It is an improvement, not a truth: without it the API's time counts.
type stopwatch struct {
	clock clock.PassiveClock
	mutex sync.Mutex
	times map[types.UID]map[moment]time.Time
}

func newStopwatch(now clock.PassiveClock) *stopwatch {
	return &stopwatch{clock: now, times: map[types.UID]map[moment]time.Time{}}
}

// mark says that something happens now, unless it has happened before.
func (s *stopwatch) mark(uid types.UID, what moment) { s.since(uid, what, s.clock.Now()) }

// since is when something happened; the fallback counts when it was before this process began.
func (s *stopwatch) since(uid types.UID, what moment, fallback time.Time) time.Time {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.times[uid] == nil {
		s.times[uid] = map[moment]time.Time{}
	}
	if known, ok := s.times[uid][what]; ok {
		return known
	}
	s.times[uid][what] = fallback
	return fallback
}

// restart says that something happens once more, now.
func (s *stopwatch) restart(uid types.UID, what moment) {
	s.forgetOne(uid, what)
	s.mark(uid, what)
}

func (s *stopwatch) forgetOne(uid types.UID, what moment) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	delete(s.times[uid], what)
}

func (s *stopwatch) forget(uid types.UID) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	delete(s.times, uid)
}
