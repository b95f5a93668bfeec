package cilium

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/version"
)

func operator(image string) *v1.Pod {
	return &v1.Pod{Spec: v1.PodSpec{Containers: []v1.Container{{Image: image}}}}
}

func TestTheVersionIsReadFromAnyFormOfImage(t *testing.T) {
	for image, want := range map[string]string{
		"quay.io/cilium/operator-aws:v1.19.7@sha256:abc": "1.19.7",
		"registry:5000/cilium/operator-aws:v1.12.4":      "1.12.4",
		"operator:1.18.11": "1.18.11",
	} {
		if got, err := versionOf(operator(image)); err != nil || got.String() != want {
			t.Errorf("%s: %v, %v", image, got, err)
		}
	}
	for _, image := range []string{"quay.io/cilium/operator-aws:latest", "registry:5000/cilium/operator@sha256:abc"} {
		if _, err := versionOf(operator(image)); err == nil {
			t.Errorf("%s: no complaint", image)
		}
	}
}

func TestDefinitionsAreThoseOfTheNearestPatchReleaseAndNeverOfAnotherMinorVersion(t *testing.T) {
	directory := t.TempDir()
	for _, name := range []string{"1.19.2", "1.19.7", "1.12.4"} {
		nested := filepath.Join(directory, name, "v2")
		if err := os.MkdirAll(nested, 0o755); err != nil {
			t.Fatal(err)
		}
		text := "kind: CustomResourceDefinition\nmetadata: {name: from-" + name + "}\nstatus: {}\n"
		if err := os.WriteFile(filepath.Join(nested, "one.yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	releases := NewReleases(directory)
	for wanted, name := range map[string]string{"1.19.2": "from-1.19.2", "1.19.4": "from-1.19.7", "1.12.4": "from-1.12.4"} {
		found, err := releases.Definitions(version.MustParseSemantic(wanted))
		if err != nil || len(found) != 1 || found[0].GetName() != name || found[0].Object["status"] != nil {
			t.Errorf("%s: %v, %v", wanted, found, err)
		}
	}
	_, err := releases.Definitions(version.MustParseSemantic("1.18.11"))
	if err == nil || !strings.Contains(err.Error(), "1.18.11") || !strings.Contains(err.Error(), "1.19.7") {
		t.Errorf("got %v", err)
	}
}

func TestModesThatAreNotPlayedAreRefused(t *testing.T) {
	for text, data := range map[string]map[string]string{
		`ipam "kubernetes" is not emulated`:   {"ipam": "kubernetes"},
		`ipam "cluster-pool" needs tunnels`:   {"ipam": "cluster-pool", "routing-mode": "native"},
		`IPAM mode eni in tunnel mode`:        {"ipam": "eni", "tunnel": "vxlan"},
		`must be provided`:                    {"ipam": "cluster-pool", "routing-mode": "tunnel", "cluster-pool-ipv4-mask-size": "24"},
		`cni-chaining-mode "generic-veth"`:    {"ipam": "eni", "cni-chaining-mode": "generic-veth"},
		`cluster-id "x" is not a number`:      {"ipam": "eni", "cluster-id": "x"},
		`cannot be used with vxlan tunneling`: {"ipam": "cluster-pool", "routing-mode": "tunnel", "bpf-lb-mode": "dsr"},
		`requires geneve dispatch`:            {"ipam": "cluster-pool", "tunnel": "geneve", "bpf-lb-mode": "hybrid"},
	} {
		if _, err := parseConfig(data); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%v: got %v", data, err)
		}
	}
	chained, err := parseConfig(map[string]string{"ipam": "cluster-pool", "cni-chaining-mode": "aws-cni", "cluster-id": "7", "cni-uninstall": "true"})
	if err != nil || !chained.isChained || !chained.uninstalls || chained.clusterID != 7 || chained.clusterName != "default" {
		t.Errorf("got %+v, %v", chained, err)
	}
}

func TestInterfacesAreMadeWhereTheConfigurationAndTheOperatorsFilterAgree(t *testing.T) {
	data := map[string]string{
		"ipam": "eni", "eni-first-interface-index": "1", "eni-subnet-ids": "subnet-1,subnet-2", "subnet-ids-filter": "subnet-0 subnet-2",
	}
	parsed, err := parseConfig(data)
	if err != nil || parsed.placement.FirstIndex != 1 || !slices.Equal(parsed.placement.Subnets, []string{"subnet-2"}) {
		t.Errorf("got %+v, %v", parsed, err)
	}
	data["eni-first-interface-index"] = "one"
	if _, err := parseConfig(data); err == nil || !strings.Contains(err.Error(), "is not a number") {
		t.Errorf("got %v", err)
	}
}

func TestThePoolIsReadInTheSpellingOfAnyRelease(t *testing.T) {
	pool := map[string]string{"ipam": "cluster-pool", "cluster-pool-ipv4-cidr": "10.64.0.0/14", "cluster-pool-ipv4-mask-size": "24"}
	for key, value := range map[string]string{"routing-mode": "tunnel", "tunnel": "geneve"} {
		data := maps.Clone(pool)
		data[key] = value
		parsed, err := parseConfig(data)
		if err != nil || parsed.pool == nil || parsed.pool.bits != 24 || len(parsed.pool.networks) != 1 {
			t.Errorf("%s: got %+v, %v", key, parsed, err)
		}
	}
}

func TestSecurityLabelsSayWhoAPodIsAndNotWhichOneItIs(t *testing.T) {
	pod := &v1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Labels: map[string]string{
			"app": "web", "app.kubernetes.io/name": "web", "pod-template-hash": "1", "controller-revision-hash": "2",
			"statefulset.kubernetes.io/pod-name": "web-0", "apps.kubernetes.io/pod-index": "0",
			"topology.kubernetes.io/zone": "a", "batch.kubernetes.io/controller-uid": "3",
		}},
		Spec: v1.PodSpec{ServiceAccountName: "seller"},
	}
	got := strings.Join(asList(securityLabels(pod, map[string]string{"team": "x"}, "one")), "\n")
	want := strings.Join([]string{
		"k8s:app=web",
		"k8s:app.kubernetes.io/name=web",
		"k8s:io.cilium.k8s.namespace.labels.team=x",
		"k8s:io.cilium.k8s.policy.cluster=one",
		"k8s:io.cilium.k8s.policy.serviceaccount=seller",
		"k8s:io.kubernetes.pod.namespace=shop",
	}, "\n")
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestTheNumberOfAnIdentityFollowsFromItsLabelsAndStaysInItsRange(t *testing.T) {
	labels := map[string]string{"k8s:app": "web"}
	if candidate(labels, 0) != candidate(map[string]string{"k8s:app": "web"}, 0) || candidate(labels, 0) == candidate(labels, 1) {
		t.Error("the number does not follow from the labels and the try")
	}
	for try := range int64(lastIdentity) {
		if number := candidate(labels, try); number < firstIdentity || number > lastIdentity {
			t.Fatalf("try %d: %d", try, number)
		}
	}
}
