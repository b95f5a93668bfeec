package cluster

import (
	"log/slog"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
)

func annotated(annotations map[string]string) *v1.Node {
	return &v1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: "one", Annotations: annotations},
		Spec:       v1.NodeSpec{ProviderID: "aws:///us-east-1a/i-1"},
	}
}

func TestNothingWorksOnANodeThatIsOffOrHangs(t *testing.T) {
	view, err := NewView(fake.NewClientset(), time.Minute, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for annotation, works := range map[string]bool{PoweredOff: false, Dead: false, Ready: true} {
		if err := view.nodes.GetStore().Replace([]any{annotated(map[string]string{annotation: "true"})}, "1"); err != nil {
			t.Fatal(err)
		}
		if _, found := view.Node("one"); found != works {
			t.Errorf("with %s the node works: %v", annotation, found)
		}
	}
}
