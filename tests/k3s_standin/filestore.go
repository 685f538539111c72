package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"
)

// fileStore stands for K3s's embedded SQLite: all in one file that is replaced whole, so that a power cut leaves the
// old state or the new one.
type fileStore struct {
	sync.Mutex
	path  string
	state struct {
		Revision int64
		Entries  map[string]fileEntry
	}
}

type fileEntry struct {
	Revision int64
	Value    []byte
}

func openFileStore(path string) (store, error) {
	s := &fileStore{path: path}
	s.state.Entries = map[string]fileEntry{}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return s, nil
	} else if err != nil {
		return nil, err
	}
	return s, json.Unmarshal(text, &s.state)
}

func (s *fileStore) list(prefix string) ([]entry, error) {
	s.Lock()
	defer s.Unlock()
	var entries []entry
	for key, e := range s.state.Entries {
		if strings.HasPrefix(key, prefix) {
			entries = append(entries, entry{key, e.Value, e.Revision})
		}
	}
	sort.Slice(entries, func(a, b int) bool { return entries[a].key < entries[b].key })
	return entries, nil
}

func (s *fileStore) put(key string, value []byte, revision int64) error {
	s.Lock()
	defer s.Unlock()
	if s.state.Entries[key].Revision != revision {
		return errConflict
	}
	s.state.Revision++
	s.state.Entries[key] = fileEntry{s.state.Revision, value}
	return s.save()
}

func (s *fileStore) remove(key string) error {
	s.Lock()
	defer s.Unlock()
	delete(s.state.Entries, key)
	return s.save()
}

func (s *fileStore) save() error {
	text, err := json.Marshal(s.state)
	if err != nil {
		return err
	}
	return replaceFile(s.path, text, 0o600)
}

// replaceFile writes a file whole or not at all, also when the power fails.
func replaceFile(path string, data []byte, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	file, err := os.OpenFile(path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if err == nil {
		err = file.Sync()
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}
