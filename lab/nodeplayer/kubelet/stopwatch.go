package kubelet

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
)

// moment names an event in a pod's lifecycle.
type moment string

const (
	admitted    moment = "admitted"
	sandboxed   moment = "sandboxed"
	started     moment = "started"
	terminating moment = "terminating"
)

// stopwatch remembers to the millisecond when something happened that the API records to the second only. It
// only improves precision: without it the API's time counts.
type stopwatch struct {
	clock clock.PassiveClock
	mutex sync.Mutex
	times map[types.UID]map[moment]time.Time
}

func newStopwatch(now clock.PassiveClock) *stopwatch {
	return &stopwatch{clock: now, times: map[types.UID]map[moment]time.Time{}}
}

// mark records that something happens now, unless it has happened before.
func (s *stopwatch) mark(uid types.UID, what moment) { s.since(uid, what, s.clock.Now()) }

// since returns when something happened; the fallback is used for events before this process started.
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

// restart records that something happens once more, now.
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
