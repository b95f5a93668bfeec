package clustermesh

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/url"
	"path"
	"strconv"
	"time"

	v1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"eks-cilium/lab/nodeplayer/cluster"
)

// etcd is a client's configuration for the etcd of one cluster.
type etcd struct {
	Endpoints     []string `json:"endpoints"`
	TrustedCAFile string   `json:"trusted-ca-file"`
	CertFile      string   `json:"cert-file"`
	KeyFile       string   `json:"key-file"`
}

// parse reads such a configuration; nil for other files, since certificates are in the same directory.
func parse(text []byte) *etcd {
	config := &etcd{}
	if err := yaml.Unmarshal(text, config); err != nil || len(config.Endpoints) == 0 {
		return nil
	}
	return config
}

// endpoint returns the first of the endpoints.
func (e *etcd) endpoint() (host string, port int, err error) {
	if len(e.Endpoints) == 0 {
		return "", 0, errNoEndpoint
	}
	parsed, err := url.Parse(e.Endpoints[0])
	if err != nil {
		return "", 0, err
	}
	port, err = strconv.Atoi(parsed.Port())
	return parsed.Hostname(), port, err
}

// trusts does the checks of a TLS handshake between client and server; its errors are those of a client.
func (e *etcd) trusts(files map[string][]byte, host string, server Server, now time.Time) error {
	roots, err := pool(files[path.Base(e.TrustedCAFile)], path.Base(e.TrustedCAFile))
	if err != nil {
		return err
	}
	chain := certificates([]byte(server.Certificate))
	if len(chain) == 0 {
		return errors.New("the server has no certificate")
	}
	options := x509.VerifyOptions{Roots: roots, Intermediates: rest(chain), DNSName: host, CurrentTime: now}
	if _, err := chain[0].Verify(options); err != nil {
		return fmt.Errorf("tls: failed to verify certificate: %w", err)
	}
	return e.isTrusted(files, server, now)
}

// isTrusted is the server's side: the client's certificate, its key, and its authority.
func (e *etcd) isTrusted(files map[string][]byte, server Server, now time.Time) error {
	certificate, key := path.Base(e.CertFile), path.Base(e.KeyFile)
	pair, err := tls.X509KeyPair(files[certificate], files[key])
	if err != nil {
		return fmt.Errorf("%s and %s: %w", certificate, key, err)
	}
	leaf, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		return err
	}
	roots, err := pool([]byte(server.Authority), "the server's authority")
	if err != nil {
		return err
	}
	options := x509.VerifyOptions{
		Roots: roots, Intermediates: rest(certificates(files[certificate])), CurrentTime: now,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	if _, err := leaf.Verify(options); err != nil {
		return fmt.Errorf("remote error: tls: bad certificate: the server does not trust %s: %w", certificate, err)
	}
	return nil
}

func pool(text []byte, name string) (*x509.CertPool, error) {
	if len(text) == 0 {
		return nil, fmt.Errorf("open %s: no such file or directory", name)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s holds no certificate", name)
	}
	return roots, nil
}

func rest(chain []*x509.Certificate) *x509.CertPool {
	intermediates := x509.NewCertPool()
	for _, one := range chain[min(1, len(chain)):] {
		intermediates.AddCert(one)
	}
	return intermediates
}

func certificates(text []byte) []*x509.Certificate {
	var chain []*x509.Certificate
	for block, left := pem.Decode(text); block != nil; block, left = pem.Decode(left) {
		if one, err := x509.ParseCertificate(block.Bytes); err == nil {
			chain = append(chain, one)
		}
	}
	return chain
}

// mounted returns the current files of one of a pod's volumes, by name. Real kubelets update mounted files
// within a minute; here it is immediate.
func mounted(view *cluster.View, pod *v1.Pod, name string) map[string][]byte {
	files := map[string][]byte{}
	for index := range pod.Spec.Volumes {
		volume := &pod.Spec.Volumes[index]
		if volume.Name != name {
			continue
		}
		if volume.Secret != nil {
			addSecret(files, view, pod.Namespace, volume.Secret.SecretName, volume.Secret.Items)
		}
		if volume.Projected == nil {
			continue
		}
		for _, source := range volume.Projected.Sources {
			if source.Secret != nil {
				addSecret(files, view, pod.Namespace, source.Secret.Name, source.Secret.Items)
			}
			if source.ConfigMap != nil {
				addConfigMap(files, view, pod.Namespace, source.ConfigMap)
			}
		}
	}
	return files
}

func addSecret(files map[string][]byte, view *cluster.View, namespace, name string, items []v1.KeyToPath) {
	secret, ok := view.Secret(namespace, name)
	if !ok {
		return
	}
	add(files, items, secret.Data)
}

func addConfigMap(files map[string][]byte, view *cluster.View, namespace string, source *v1.ConfigMapProjection) {
	if config, ok := view.ConfigMap(namespace, source.Name); ok {
		data := map[string][]byte{}
		for key, text := range config.Data {
			data[key] = []byte(text)
		}
		add(files, source.Items, data)
	}
}

// add takes the listed keys, under the names that are listed for them, or all keys.
func add(files map[string][]byte, items []v1.KeyToPath, data map[string][]byte) {
	for _, item := range items {
		if text, ok := data[item.Key]; ok {
			files[item.Path] = text
		}
	}
	if len(items) > 0 {
		return
	}
	for key, text := range data {
		files[key] = text
	}
}
