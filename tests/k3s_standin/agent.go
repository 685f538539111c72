package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/sirupsen/logrus"
)

func runAgent(c *config) error {
	switch {
	case c.str("token", "") == "":
		return errors.New("--token is required")
	case c.str("server", "") == "":
		return errors.New("--server is required")
	}
	self, err := describeNode(c)
	if err != nil {
		return err
	}
	if err := checkHost(c); err != nil {
		return err
	}
	url, err := balance(c, strings.TrimRight(c.str("server", ""), "/"))
	if err != nil {
		return err
	}
	if err := joinServer(c, url, c.str("server", ""), c.str("token", ""), self); err != nil {
		return err
	}
	return runKubelet(c, url, self)
}

// joinServer gets the node's configuration and certificates from the server, however long that takes; called `name`, it
// is asked at url.
func joinServer(c *config, url, name, text string, self node) error {
	token, err := parseToken(text)
	if err != nil {
		return err
	}
	for {
		if _, err := connect(url, token); err == nil {
			break
		} else {
			logrus.Errorf("Failed to validate connection to cluster at %s: %v", name, err)
		}
		time.Sleep(2 * time.Second)
	}
	for {
		if err := join(c, url, token, self); err == nil {
			return nil
		} else {
			logrus.Infof("Waiting to retrieve agent configuration; server is not ready: %v", err)
		}
		time.Sleep(5 * time.Second)
	}
}

func join(c *config, url string, token token, self node) error {
	server, err := connect(url, token)
	if err != nil {
		return err
	}
	if _, err := server.get("/v1-k3s/config"); err != nil {
		return fmt.Errorf("failed to retrieve configuration from server: %w", err)
	}
	file := c.path("/etc/rancher/node/password")
	password, err := nodePassword(file)
	if err != nil {
		return err
	}
	server.headers = map[string]string{"k3s-Node-Name": self.Name, "k3s-Node-Password": password, "k3s-Node-IP": self.IP}
	if err := certificates(c, server); errors.Is(err, errForbidden) {
		return fmt.Errorf("%s: Node password rejected, duplicate hostname or contents of '%s' may not match server node-passwd entry, "+
			"try enabling a unique node name with the --with-node-id flag", c.dataDir("agent", "serving-kubelet.crt"), file)
	} else {
		return err
	}
}

// nodePassword reads the node's password; a new node makes one.
func nodePassword(file string) (string, error) {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return "", err
	}
	text, err := os.ReadFile(file)
	if os.IsNotExist(err) {
		password := randomHex(16)
		return password, os.WriteFile(file, []byte(password+"\n"), 0o600)
	}
	return strings.TrimSpace(string(text)), err
}

// client speaks to one server whose CA it has checked as far as the token allows.
type client struct {
	http    *http.Client
	url     string
	token   token
	headers map[string]string
}

var errForbidden = errors.New(http.StatusText(http.StatusForbidden))

func connect(url string, token token) (*client, error) {
	client := &client{url: url, token: token}
	client.trust(&tls.Config{InsecureSkipVerify: true})
	ca, err := client.get("/cacerts")
	if err != nil {
		return nil, fmt.Errorf("failed to get CA certs: %w", err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	client.trust(&tls.Config{RootCAs: roots})
	if _, err := client.get("/cacerts"); err != nil {
		return nil, fmt.Errorf("CA cert validation failed: %w", err)
	}
	if hash := caHash(ca); token.caHash != "" && token.caHash != hash {
		return nil, fmt.Errorf("token CA hash does not match the Cluster CA certificate hash: %s != %s", token.caHash, hash)
	}
	return client, nil
}

func (c *client) trust(config *tls.Config) {
	transport := &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}
	c.http = &http.Client{Timeout: 10 * time.Second, Transport: transport}
}

func (c *client) get(path string) ([]byte, error) {
	return c.send(http.MethodGet, path, nil)
}

func (c *client) send(method, path string, body []byte) ([]byte, error) {
	request, err := http.NewRequest(method, c.url+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	// A server whose CA is not checked yet gets no password.
	if path != "/cacerts" && c.token.password != "" {
		request.SetBasicAuth("node", c.token.password)
	}
	for name, value := range c.headers {
		request.Header.Set(name, value)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	switch response.StatusCode {
	case http.StatusOK:
		return io.ReadAll(response.Body)
	case http.StatusForbidden:
		return nil, errForbidden
	}
	return nil, fmt.Errorf("%s%s: %s", c.url, path, response.Status)
}

var (
	// What the kubelet lets a node say of itself within Kubernetes's own name spaces.
	allowedLabel  = regexp.MustCompile(`^(([^/]*\.)?(kubelet|node)\.kubernetes\.io/.*|(beta\.)?kubernetes\.io/(arch|os|hostname|instance-type)|(failure-domain\.beta|topology)\.kubernetes\.io/(region|zone))$`)
	reservedLabel = regexp.MustCompile(`^([^/]*\.)?(kubernetes|k8s)\.io/`)
	validTaint    = regexp.MustCompile(`^[A-Za-z0-9./_-]+(=[A-Za-z0-9._-]*)?:(NoSchedule|PreferNoSchedule|NoExecute)$`)
)

// describeNode is the node as its configuration says, or why the kubelet would not start with it.
func describeNode(c *config) (node, error) {
	name, err := c.nodeName()
	if err != nil {
		return node{}, err
	}
	self := node{Name: name, Labels: map[string]string{"kubernetes.io/hostname": name}, Taints: c.values["node-taint"]}
	var unknown []string
	for _, label := range c.values["node-label"] {
		key, value, _ := strings.Cut(label, "=")
		if reservedLabel.MatchString(key) && !allowedLabel.MatchString(key) {
			unknown = append(unknown, key)
		}
		self.Labels[key] = value
	}
	if len(unknown) > 0 {
		return node{}, fmt.Errorf("failed to validate kubelet flags: unknown 'kubernetes.io' or 'k8s.io' labels specified with --node-labels: %v", unknown)
	}
	for _, taint := range self.Taints {
		if !validTaint.MatchString(taint) {
			return node{}, fmt.Errorf("invalid taint spec: %s", taint)
		}
	}
	self.IP, err = c.nodeIP()
	return self, err
}
