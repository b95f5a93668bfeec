package cilium

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/version"
	"sigs.k8s.io/yaml"
)

// Releases are the custom resource definitions of Cilium's versions: a directory with one subdirectory per
// version.
type Releases struct {
	directory string

	mutex sync.Mutex
	read  map[string][]*unstructured.Unstructured
}

// NewReleases uses a directory; an empty name means that no version is available.
func NewReleases(directory string) *Releases {
	return &Releases{directory: directory, read: map[string][]*unstructured.Unstructured{}}
}

// versionOf returns the version in the tag of an image such as quay.io/cilium/operator-aws:v1.19.7@sha256:...
func versionOf(pod *v1.Pod) (*version.Version, error) {
	image := pod.Spec.Containers[0].Image
	name, _, _ := strings.Cut(image, "@")
	_, tag, _ := strings.Cut(name[strings.LastIndex(name, "/")+1:], ":")
	parsed, err := version.ParseSemantic(tag)
	if err != nil {
		return nil, fmt.Errorf("image %q has no version for a tag", image)
	}
	return parsed, nil
}

// Definitions returns those of a version, or else of the newest patch release of the same minor version.
func (r *Releases) Definitions(wanted *version.Version) ([]*unstructured.Unstructured, error) {
	name, err := r.nearest(wanted)
	if err != nil {
		return nil, err
	}
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if known, ok := r.read[name]; ok {
		return known, nil
	}
	definitions, err := readDefinitions(filepath.Join(r.directory, name))
	if err == nil {
		r.read[name] = definitions
	}
	return definitions, err
}

func (r *Releases) nearest(wanted *version.Version) (string, error) {
	var served []string
	entries, err := os.ReadDir(r.directory)
	if err != nil {
		return "", fmt.Errorf("no custom resource definitions of Cilium %s: %w", wanted, err)
	}
	var best *version.Version
	for _, entry := range entries {
		here, err := version.ParseSemantic(entry.Name())
		if err != nil {
			continue
		}
		served = append(served, entry.Name())
		if here.EqualTo(wanted) {
			return entry.Name(), nil
		}
		if here.Major() == wanted.Major() && here.Minor() == wanted.Minor() && (best == nil || best.LessThan(here)) {
			best = here
		}
	}
	if best == nil {
		return "", fmt.Errorf("no custom resource definitions of Cilium %s: only %s are served", wanted, strings.Join(served, ", "))
	}
	return best.String(), nil
}

func readDefinitions(directory string) ([]*unstructured.Unstructured, error) {
	var definitions []*unstructured.Unstructured
	err := filepath.WalkDir(directory, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !slices.Contains([]string{".yaml", ".yml"}, filepath.Ext(path)) {
			return err
		}
		definition, err := readDefinition(path)
		if err == nil {
			definitions = append(definitions, definition)
		}
		return err
	})
	if err == nil && len(definitions) == 0 {
		err = fmt.Errorf("%s holds no custom resource definition", directory)
	}
	return definitions, err
}

func readDefinition(path string) (*unstructured.Unstructured, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	definition := &unstructured.Unstructured{}
	if err := yaml.Unmarshal(text, &definition.Object); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if definition.GetKind() != "CustomResourceDefinition" {
		return nil, fmt.Errorf("%s is not a custom resource definition", path)
	}
	delete(definition.Object, "status")
	unstructured.RemoveNestedField(definition.Object, "metadata", "creationTimestamp")
	return definition, nil
}
