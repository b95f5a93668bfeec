package loadbalancer

import (
	"slices"
	"testing"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

func annotated(pairs ...string) *v1.Service {
	service := &v1.Service{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{}}}
	for index := 0; index < len(pairs); index += 2 {
		service.Annotations[prefix+pairs[index]] = pairs[index+1]
	}
	return service
}

func TestWhoLooksAfterAService(t *testing.T) {
	own := annotated()
	own.Spec.LoadBalancerClass = ptr.To(class)
	strange := annotated()
	strange.Spec.LoadBalancerClass = ptr.To("example.com/other")
	older := annotated()
	older.Finalizers = []string{inTree.finalizer()}
	for name, one := range map[string]struct {
		service     *v1.Service
		isInstalled bool
		want        controller
	}{
		"a plain one":                     {annotated(), false, inTree},
		"a plain one beside a controller": {annotated(), true, external},
		"one from before the controller":  {older, true, inTree},
		"one for the controller":          {annotated("aws-load-balancer-type", "external"), false, external},
		"one of the controller's class":   {own, true, external},
		"one of another class":            {strange, true, noController},
	} {
		if got := ownerOf(one.service, one.isInstalled); got != one.want {
			t.Errorf("%s: %q, not %q", name, got, one.want)
		}
	}
}

func TestEachControllerReadsItsOwnAnnotations(t *testing.T) {
	scheme := []string{"aws-load-balancer-scheme", "internal"}
	old := []string{"aws-load-balancer-internal", "true"}
	network := []string{"aws-load-balancer-type", "nlb"}
	byPods := []string{"aws-load-balancer-nlb-target-type", "ip"}
	for name, one := range map[string]struct {
		annotations                      []string
		owner                            controller
		isNetwork, isInternal, byAddress bool
	}{
		"the trap":                        {scheme, inTree, false, false, false},
		"a type is not enough":            {slices.Concat(scheme, network), inTree, true, false, false},
		"both are said":                   {slices.Concat(scheme, old, network), inTree, true, true, false},
		"the controller's default":        {nil, external, true, true, false},
		"the controller and its scheme":   {slices.Concat(scheme, byPods), external, true, true, true},
		"the controller and the internet": {[]string{"aws-load-balancer-scheme", "internet-facing"}, external, true, false, false},
	} {
		isNetwork, isInternal, byAddress := meaning(annotated(one.annotations...).Annotations, one.owner)
		if isNetwork != one.isNetwork || isInternal != one.isInternal || byAddress != one.byAddress {
			t.Errorf("%s: network %t, internal %t, by address %t", name, isNetwork, isInternal, byAddress)
		}
	}
}

func TestSourcesAreReadFromSpecOrAnnotation(t *testing.T) {
	if got := sources(annotated()); !slices.Equal(got, []string{"0.0.0.0/0"}) {
		t.Error(got)
	}
	if got := sources(annotated("load-balancer-source-ranges", "10.0.0.0/8, 192.168.0.0/16")); len(got) != 2 {
		t.Error(got)
	}
}

func TestSubnetsAreReadFromTheAnnotation(t *testing.T) {
	if got := subnets(annotated()); len(got) != 0 {
		t.Error(got)
	}
	if got := subnets(annotated("aws-load-balancer-subnets", "subnet-1, subnet-2")); !slices.Equal(got, []string{"subnet-1", "subnet-2"}) {
		t.Error(got)
	}
}
