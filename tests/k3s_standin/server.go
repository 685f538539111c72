package main

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	stdlog "log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"
)

const (
	nodes  = "/registry/minions/"
	addons = "/registry/k3s.cattle.io/addons/kube-system/"
)

// node is a Node object, as far as a re-flash shows in it.
type node struct {
	Name   string            `json:"name"`
	IP     string            `json:"ip"`
	Labels map[string]string `json:"labels"`
	Taints []string          `json:"taints"`
	// Registrations counts the starts of the node's agent.
	Registrations int `json:"registrations"`
}

func runServer(c *config) error {
	if c.str("server", "") != "" || c.is("cluster-init") {
		return fmt.Errorf("the stand-in has one server: neither `server` nor `cluster-init` means anything to it")
	}
	self, err := describeNode(c)
	if err != nil {
		return err
	}
	self.Labels["node-role.kubernetes.io/control-plane"] = "true"
	if err := checkHost(c); err != nil {
		return err
	}
	s, err := openStore(c)
	if err != nil {
		return fmt.Errorf("starting kubernetes: preparing server: %w", err)
	}
	cl, err := bootstrap(c, s)
	if err != nil {
		return fmt.Errorf("starting kubernetes: preparing server: %w", err)
	}
	logrus.Infof("Cluster CA hash is %s", caHash(cl.serverCA))
	if err := adminCertificate(filepath.Join(cl.dir, "tls")); err != nil {
		return err
	}
	api := &api{cluster: cl, store: s, config: c, self: self.Name}
	url, err := api.listen(c, self)
	if err != nil {
		return err
	}
	if err := writeKubeconfig(c, cl, url); err != nil {
		return err
	}
	// The server's own agent comes before the API and asks without a load balancer (pkg/cli/server/server.go).
	if err := joinServer(c, url, url, cl.serverToken, self); err != nil {
		return err
	}
	for c.held() {
		time.Sleep(100 * time.Millisecond)
	}
	watcher, err := newWatcher(c, s)
	if err != nil {
		return err
	}
	api.core.Store(true)
	if err := ensureOwnSecret(c, s, self.Name); err != nil {
		return err
	}
	logrus.Info("k3s is up and running")
	if err := notifyReady(); err != nil {
		return err
	}
	go watcher.run()
	return runKubelet(c, url, self)
}

// api is what the server answers over TLS.
type api struct {
	*cluster
	store  store
	config *config
	self   string
	// core is what K3s calls the runtime core: API, controllers, node passwords.
	core atomic.Bool
}

// listen serves until the process ends and gives the address for the server's own node.
func (a *api) listen(c *config, self node) (string, error) {
	domain := "kubernetes.default.svc." + c.str("cluster-domain", "cluster.local")
	names := []string{"127.0.0.1", "::1", "localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", domain}
	names = append(append(names, self.Name, self.IP), c.split("tls-san")...)
	certificate, err := servingCertificate(filepath.Join(a.dir, "tls/server-ca"), names)
	if err != nil {
		return "", err
	}
	port := c.str("https-listen-port", "6443")
	tcp, err := net.Listen("tcp", net.JoinHostPort(c.str("bind-address", ""), port))
	if err != nil {
		return "", err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/cacerts", func(w http.ResponseWriter, _ *http.Request) { w.Write(a.serverCA) })
	mux.HandleFunc("/ping", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "pong") })
	mux.HandleFunc("/readyz", a.api(func(w http.ResponseWriter, _ *http.Request, _ string) error {
		_, err := io.WriteString(w, "ok")
		return err
	}))
	mux.HandleFunc("/v1-k3s/config", a.authorized(func(w http.ResponseWriter, _ *http.Request) error {
		return json.NewEncoder(w).Encode(map[string]string{
			"ClusterDomain": c.str("cluster-domain", "cluster.local"), "FlannelBackend": c.str("flannel-backend", "vxlan"),
		})
	}))
	for _, name := range []string{"client-ca.crt", "server-ca.crt"} {
		mux.HandleFunc("/v1-k3s/"+name, a.authorized(func(w http.ResponseWriter, r *http.Request) error {
			http.ServeFile(w, r, filepath.Join(a.dir, "tls", filepath.Base(r.URL.Path)))
			return nil
		}))
	}
	mux.HandleFunc("/v1-k3s/serving-kubelet.crt", a.authorized(a.identified(a.signServing)))
	mux.HandleFunc("/v1-k3s/client-kubelet.crt", a.authorized(a.identified(a.signClient)))
	mux.HandleFunc("/api/v1/nodes/", a.api(a.node))
	mux.HandleFunc("/standin/state", a.state)
	// Probes that do not finish their handshake are no news.
	server := &http.Server{Handler: mux, ErrorLog: stdlog.New(io.Discard, "", 0)}
	go func() {
		config := &tls.Config{
			Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12, ClientAuth: tls.RequestClientCert,
		}
		logrus.Fatal(server.Serve(tls.NewListener(tcp, config)))
	}()
	host := c.str("bind-address", "127.0.0.1")
	url := "https://" + net.JoinHostPort(host, strconv.Itoa(tcp.Addr().(*net.TCPAddr).Port))
	logrus.Infof("Listening on %s", url)
	return url, nil
}

