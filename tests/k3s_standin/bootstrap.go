package main

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"github.com/sirupsen/logrus"
	"golang.org/x/crypto/pbkdf2"
)

// bootstrapFiles are what makes a cluster the same cluster, below the server's directory.
var bootstrapFiles = []string{
	"cred/encryption-config.json", "cred/ipsec.psk", "cred/passwd",
	"tls/client-ca.crt", "tls/client-ca.key",
	"tls/etcd/peer-ca.crt", "tls/etcd/peer-ca.key", "tls/etcd/server-ca.crt", "tls/etcd/server-ca.key",
	"tls/request-header-ca.crt", "tls/request-header-ca.key",
	"tls/server-ca.crt", "tls/server-ca.key", "tls/service.key",
}

// savedFile is a file in the record, with the time that it had on disk.
type savedFile struct {
	Timestamp time.Time
	Content   []byte
}

// cluster is the server's identity while it runs.
type cluster struct {
	dir         string
	serverToken string
	agentToken  string
	serverCA    []byte
}

// bootstrap restores the cluster that the token opens in the store, or founds one in an empty store.
func bootstrap(c *config, s store) (*cluster, error) {
	cl := &cluster{dir: c.dataDir("server"), serverToken: c.str("token", ""), agentToken: c.str("agent-token", "")}
	if cl.serverToken == "" {
		text, err := os.ReadFile(filepath.Join(cl.dir, "token"))
		if err != nil && !os.IsNotExist(err) {
			return nil, err
		}
		cl.serverToken = strings.TrimSpace(string(text))
	}
	founded := true
	if cl.serverToken != "" {
		record, err := findRecord(s, cl.serverToken)
		if err != nil {
			return nil, err
		}
		if founded = record == nil; !founded {
			if err := cl.reconcile(record); err != nil {
				return nil, err
			}
		}
	} else {
		// As K3s does, and this is the trap: with no token a new CA and token are made before the store is asked.
		cl.serverToken = randomHex(16)
	}
	if err := cl.prepare(c); err != nil {
		return nil, err
	}
	if founded {
		if err := cl.save(s); err != nil {
			return nil, fmt.Errorf("failed to save bootstrap data: %w", err)
		}
	}
	return cl, nil
}

func recordKey(password string) string {
	sum := sha256.Sum256([]byte(password))
	return "/bootstrap/" + hex.EncodeToString(sum[:])[:12]
}

// findRecord opens the record of this token; none at all is nil, one of another token an error.
func findRecord(s store, text string) (map[string]savedFile, error) {
	token, err := parseToken(text)
	if err != nil {
		return nil, fmt.Errorf("failed to normalize server token: %w", err)
	}
	entries, err := s.list("/bootstrap/")
	if err != nil || len(entries) == 0 {
		return nil, err
	}
	for _, entry := range entries {
		if entry.key == recordKey(token.password) {
			plain, err := unseal(token.password, string(entry.value))
			if err != nil {
				return nil, err
			}
			files := map[string]savedFile{}
			return files, json.Unmarshal(plain, &files)
		}
	}
	return nil, errors.New("bootstrap data already found and encrypted with different token")
}

// reconcile brings the record onto the disk, unless the disk has something newer.
func (cl *cluster) reconcile(record map[string]savedFile) error {
	logrus.Info("Reconciling bootstrap data between datastore and disk")
	restore := false
	for _, dir := range []string{"cred", "tls", "tls/etcd"} {
		entries, err := os.ReadDir(filepath.Join(cl.dir, dir))
		restore = restore || err != nil || len(entries) == 0
	}
	if !restore {
		var newer []string
		for name, saved := range record {
			path := filepath.Join(cl.dir, name)
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			if bytes.Equal(content, saved.Content) {
				continue
			}
			info, err := os.Stat(path)
			if err != nil {
				return err
			}
			if info.ModTime().Unix()-saved.Timestamp.Unix() >= 3 {
				newer = append(newer, path)
			} else {
				logrus.Warnf("Datastore newer than %s", path)
				restore = true
			}
		}
		if sort.Strings(newer); len(newer) > 0 {
			// K3s ends here and now as well, without the words that other errors get on their way up.
			logrus.Fatal(strings.Join(newer, ", ") + " newer than datastore and could cause a cluster outage. " +
				"Remove the file(s) from disk and restart to be recreated from datastore.")
		}
	}
	if restore {
		logrus.Warn("Updating bootstrap data on disk from datastore")
		for name, saved := range record {
			if err := replaceFile(filepath.Join(cl.dir, name), saved.Content, 0o600); err != nil {
				return err
			}
		}
	}
	return nil
}

