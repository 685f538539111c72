package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"time"

	"github.com/sirupsen/logrus"
	"gopkg.in/yaml.v3"
)

// addon is an AddOn object: a manifest file that was applied.
type addon struct {
	Source   string `json:"source"`
	Checksum string `json:"checksum"`
	// Objects are named `KIND/NAME`, in the file's order.
	Objects []string `json:"objects"`
	// Applied counts how often the file was applied.
	Applied int `json:"applied"`
}

// watcher applies the manifests directory every 15 seconds.
type watcher struct {
	store   store
	base    string
	disable map[string]bool
	applied map[string]time.Time
	// force applies every file, changed or not: until one whole pass went well.
	force bool
}

// newWatcher lays out the manifests that K3s brings along, as at each of its starts.
func newWatcher(c *config, s store) (*watcher, error) {
	w := &watcher{s, c.dataDir("server/manifests"), map[string]bool{}, map[string]time.Time{}, true}
	for _, name := range c.split("disable") {
		w.disable[name] = true
	}
	for _, name := range []string{"ccm", "coredns", "local-storage", "rolebindings", "traefik"} {
		if !w.disable[name] {
			text := fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: %s\n  namespace: kube-system\n", name)
			if err := replaceFile(filepath.Join(w.base, name+".yaml"), []byte(text), 0o600); err != nil {
				return nil, err
			}
		}
	}
	return w, nil
}

func (w *watcher) run() {
	for ; ; time.Sleep(15 * time.Second) {
		if err := w.pass(); err != nil {
			logrus.Errorf("Failed to process config: %v", err)
		} else {
			w.force = false
		}
	}
}

// walk gives the files below the directory and below directories that links within it lead to.
func walk(base string) (map[string]os.FileInfo, error) {
	files := map[string]os.FileInfo{}
	err := filepath.Walk(base, func(path string, info os.FileInfo, err error) error {
		if err == nil && info.Mode()&os.ModeSymlink != 0 {
			if info, err = os.Stat(path); err == nil && info.IsDir() {
				var target string
				if target, err = filepath.EvalSymlinks(path); err != nil {
					return err
				}
				// Links inside of a linked directory are not followed.
				return filepath.Walk(target, func(below string, info os.FileInfo, err error) error {
					if err == nil && !info.IsDir() {
						files[path+strings.TrimPrefix(below, target)] = info
					}
					return err
				})
			}
		}
		if err == nil && !info.IsDir() {
			files[path] = info
		}
		return err
	})
	return files, err
}

func (w *watcher) pass() error {
	files, err := walk(w.base)
	if err != nil {
		return err
	}
	var paths []string
	skipped := map[string]bool{}
	for path := range files {
		paths = append(paths, path)
		if file := filepath.Base(path); strings.HasSuffix(file, ".skip") {
			skipped[strings.TrimSuffix(file, ".skip")] = true
		}
	}
	sort.Strings(paths)
	sources := map[string]string{}
	var failures []string
	for _, path := range paths {
		file := filepath.Base(path)
		extension := filepath.Ext(file)
		name, _, _ := strings.Cut(file, ".")
		if w.disable[strings.TrimSuffix(file, extension)] {
			err := os.Remove(path)
			if err == nil {
				err = w.store.remove(addons + name)
			}
			if err != nil {
				failures = append(failures, fmt.Sprintf("failed to delete %s: %v", path, err))
			}
			continue
		}
		if skipped[file] || file[0] == '.' || !contains([]string{".yaml", ".yml", ".json"}, extension) {
			continue
		}
		// K3s itself says nothing here: the two files prune each other's objects.
		if other := sources[name]; other != "" {
			logrus.Errorf("AddOn %s comes from both %s and %s", name, other, path)
		}
		sources[name] = path
		if !w.force && files[path].ModTime().Equal(w.applied[path]) {
			continue
		}
		if err := w.apply(name, path); err != nil {
			failures = append(failures, fmt.Sprintf("failed to process %s: %v", path, err))
		} else {
			logrus.Infof("Applied manifest at %q", path)
			w.applied[path] = files[path].ModTime()
		}
	}
	if len(failures) > 0 {
		return errors.New(strings.Join(failures, ", "))
	}
	return nil
}

var validName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)

func (w *watcher) apply(name, path string) error {
	if !validName.MatchString(name) {
		return fmt.Errorf(`Addon.k3s.cattle.io %q is invalid: metadata.name: Invalid value: %q: a lowercase RFC 1123 subdomain must consist of `+
			`lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character`, name, name)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	objects, err := parseObjects(content)
	if err != nil {
		return err
	}
	return modify(w.store, addons+name, func(kept *addon) error {
		*kept = addon{path, caHash(content), objects, kept.Applied + 1}
		return nil
	})
}

// parseObjects names the objects of a manifest.
func parseObjects(content []byte) ([]string, error) {
	objects := []string{}
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	for {
		var document any
		if err := decoder.Decode(&document); err == io.EOF {
			return objects, nil
		} else if err != nil {
			return nil, err
		}
		if document == nil {
			continue
		}
		object, _ := document.(map[string]any)
		kind, _ := object["kind"].(string)
		version, _ := object["apiVersion"].(string)
		metadata, _ := object["metadata"].(map[string]any)
		name, _ := metadata["name"].(string)
		if kind == "" || version == "" || name == "" && !strings.HasSuffix(kind, "List") {
			return nil, fmt.Errorf("an object without apiVersion, kind or name: %v", document)
		}
		objects = append(objects, kind+"/"+name)
	}
}