func refuse(w http.ResponseWriter, r *http.Request, status int, err error) {
	logrus.Errorf("Sending %s %d response to %s: %v", r.Proto, status, r.RemoteAddr, err)
	http.Error(w, err.Error(), status)
}

type handler func(http.ResponseWriter, *http.Request) error

// authorized lets in who has the server's token or the agents'.
func (a *api) authorized(next handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if _, password, _ := r.BasicAuth(); password != a.serverToken && password != a.agentToken {
			refuse(w, r, http.StatusUnauthorized, fmt.Errorf("not authorized"))
		} else if err := next(w, r); err != nil {
			refuse(w, r, http.StatusInternalServerError, err)
		}
	}
}

// identified lets in the node that its headers name, if it is the one that first came under this name.
func (a *api) identified(next handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		name, password := r.Header.Get("k3s-Node-Name"), r.Header.Get("k3s-Node-Password")
		if name == "" || password == "" {
			refuse(w, r, http.StatusBadRequest, fmt.Errorf("node name or password not set"))
			return nil
		}
		status, err := http.StatusForbidden, error(nil)
		switch {
		case a.core.Load():
			err = checkNodePassword(a.store, name, password)
		case name == a.self:
			err = checkOwnPassword(a.config, name, password)
		default:
			status, err = http.StatusServiceUnavailable, errCoreNotReady
		}
		if err != nil {
			refuse(w, r, status, err)
			return nil
		}
		return next(w, r)
	}
}

var errCoreNotReady = errors.New("runtime core not ready")

