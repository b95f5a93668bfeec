package cilium

import (
	"errors"
	"strings"
	"testing"
)

func TestEveryNodeGetsAPartOfItsOwnUntilNoneIsLeft(t *testing.T) {
	pool, err := newPool("10.64.0.0/23 10.65.0.0/24", "24")
	if err != nil {
		t.Fatal(err)
	}
	taken := map[string]bool{}
	for _, wanted := range []string{"10.64.0.0/24", "10.64.1.0/24", "10.65.0.0/24"} {
		part, err := pool.first(taken)
		if err != nil || part != wanted {
			t.Fatalf("got %q, %v; want %q", part, err, wanted)
		}
		taken[part] = true
	}
	if part, err := pool.first(taken); !errors.Is(err, errFull) || err.Error() != "allocator full" {
		t.Errorf("got %q, %v", part, err)
	}
	delete(taken, "10.64.1.0/24")
	if part, err := pool.first(taken); err != nil || part != "10.64.1.0/24" {
		t.Errorf("got %q, %v after a node is gone", part, err)
	}
}

func TestTheLastPartOfAllAddressesIsFound(t *testing.T) {
	pool, err := newPool("255.255.254.0/23", "24")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pool.first(map[string]bool{"255.255.254.0/24": true, "255.255.255.0/24": true}); !errors.Is(err, errFull) {
		t.Errorf("got %v", err)
	}
}

func TestPoolsThatTheOperatorRefusesAreRefused(t *testing.T) {
	for says, given := range map[string][2]string{
		"collides":       {"10.64.0.0/16 10.64.1.0/24", "24"},
		"holds no /24":   {"10.64.0.0/25", "24"},
		"not a number":   {"10.64.0.0/16", "x"},
		"must be provid": {"", "24"},
		"no '/'":         {"10.64.0.0", "24"},
	} {
		if _, err := newPool(given[0], given[1]); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v: got %v", given, err)
		}
	}
}
