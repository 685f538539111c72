package main

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"github.com/sirupsen/logrus"
)

// The kubelet's kubeconfig, as pkg/daemons/control/deps writes it.
const kubeconfig = `apiVersion: v1
clusters:
- cluster:
    server: %s
    certificate-authority: %s
  name: local
contexts:
- context:
    cluster: local
    namespace: default
    user: user
  name: Default
current-context: Default
kind: Config
preferences: {}
users:
- name: user
  user:
    client-certificate: %s
    client-key: %s
`

// certificates has the server sign the node's keys: the certificate that the kubelet serves with, and the one that it
// asks the API with. The password that they cost is checked by the server with each (pkg/agent/config/config.go, get).
func certificates(c *config, server *client) error {
	for _, name := range []string{"client-ca.crt", "server-ca.crt"} {
		text, err := server.get("/v1-k3s/" + name)
		if err != nil {
			return err
		}
		if err := replaceFile(c.dataDir("agent", name), text, 0o600); err != nil {
			return err
		}
	}
	for _, name := range []string{"serving-kubelet", "client-kubelet"} {
		base := c.dataDir("agent", name)
		request, err := signingRequest(base + ".key")
		if err != nil {
			return err
		}
		text, err := server.send(http.MethodPost, "/v1-k3s/"+name+".crt", request)
		if err != nil {
			return fmt.Errorf("%s.crt: %w", base, err)
		}
		if err := replaceFile(base+".crt", text, 0o600); err != nil {
			return err
		}
	}
	text := fmt.Sprintf(kubeconfig, server.url, c.dataDir("agent", "server-ca.crt"),
		c.dataDir("agent", "client-kubelet.crt"), c.dataDir("agent", "client-kubelet.key"))
	return replaceFile(c.dataDir("agent", "kubelet.kubeconfig"), []byte(text), 0o600)
}

func signingRequest(file string) ([]byte, error) {
	key, err := ensureKey(file)
	if err != nil {
		return nil, err
	}
	return x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
}

// runKubelet registers the node when the API is there, and then is a healthy kubelet until the process ends.
func runKubelet(c *config, url string, self node) error {
	kubelet, err := asKubelet(c, url)
	if err != nil {
		return err
	}
	body, err := json.Marshal(self)
	if err != nil {
		return err
	}
	for {
		if _, err := kubelet.send(http.MethodPut, "/api/v1/nodes/"+self.Name, body); err == nil {
			break
		} else {
			logrus.Errorf("Unable to register node with API server: %v", err)
		}
		time.Sleep(time.Second)
	}
	logrus.Infof("Successfully registered node %s", self.Name)
	tcp, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", c.kubeletArg("healthz-port", "10248")))
	if err != nil {
		return err
	}
	logrus.Infof("Kubelet is healthy at http://%s/healthz", tcp.Addr())
	return http.Serve(tcp, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/healthz" {
			http.NotFound(w, r)
			return
		}
		io.WriteString(w, "ok")
	}))
}

// asKubelet is a client that has the kubelet's certificate and no token.
func asKubelet(c *config, url string) (*client, error) {
	base := c.dataDir("agent", "client-kubelet")
	certificate, err := tls.LoadX509KeyPair(base+".crt", base+".key")
	if err != nil {
		return nil, err
	}
	roots, err := readPool(filepath.Join(c.dataDir("agent"), "server-ca.crt"))
	if err != nil {
		return nil, err
	}
	kubelet := &client{url: url}
	kubelet.trust(&tls.Config{RootCAs: roots, Certificates: []tls.Certificate{certificate}})
	return kubelet, nil
}

// signed is the answer to a request that a node sent: its certificate, and the authority's.
func signed(ca string, text []byte, leaf *x509.Certificate) ([]byte, error) {
	request, err := x509.ParseCertificateRequest(text)
	if err != nil {
		return nil, err
	}
	pair, issuer, err := loadCA(ca)
	if err != nil {
		return nil, err
	}
	der, err := sign(pair, issuer, leaf, request.PublicKey)
	if err != nil {
		return nil, err
	}
	chain := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return append(chain, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: issuer.Raw})...), nil
}