func (a *api) signServing(w http.ResponseWriter, r *http.Request) error {
	leaf := &x509.Certificate{
		Subject:     pkix.Name{CommonName: r.Header.Get("k3s-Node-Name")},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	addNames(leaf, []string{leaf.Subject.CommonName, "localhost", "127.0.0.1", "::1", r.Header.Get("k3s-Node-IP")})
	return a.answer(w, r, "server-ca", leaf)
}

func (a *api) signClient(w http.ResponseWriter, r *http.Request) error {
	name := pkix.Name{CommonName: kubeletUser + r.Header.Get("k3s-Node-Name"), Organization: []string{"system:nodes"}}
	return a.answer(w, r, "client-ca", &x509.Certificate{
		Subject: name, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
}

func (a *api) answer(w http.ResponseWriter, r *http.Request, ca string, leaf *x509.Certificate) error {
	request, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	text, err := signed(filepath.Join(a.dir, "tls", ca), request, leaf)
	if err != nil {
		return err
	}
	_, err = w.Write(text)
	return err
}

// kubeletUser is how the API calls a node's kubelet, with the node's name behind it.
const kubeletUser = "system:node:"

// api lets in who has a certificate of the cluster, by the name that is in it; a token opens nothing here. Until the core
// is up nobody is let in (pkg/server/handlers, APIServer).
func (a *api) api(next func(http.ResponseWriter, *http.Request, string) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		user, err := a.user(r)
		switch {
		case !a.core.Load():
			// K3s does not log this one: it is frequent.
			http.Error(w, "apiserver not ready", http.StatusServiceUnavailable)
		case err != nil:
			http.Error(w, "Unauthorized", http.StatusUnauthorized)
		default:
			if err := next(w, r, user); err != nil {
				refuse(w, r, http.StatusInternalServerError, err)
			}
		}
	}
}

func (a *api) user(r *http.Request) (string, error) {
	if len(r.TLS.PeerCertificates) == 0 {
		return "", errors.New("no certificate")
	}
	roots, err := readPool(filepath.Join(a.dir, "tls/client-ca.crt"))
	if err != nil {
		return "", err
	}
	certificate := r.TLS.PeerCertificates[0]
	_, err = certificate.Verify(x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	return certificate.Subject.CommonName, err
}

// node is the Node's own kubelet's and the administrator's to read, and the kubelet's to write.
func (a *api) node(w http.ResponseWriter, r *http.Request, user string) error {
	name := strings.TrimPrefix(r.URL.Path, "/api/v1/nodes/")
	if user != kubeletUser+name && user != "system:admin" {
		http.Error(w, "nodes "+strconv.Quote(name)+" is forbidden", http.StatusForbidden)
		return nil
	}
	if r.Method == http.MethodPut {
		return a.register(r, name)
	}
	entries, err := a.store.list(nodes + name)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.key == nodes+name {
			return writeNode(w, r, entry.value)
		}
	}
	http.Error(w, "nodes "+strconv.Quote(name)+" not found", http.StatusNotFound)
	return nil
}

// writeNode writes what Kubernetes would of a Node, in its order; for curl over several lines unless told otherwise
// (k8s.io/apiserver, isPrettyPrint).
func writeNode(w http.ResponseWriter, r *http.Request, text []byte) error {
	var kept node
	if err := json.Unmarshal(text, &kept); err != nil {
		return err
	}
	type condition struct {
		Type   string `json:"type"`
		Status string `json:"status"`
		Reason string `json:"reason"`
	}
	object := struct {
		Kind       string         `json:"kind"`
		APIVersion string         `json:"apiVersion"`
		Metadata   map[string]any `json:"metadata"`
		Status     struct {
			Conditions []condition `json:"conditions"`
		} `json:"status"`
	}{Kind: "Node", APIVersion: "v1", Metadata: map[string]any{"name": kept.Name, "labels": kept.Labels}}
	object.Status.Conditions = []condition{
		{"MemoryPressure", "False", "KubeletHasSufficientMemory"}, {"Ready", "True", "KubeletReady"},
	}
	encoder := json.NewEncoder(w)
	if strings.HasPrefix(r.UserAgent(), "curl/") && r.FormValue("pretty") != "false" {
		encoder.SetIndent("", "  ")
	}
	return encoder.Encode(object)
}

// register does what kubelet and agent do to their Node object: taints come with the first registration alone, labels
// are laid over those that are there.
func (a *api) register(r *http.Request, name string) error {
	var given node
	if err := json.NewDecoder(r.Body).Decode(&given); err != nil {
		return err
	}
	return modify(a.store, nodes+name, func(kept *node) error {
		if kept.Registrations == 0 {
			kept.Name, kept.Taints, kept.Labels = name, given.Taints, map[string]string{}
		}
		kept.IP = given.IP
		kept.Registrations++
		for key, value := range given.Labels {
			kept.Labels[key] = value
		}
		return nil
	})
}

// state shows tests what the cluster holds.
func (a *api) state(w http.ResponseWriter, r *http.Request) {
	host, _, _ := net.SplitHostPort(r.RemoteAddr)
	if _, password, _ := r.BasicAuth(); host != "127.0.0.1" && password != a.serverToken {
		refuse(w, r, http.StatusUnauthorized, fmt.Errorf("not authorized"))
		return
	}
	state := map[string]any{"ca": caHash(a.serverCA)}
	for name, prefix := range map[string]string{"nodes": nodes, "addons": addons, "secrets": "/registry/secrets/"} {
		objects := map[string]json.RawMessage{}
		entries, err := a.store.list(prefix)
		if err != nil {
			refuse(w, r, http.StatusInternalServerError, err)
			return
		}
		for _, entry := range entries {
			objects[strings.TrimPrefix(entry.key, prefix)] = entry.value
		}
		state[name] = objects
	}
	json.NewEncoder(w).Encode(state)
}

// writeKubeconfig fails as K3s's does where the place is read-only.
func writeKubeconfig(c *config, cl *cluster, url string) error {
	mode, err := strconv.ParseUint(c.str("write-kubeconfig-mode", "600"), 8, 32)
	if err != nil {
		return err
	}
	path := c.str("write-kubeconfig", c.path("/etc/rancher/k3s/k3s.yaml"))
	ca := base64.StdEncoding.EncodeToString(cl.serverCA)
	text := fmt.Sprintf("apiVersion: v1\nkind: Config\nclusters:\n- name: default\n  cluster:\n"+
		"    certificate-authority-data: %s\n    server: %s\n", ca, url)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text), os.FileMode(mode))
}
