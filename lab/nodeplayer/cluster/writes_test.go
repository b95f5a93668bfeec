package cluster

import (
	"testing"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

func at(version string) *v1.Node {
	return &v1.Node{ObjectMeta: metav1.ObjectMeta{UID: "uid", ResourceVersion: version}}
}

func TestACacheIsBehindUntilItShowsTheLastWriteOrALaterOne(t *testing.T) {
	view := &View{writes: writes{last: map[types.UID]uint64{}}}
	if view.IsBehind(at("9")) {
		t.Error("behind though nothing was written")
	}
	view.Wrote(at("100"))
	view.Wrote(at("20")) // a response that arrived late
	if !view.IsBehind(at("9")) || !view.IsBehind(at("99")) {
		t.Error("not behind though the write is not shown")
	}
	if view.IsBehind(at("101")) || view.IsBehind(at("9")) {
		t.Error("behind though a later version was shown")
	}
}
