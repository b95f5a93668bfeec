package volumes

import (
	"sync"
	"time"

	"k8s.io/utils/clock"
)

// moments remembers when the driver began operations that take time. A killed player begins them again, as
// the driver's own calls do.
type moments struct {
	clock clock.PassiveClock
	mutex sync.Mutex
	began map[string]time.Time
}

func newMoments(now clock.PassiveClock) *moments {
	return &moments{clock: now, began: map[string]time.Time{}}
}

// left returns the rest of the time that an operation takes; zero when it is done.
func (m *moments) left(what string, takes time.Duration) time.Duration {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	since, ok := m.began[what]
	if !ok {
		since = m.clock.Now()
		m.began[what] = since
	}
	return max(since.Add(takes).Sub(m.clock.Now()), 0)
}

func (m *moments) forget(what string) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	delete(m.began, what)
}
