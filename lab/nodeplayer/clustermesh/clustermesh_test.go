package clustermesh

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var noon = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

// authority is a certificate authority for tests.
type authority struct {
	t    *testing.T
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	made := &authority{t: t, key: newKey(t)}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "CA"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: noon.AddDate(-1, 0, 0), NotAfter: noon.AddDate(9, 0, 0), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, made.key.Public(), made.key)
	if err != nil {
		t.Fatal(err)
	}
	made.cert, err = x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func (a *authority) pem() []byte { return block("CERTIFICATE", a.cert.Raw) }

func block(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// sign creates a certificate and its key, for names, until a time, for one use.
func (a *authority) sign(until time.Time, use x509.ExtKeyUsage, names ...string) (certificate, key []byte) {
	a.t.Helper()
	own := newKey(a.t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), DNSNames: names, NotBefore: noon.AddDate(0, 0, -1), NotAfter: until,
		ExtKeyUsage: []x509.ExtKeyUsage{use},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, own.Public(), a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	private, err := x509.MarshalECPrivateKey(own)
	if err != nil {
		a.t.Fatal(err)
	}
	return block("CERTIFICATE", der), block("EC PRIVATE KEY", private)
}

const entry = `
endpoints:
- https://b.mesh.cilium.io:2379
trusted-ca-file: /var/lib/cilium/clustermesh/common-etcd-client-ca.crt
key-file: /var/lib/cilium/clustermesh/common-etcd-client.key
cert-file: /var/lib/cilium/clustermesh/common-etcd-client.crt
`

func TestBothSidesOfAHandshake(t *testing.T) {
	ours, theirs := newAuthority(t), newAuthority(t)
	year := noon.AddDate(1, 0, 0)
	for name, one := range map[string]struct {
		server, client *authority
		trusted        []byte
		until          time.Time
		use            x509.ExtKeyUsage
		names          []string
		want           string
	}{
		"all is well":           {ours, ours, ours.pem(), year, x509.ExtKeyUsageClientAuth, []string{"*.mesh.cilium.io"}, ""},
		"another name":          {ours, ours, ours.pem(), year, x509.ExtKeyUsageClientAuth, []string{"a.example"}, "not b.mesh.cilium.io"},
		"a server of another":   {theirs, ours, ours.pem(), year, x509.ExtKeyUsageClientAuth, []string{"*.mesh.cilium.io"}, "signed by unknown authority"},
		"a client of another":   {ours, theirs, ours.pem(), year, x509.ExtKeyUsageClientAuth, []string{"*.mesh.cilium.io"}, "the server does not trust"},
		"a server as client":    {ours, ours, ours.pem(), year, x509.ExtKeyUsageServerAuth, []string{"*.mesh.cilium.io"}, "incompatible key usage"},
		"one that has run out":  {ours, ours, ours.pem(), noon.Add(-time.Hour), x509.ExtKeyUsageClientAuth, []string{"*.mesh.cilium.io"}, "expired"},
		"no certificate to ask": {ours, ours, nil, year, x509.ExtKeyUsageClientAuth, []string{"*.mesh.cilium.io"}, "no such file"},
	} {
		server, _ := one.server.sign(one.until, x509.ExtKeyUsageServerAuth, one.names...)
		client, key := one.client.sign(one.until, one.use)
		files := map[string][]byte{
			"common-etcd-client-ca.crt": one.trusted, "common-etcd-client.crt": client, "common-etcd-client.key": key,
		}
		err := parse([]byte(entry)).trusts(files, "b.mesh.cilium.io", Server{Certificate: string(server), Authority: string(ours.pem())}, noon)
		switch {
		case one.want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case one.want != "" && (err == nil || !strings.Contains(err.Error(), one.want)):
			t.Errorf("%s: %v does not say %q", name, err, one.want)
		}
	}
}

func TestWhatIsNoConfigurationIsPassedOver(t *testing.T) {
	for _, text := range []string{"", "-----BEGIN CERTIFICATE-----\nabc", "endpoints: []", "a: b"} {
		if parse([]byte(text)) != nil {
			t.Errorf("%q was taken for a configuration", text)
		}
	}
	host, port, err := parse([]byte(entry)).endpoint()
	if host != "b.mesh.cilium.io" || port != 2379 || err != nil {
		t.Error(host, port, err)
	}
}

func TestIdsOfOthersAreNeitherOnesOwnNorAlike(t *testing.T) {
	seen := distinct([]Remote{{Name: "b", Ready: true, ID: 1}, {Name: "c", Ready: true, ID: 3}, {Name: "d", Ready: true, ID: 3}, {Name: "e"}}, 1)
	for index, want := range []string{"that of this cluster too", "", "that of c too", ""} {
		if seen[index].Ready != (want == "" && seen[index].Name != "e") || !strings.HasSuffix(seen[index].Status, want) {
			t.Errorf("%+v", seen[index])
		}
	}
}

func TestWhoAnswersHasToBeWhoWasLookedFor(t *testing.T) {
	mesh := &Mesh{}
	if seen := mesh.accept(Remote{Name: "b"}, &Server{Name: "b", ID: 2}); !seen.Ready || !seen.Connected {
		t.Errorf("%+v", seen)
	}
	if seen := mesh.accept(Remote{Name: "b"}, &Server{Name: "x", ID: 2}); seen.Ready || !seen.Connected || !strings.Contains(seen.Status, `"x", not "b"`) {
		t.Errorf("%+v", seen)
	}
}

func TestTheFlagsOfTheCommand(t *testing.T) {
	for text, want := range map[string]form{
		"": plain, "--brief": brief, "-o json": asJSON, "-o=json": asJSON, "--output json --verbose": asJSON, "--output=json": asJSON,
	} {
		if got, err := formOf(strings.Fields(text)); got != want || err != nil {
			t.Errorf("%q: %v %v", text, got, err)
		}
	}
	for _, text := range []string{"-o yaml", "--nonsense", "-o"} {
		if _, err := formOf(strings.Fields(text)); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

func TestAHostAliasComesBeforeTheName(t *testing.T) {
	pod := &v1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "x"}}
	pod.Spec.HostAliases = []v1.HostAlias{{IP: "10.1.0.9", Hostnames: []string{"b.mesh.cilium.io"}}}
	if got := aliased(pod, "b.mesh.cilium.io"); got != "10.1.0.9" {
		t.Error(got)
	}
	if got := aliased(pod, "c.mesh.cilium.io"); got != "c.mesh.cilium.io" {
		t.Error(got)
	}
}