// prepare makes what is missing on disk and writes the files that follow from token and CA.
func (cl *cluster) prepare(c *config) error {
	for _, name := range []string{"client", "etcd/peer", "etcd/server", "request-header", "server"} {
		if err := ensureCA(filepath.Join(cl.dir, "tls", name+"-ca"), "k3s-"+filepath.Base(name)+"-ca"); err != nil {
			return err
		}
	}
	if err := ensureFile(filepath.Join(cl.dir, "tls/service.key"), newKeyPEM); err != nil {
		return err
	}
	if err := ensureFile(filepath.Join(cl.dir, "cred/ipsec.psk"), func() ([]byte, error) {
		return []byte(randomHex(48)), nil
	}); err != nil {
		return err
	}
	if err := ensureFile(filepath.Join(cl.dir, "cred/encryption-config.json"), func() ([]byte, error) {
		provider := `{"identity":{}}`
		if c.is("secrets-encryption") {
			provider = `{"aescbc":{"keys":[{"name":"aescbckey","secret":"` + randomHex(16) + `"}]}}`
		}
		return []byte(`{"kind":"EncryptionConfiguration","resources":[{"resources":["secrets"],"providers":[` + provider + `]}]}`), nil
	}); err != nil {
		return err
	}
	var err error
	if cl.serverCA, err = os.ReadFile(filepath.Join(cl.dir, "tls/server-ca.crt")); err != nil {
		return err
	}
	server, err := parseToken(cl.serverToken)
	if err != nil {
		return err
	}
	agent := server
	if cl.agentToken != "" {
		if agent, err = parseToken(cl.agentToken); err != nil {
			return err
		}
	}
	hash := caHash(cl.serverCA)
	if server.caHash != "" && server.caHash != hash {
		return fmt.Errorf("token CA hash does not match the Cluster CA certificate hash: %s != %s", server.caHash, hash)
	}
	cl.serverToken, cl.agentToken = server.password, agent.password
	// The passwords are among the files of the record: a token that changes makes this one newer than the store.
	passwd := fmt.Sprintf("%s,node,node,k3s:agent\n%s,server,server,k3s:server\n", agent.password, server.password)
	for name, content := range map[string]string{
		"cred/passwd": passwd,
		"token":       fmt.Sprintf("K10%s::server:%s\n", hash, server.password),
		"agent-token": fmt.Sprintf("K10%s::node:%s\n", hash, agent.password),
	} {
		path := filepath.Join(cl.dir, name)
		if old, err := os.ReadFile(path); err == nil && string(old) == content {
			continue
		}
		if err := replaceFile(path, []byte(content), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// save puts the record of a new cluster into the store.
func (cl *cluster) save(s store) error {
	files := map[string]savedFile{}
	for _, name := range bootstrapFiles {
		path := filepath.Join(cl.dir, name)
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files[name] = savedFile{info.ModTime(), content}
	}
	plain, err := json.Marshal(files)
	if err != nil {
		return err
	}
	if _, err := findRecord(s, cl.serverToken); err != nil {
		return err
	}
	sealed, err := seal(cl.serverToken, plain)
	if err != nil {
		return err
	}
	return s.put(recordKey(cl.serverToken), []byte(sealed), 0)
}

func ensureFile(path string, make func() ([]byte, error)) error {
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		return err
	}
	content, err := make()
	if err != nil {
		return err
	}
	return replaceFile(path, content, 0o600)
}

func sealer(password string, salt []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(pbkdf2.Key([]byte(password), salt, 4096, 32, sha1.New))
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// seal encrypts for whoever has the password: `SALT:BASE64`, as K3s writes it.
func seal(password string, plain []byte) (string, error) {
	salt := randomHex(4)
	gcm, err := sealer(password, []byte(salt))
	if err != nil {
		return "", err
	}
	nonce := random(gcm.NonceSize())
	return salt + ":" + base64.StdEncoding.EncodeToString(gcm.Seal(nonce, nonce, plain, nil)), nil
}

func unseal(password, sealed string) ([]byte, error) {
	salt, text, _ := strings.Cut(sealed, ":")
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, err
	}
	gcm, err := sealer(password, []byte(salt))
	if err != nil {
		return nil, err
	}
	if len(data) < gcm.NonceSize() {
		return nil, errors.New("invalid cipher text, not enough bytes")
	}
	return gcm.Open(nil, data[:gcm.NonceSize()], data[gcm.NonceSize():], nil)
}

func random(length int) []byte {
	data := make([]byte, length)
	if _, err := rand.Read(data); err != nil {
		logrus.Fatal(err)
	}
	return data
}

func randomHex(bytes int) string {
	return hex.EncodeToString(random(bytes))
}
