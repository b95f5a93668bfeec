// Package settings holds every delay and every injected failure of the player, so that no other package
// contains such a number.
package settings

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"os"
	"time"

	"k8s.io/apimachinery/pkg/labels"
)

// Seconds is a duration written as a JSON number of seconds.
type Seconds float64

// Duration converts it to Go's type.
func (s Seconds) Duration() time.Duration { return time.Duration(float64(s) * float64(time.Second)) }

// Failure keeps the pods that its selector matches from becoming ready.
type Failure struct {
	// Selector is a label selector in kubectl's syntax.
	Selector string `json:"selector"`
	// Namespace limits the failure to one namespace; empty means all.
	Namespace string `json:"namespace"`
	// Node limits the failure to one node; empty means all.
	Node string `json:"node"`
	// Reason is one of the Reasons.
	Reason string `json:"reason"`
	// Message is the message in the container status or the event.
	Message string `json:"message"`

	selector labels.Selector
}

// Matches tells whether the failure applies to a pod.
func (f *Failure) Matches(namespace, node string, podLabels map[string]string) bool {
	return (f.Namespace == "" || f.Namespace == namespace) &&
		(f.Node == "" || f.Node == node) &&
		f.selector.Matches(labels.Set(podLabels))
}

// NotReady is the failure of a pod that runs but whose readiness probe never succeeds.
const NotReady = "NotReady"

// Reasons are the failures that can be injected: the kubelet's own reasons, and NotReady.
var Reasons = map[string]bool{
	"CrashLoopBackOff":           true,
	"CreateContainerConfigError": true,
	"ErrImagePull":               true,
	"ImagePullBackOff":           true,
	NotReady:                     true,
}

// Settings are the delays of everything that is emulated.
type Settings struct {
	NodeBoot         Seconds `json:"nodeBootSeconds"`
	NodeStatusReport Seconds `json:"nodeStatusReportSeconds"`
	LeaseDuration    Seconds `json:"leaseDurationSeconds"`
	LeaseRenewal     Seconds `json:"leaseRenewalSeconds"`
	// LeaseWrites is the maximum of lease renewals a second; with more nodes each is renewed less often, but
	// at least twice in a lease's duration.
	LeaseWrites   float64 `json:"leaseWritesPerSecond"`
	PodStart      Seconds `json:"podStartSeconds"`
	PodJitter     Seconds `json:"podStartJitterSeconds"`
	ImagePull     Seconds `json:"imagePullSeconds"`
	InitContainer Seconds `json:"initContainerSeconds"`
	Readiness     Seconds `json:"readinessSeconds"`
	AgentStart    Seconds `json:"cniAgentStartSeconds"`
	Completion    Seconds `json:"completionSeconds"`
	Termination   Seconds `json:"terminationSeconds"`
	Resync        Seconds `json:"resyncSeconds"`
	// The time that EC2 takes to create a volume, to attach it, and to detach it.
	VolumeProvision Seconds   `json:"volumeProvisionSeconds"`
	VolumeAttach    Seconds   `json:"volumeAttachSeconds"`
	VolumeDetach    Seconds   `json:"volumeDetachSeconds"`
	Workers         int       `json:"workers"`
	Failures        []Failure `json:"failures"`
}

// Defaults are short but never zero, so that every stage can be seen by a watcher.
func Defaults() *Settings {
	return &Settings{
		NodeBoot:         0.5,
		NodeStatusReport: 300,
		LeaseDuration:    40,
		LeaseRenewal:     10,
		LeaseWrites:      20,
		PodStart:         0.3,
		PodJitter:        0.4,
		ImagePull:        0.2,
		InitContainer:    0.1,
		Readiness:        0.3,
		AgentStart:       0.6,
		Completion:       2,
		Termination:      1,
		Resync:           30,
		VolumeProvision:  0.3,
		VolumeAttach:     0.8,
		VolumeDetach:     1.5,
		Workers:          24,
	}
}

// Load reads a JSON file over the defaults; an empty path means the defaults.
func Load(path string) (*Settings, error) {
	if path == "" {
		return Defaults(), nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return Parse(text)
}

// Parse reads JSON over the defaults and refuses unknown keys.
func Parse(text []byte) (*Settings, error) {
	settings := Defaults()
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(settings); err != nil {
		return nil, fmt.Errorf("settings: %w", err)
	}
	for index := range settings.Failures {
		if err := settings.Failures[index].prepare(); err != nil {
			return nil, fmt.Errorf("settings: failures[%d]: %w", index, err)
		}
	}
	return settings, nil
}

func (f *Failure) prepare() (err error) {
	if !Reasons[f.Reason] {
		return fmt.Errorf("reason %q is not known", f.Reason)
	}
	f.selector, err = labels.Parse(f.Selector)
	return err
}

// Start returns how long a pod's containers take from image pull to running: the same for each call with the
// same pod, but different among pods.
func (s *Settings) Start(uid string) time.Duration {
	hash := fnv.New32a()
	hash.Write([]byte(uid))
	share := float64(hash.Sum32()) / (1 << 32)
	return (s.ImagePull + s.PodStart + Seconds(share)*s.PodJitter).Duration()
}

// Renewal returns the time between two renewals of a node's lease for a number of emulated nodes.
func (s *Settings) Renewal(nodes int) time.Duration {
	renewal := s.LeaseRenewal
	if s.LeaseWrites > 0 {
		renewal = max(renewal, Seconds(float64(nodes)/s.LeaseWrites))
	}
	return min(renewal, s.LeaseDuration/2).Duration()
}
