package settings

import (
	"strings"
	"testing"
	"time"
)

func TestUnknownSettingsAreRefused(t *testing.T) {
	for text, complaint := range map[string]string{
		`{"podStartSecond": 1}`:                                          "podStartSecond",
		`{"failures": [{"reason": "Odd"}]}`:                              `reason "Odd" is not known`,
		`{"failures": [{"reason": "ErrImagePull", "selector": "a in"}]}`: "failures[0]",
	} {
		if _, err := Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), complaint) {
			t.Errorf("%s: got %v, want a complaint about %s", text, err, complaint)
		}
	}
}

func TestSettingsAreReadOverTheDefaults(t *testing.T) {
	read, err := Parse([]byte(`{"podStartSeconds": 3}`))
	if err != nil {
		t.Fatal(err)
	}
	if read.PodStart != 3 || read.LeaseDuration != Defaults().LeaseDuration {
		t.Errorf("got %+v", read)
	}
}

func TestAFailureIsMeantForThePodsItSelects(t *testing.T) {
	read, err := Parse([]byte(`{"failures": [{"reason": "ErrImagePull", "selector": "app=web", "namespace": "shop"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	failure := &read.Failures[0]
	web := map[string]string{"app": "web"}
	if !failure.Matches("shop", "n", web) || failure.Matches("other", "n", web) || failure.Matches("shop", "n", nil) {
		t.Error("the selector or the namespace was not heeded")
	}
}

func TestThePodStartDelayIsTheSameForTheSamePodAndWithinTheJitter(t *testing.T) {
	settings := Defaults()
	least := (settings.ImagePull + settings.PodStart).Duration()
	most := least + settings.PodJitter.Duration()
	seen := map[time.Duration]bool{}
	for _, uid := range []string{"a", "b", "c", "d"} {
		delay := settings.Start(uid)
		if delay != settings.Start(uid) || delay < least || delay > most {
			t.Errorf("%s: %v", uid, delay)
		}
		seen[delay] = true
	}
	if len(seen) < 3 {
		t.Error("the delays do not differ")
	}
}

func TestLeasesAreRenewedLessOftenWhenNodesAreManyButAlwaysInTime(t *testing.T) {
	settings := Defaults()
	for nodes, want := range map[int]time.Duration{
		1: 10 * time.Second, 200: 10 * time.Second, 300: 15 * time.Second, 100000: 20 * time.Second,
	} {
		if got := settings.Renewal(nodes); got != want {
			t.Errorf("%d nodes: %v, want %v", nodes, got, want)
		}
	}
}
