// Package loop runs level-triggered reconciliation: a key only names *what* to reconcile, and the reconciler
// decides from the current state. A key may be added any number of times and from anywhere; it is never
// reconciled twice at once, and a failed one is retried.
package loop

import (
	"context"
	"log/slog"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/util/workqueue"
)

// Reconcile brings everything that belongs to one key up to date. It returns after what time the key has to
// be reconciled again without any event; zero means only after an event.
type Reconcile func(ctx context.Context, key string) (time.Duration, error)

// limit is how long one reconciliation may take: a request without a response must not hold a key forever.
const limit = 30 * time.Second

// Loop is one queue with its workers.
type Loop struct {
	name      string
	workers   int
	reconcile Reconcile
	log       *slog.Logger
	queue     workqueue.TypedRateLimitingInterface[string]
}

// New returns a loop; Run starts it.
func New(name string, workers int, log *slog.Logger, reconcile Reconcile) *Loop {
	limiter := workqueue.NewTypedItemExponentialFailureRateLimiter[string](20*time.Millisecond, 5*time.Second)
	return &Loop{
		name:      name,
		workers:   workers,
		reconcile: reconcile,
		log:       log,
		queue:     workqueue.NewTypedRateLimitingQueue(limiter),
	}
}

// Add queues a key for reconciliation as soon as possible.
func (l *Loop) Add(key string) { l.queue.Add(key) }

// Run works until the context ends and all workers have finished their keys.
func (l *Loop) Run(ctx context.Context) {
	var workers sync.WaitGroup
	for range l.workers {
		workers.Go(func() {
			for l.next(ctx) {
			}
		})
	}
	<-ctx.Done()
	l.queue.ShutDown()
	workers.Wait()
}

func (l *Loop) next(ctx context.Context) bool {
	key, stop := l.queue.Get()
	if stop {
		return false
	}
	defer l.queue.Done(key)
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	again, err := l.reconcile(limited, key)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		l.complain(key, err)
		l.queue.AddRateLimited(key)
	default:
		l.queue.Forget(key)
		if again > 0 {
			l.queue.AddAfter(key, again)
		}
	}
	return true
}

// complain reports an error, unless it only says that the cache was behind the server.
func (l *Loop) complain(key string, err error) {
	if apierrors.IsConflict(err) {
		return
	}
	l.log.Error("will be tried again", "loop", l.name, "key", key, "error", err.Error())
}
