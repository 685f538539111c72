package main

import (
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
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
	api := &api{cluster: cl, store: s}
	url, err := api.listen(c, self)
	if err != nil {
		return err
	}
	if err := writeKubeconfig(c, cl, url); err != nil {
		return err
	}
	watcher, err := newWatcher(c, s)
	if err != nil {
		return err
	}
	api.ready.Store(true)
	logrus.Info("k3s is up and running")
	if err := notifyReady(); err != nil {
		return err
	}
	go watcher.run()
	return runNode(c, url, cl.serverToken, self)
}

// api is what the server answers over TLS.
type api struct {
	*cluster
	store store
	ready atomic.Bool
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
	mux.HandleFunc("/readyz", func(w http.ResponseWriter, r *http.Request) {
		if !a.ready.Load() {
			refuse(w, r, http.StatusServiceUnavailable, fmt.Errorf("starting"))
			return
		}
		io.WriteString(w, "ok")
	})
	mux.HandleFunc("/v1-k3s/config", a.authorized(func(w http.ResponseWriter, _ *http.Request) error {
		return json.NewEncoder(w).Encode(map[string]string{
			"ClusterDomain": c.str("cluster-domain", "cluster.local"), "FlannelBackend": c.str("flannel-backend", "vxlan"),
		})
	}))
	mux.HandleFunc("/v1-k3s/serving-kubelet.crt", a.authorized(a.identified(func(http.ResponseWriter, *http.Request) error {
		return nil
	})))
	mux.HandleFunc("/standin/node", a.authorized(a.identified(a.register)))
	mux.HandleFunc("/standin/state", a.state)
	// Probes that do not finish their handshake are no news.
	server := &http.Server{Handler: mux, ErrorLog: stdlog.New(io.Discard, "", 0)}
	go func() {
		config := &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
		logrus.Fatal(server.Serve(tls.NewListener(tcp, config)))
	}()
	host := c.str("bind-address", "127.0.0.1")
	url := "https://" + net.JoinHostPort(host, strconv.Itoa(tcp.Addr().(*net.TCPAddr).Port))
	logrus.Infof("Listening on %s", url)
	return url, nil
}

func refuse(w http.ResponseWriter, r *http.Request, status int, err error) {
	logrus.Errorf("Sending HTTP %d response to %s: %v", status, r.RemoteAddr, err)
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
		if err := checkNodePassword(a.store, name, password); err != nil {
			refuse(w, r, http.StatusForbidden, err)
			return nil
		}
		return next(w, r)
	}
}

// register does what kubelet and agent do to their Node object: taints come with the first registration alone, labels
// are laid over those that are there.
func (a *api) register(_ http.ResponseWriter, r *http.Request) error {
	var given node
	if err := json.NewDecoder(r.Body).Decode(&given); err != nil {
		return err
	}
	name := r.Header.Get("k3s-Node-Name")
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
