package cilium

import (
	"context"
	"fmt"
	"hash/fnv"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
)

// The numeric identities that one cluster may assign; those below are reserved.
const (
	firstIdentity = 256
	lastIdentity  = 65535
	clusterShift  = 16
)

// namespaceLabel is the security label of a pod's namespace.
const namespaceLabel = "io.kubernetes.pod.namespace"

// Labels without meaning for a pod's identity; "app.kubernetes.io" is the exception.
var (
	kept    = regexp.MustCompile(`^app\.kubernetes\.io`)
	ignored = regexp.MustCompile(`^(io\.kubernetes|kubernetes\.io|statefulset\.kubernetes\.io/pod-name|` +
		`apps\.kubernetes\.io/pod-index|batch\.kubernetes\.io/(job-completion-index|controller-uid)|` +
		`.*beta\.kubernetes\.io|k8s\.io|pod-template-generation|pod-template-hash|controller-revision-hash|` +
		`controller-uid|annotation.*|etcd_node|topology\.kubernetes\.io)`)
)

// securityLabels returns the labels by which policies select a pod.
func securityLabels(pod *v1.Pod, namespaceLabels map[string]string, clusterName string) map[string]string {
	labels := map[string]string{
		"k8s:" + namespaceLabel:                   pod.Namespace,
		"k8s:io.cilium.k8s.policy.cluster":        clusterName,
		"k8s:io.cilium.k8s.policy.serviceaccount": pod.Spec.ServiceAccountName,
	}
	for key, value := range namespaceLabels {
		labels["k8s:io.cilium.k8s.namespace.labels."+key] = value
	}
	for key, value := range pod.Labels {
		if kept.MatchString(key) || !ignored.MatchString(key) {
			labels["k8s:"+key] = value
		}
	}
	return labels
}

// asList returns labels as endpoints have them: sorted key=value.
func asList(labels map[string]string) []string {
	list := make([]string, 0, len(labels))
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		list = append(list, key+"="+labels[key])
	}
	return list
}

// identities gives each set of security labels one number in the cluster. The number is derived from the
// labels, so that concurrent callers, and players before and after a restart, get the same one.
type identities struct {
	client    dynamic.ResourceInterface
	resources *Resources
	mutex     sync.Mutex
}

// of returns the identity of labels, and creates it when it does not exist.
func (i *identities) of(ctx context.Context, labels map[string]string, clusterID int64) (int64, error) {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	for try := range int64(lastIdentity - firstIdentity) {
		number := candidate(labels, try) | clusterID<<clusterShift
		present, err := i.at(ctx, number, labels)
		if err != nil {
			return 0, err
		}
		if maps.Equal(labelsOf(present), labels) {
			return number, nil
		}
	}
	return 0, fmt.Errorf("all identities of cluster %d are taken", clusterID)
}

// at returns the identity with a number: an existing one, or a new one with the labels.
func (i *identities) at(ctx context.Context, number int64, labels map[string]string) (*unstructured.Unstructured, error) {
	name := strconv.FormatInt(number, 10)
	if present := i.resources.Get(IdentityResource, name); present != nil {
		return present, nil
	}
	created, err := i.client.Create(ctx, ciliumIdentity(name, labels), metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return i.client.Get(ctx, name, metav1.GetOptions{})
	}
	return created, err
}

func candidate(labels map[string]string, try int64) int64 {
	hash := fnv.New32a()
	hash.Write([]byte(strings.Join(asList(labels), ";")))
	return firstIdentity + (int64(hash.Sum32())+try)%(lastIdentity-firstIdentity+1)
}

func labelsOf(identity *unstructured.Unstructured) map[string]string {
	labels, _, err := unstructured.NestedStringMap(identity.Object, "security-labels")
	if err != nil {
		return nil
	}
	return labels
}

func ciliumIdentity(name string, labels map[string]string) *unstructured.Unstructured {
	security := map[string]any{}
	for key, value := range labels {
		security[key] = value
	}
	object := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "cilium.io/v2", "kind": "CiliumIdentity", "security-labels": security,
	}}
	object.SetName(name)
	object.SetLabels(searchable(labels))
	return object
}

// searchable returns the labels by which kubectl finds identities: those that are valid as labels of an
// object too.
func searchable(labels map[string]string) map[string]string {
	found := map[string]string{}
	for key, value := range labels {
		key = strings.TrimPrefix(key, "k8s:")
		if key == namespaceLabel || !strings.HasPrefix(key, "io.cilium.k8s.namespace.labels.") {
			found[key] = value
		}
	}
	return found
}
