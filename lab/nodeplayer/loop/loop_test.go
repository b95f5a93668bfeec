package loop

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var quiet = slog.New(slog.DiscardHandler)

// run runs a loop over one key until nothing happens for a minute of its own time.
func run(t *testing.T, reconcile func(visit int) (time.Duration, error)) (visits []time.Duration) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		began, mutex := time.Now(), sync.Mutex{}
		one := New("test", 4, quiet, func(context.Context, string) (time.Duration, error) {
			mutex.Lock()
			defer mutex.Unlock()
			visits = append(visits, time.Since(began))
			return reconcile(len(visits))
		})
		ctx, stop := context.WithCancel(t.Context())
		go one.Run(ctx)
		one.Add("key")
		time.Sleep(time.Minute)
		stop()
		synctest.Wait()
		time.Sleep(time.Minute)
	})
	return visits
}

func TestAKeyThatFailsComesBackUntilItSucceeds(t *testing.T) {
	visits := run(t, func(visit int) (time.Duration, error) {
		if visit < 4 {
			return 0, errors.New("not yet")
		}
		return 0, nil
	})
	if len(visits) != 4 {
		t.Errorf("visited at %v", visits)
	}
}

func TestAKeyIsLookedAtAgainWhenItAskedForIt(t *testing.T) {
	visits := run(t, func(visit int) (time.Duration, error) {
		if visit == 1 {
			return 5 * time.Second, nil
		}
		return 0, nil
	})
	if len(visits) != 2 || visits[1] < 5*time.Second || visits[1] > 6*time.Second {
		t.Errorf("visited at %v", visits)
	}
}
