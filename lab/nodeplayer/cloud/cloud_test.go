package cloud

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

func TestTheCloudIsAskedForAnInterfaceInTheNameOfItsOwner(t *testing.T) {
	var asked map[string]string
	server := httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, request *http.Request) {
		if request.Method != http.MethodPost || request.URL.Path != "/lab/interfaces" {
			t.Errorf("%s %s", request.Method, request.URL)
		}
		_ = json.NewDecoder(request.Body).Decode(&asked)
		_, _ = answer.Write([]byte(`{"interfaceId": "eni-1", "primaryIp": "10.0.1.9", "addresses": ["10.0.1.9", "10.0.1.10"], "number": 1}`))
	}))
	defer server.Close()
	made, err := NewClient(server.URL+"/", "demo").Attach(t.Context(), "i-1", "cilium", Placement{})
	if err != nil {
		t.Fatal(err)
	}
	if asked["cluster"] != "demo" || asked["instance"] != "i-1" || asked["owner"] != "cilium" {
		t.Errorf("asked %v", asked)
	}
	if made.Owner != "cilium" || !slices.Equal(made.ForPods(), []string{"10.0.1.10"}) {
		t.Errorf("made %+v", made)
	}
}

func TestARefusalOfTheCloudIsToldInItsWords(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, _ *http.Request) {
		http.Error(answer, "AttachmentLimitExceeded", http.StatusBadRequest)
	}))
	defer server.Close()
	_, err := NewClient(server.URL, "demo").Attach(t.Context(), "i-1", "cilium", Placement{})
	if err == nil || !strings.Contains(err.Error(), "AttachmentLimitExceeded") || !strings.Contains(err.Error(), "i-1") {
		t.Errorf("got %v", err)
	}
}

func TestInventedInterfacesNeverShareAnAddressAndAreGivenAgainWhenTheirNodesAreGone(t *testing.T) {
	invented := &Invented{InUse: func() map[string]bool { return map[string]bool{} }}
	seen := map[string]bool{}
	for range rangeSize {
		made, err := invented.Attach(t.Context(), "i", "cilium", Placement{})
		if err != nil {
			t.Fatal(err)
		}
		for _, address := range append(made.Addresses, made.PrimaryIP) {
			if seen[address] {
				t.Fatalf("%s was given twice", address)
			}
			seen[address] = true
		}
	}
	if made, err := invented.Attach(t.Context(), "i", "cilium", Placement{}); err != nil || !seen[made.PrimaryIP] {
		t.Errorf("got %+v, %v", made, err)
	}
}

func TestARestartedInventorGoesOnFromWhatIsInUse(t *testing.T) {
	first, _ := (&Invented{InUse: func() map[string]bool { return map[string]bool{} }}).Attach(t.Context(), "i", "cilium", Placement{})
	restarted := &Invented{InUse: func() map[string]bool { return map[string]bool{first.PrimaryIP: true} }}
	second, err := restarted.Attach(t.Context(), "j", "cilium", Placement{})
	if err != nil || second.PrimaryIP == first.PrimaryIP || second.ID == first.ID {
		t.Errorf("got %+v, %v", second, err)
	}
}
