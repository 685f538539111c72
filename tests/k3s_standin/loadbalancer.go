package main

import (
	"io"
	"net"
	"net/url"
	"os"

	"github.com/sirupsen/logrus"
)

// balance listens on this machine for what the agent says to its server, and gives the URL to say it to. Hence messages
// of an agent name 127.0.0.1:6444 and never the server, and a server that is away is no connection that is refused but
// one that ends at once: EOF, or a reset (pkg/agent/loadbalancer/loadbalancer.go, onDialError).
func balance(c *config, server string) (string, error) {
	target, err := url.Parse(server)
	if err != nil {
		return "", err
	}
	address := target.Host
	if target.Port() == "" {
		address = net.JoinHostPort(target.Hostname(), "443")
	}
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", c.str("lb-server-port", "6444")))
	if err != nil {
		return "", err
	}
	logrus.Infof("Running load balancer k3s-agent-load-balancer %s -> [] [default: %s]", listener.Addr(), address)
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				logrus.Fatal(err)
			}
			go forward(client, address)
		}
	}()
	return target.Scheme + "://" + listener.Addr().String(), nil
}

func forward(client net.Conn, address string) {
	defer client.Close()
	server, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer server.Close()
	go func() {
		defer server.Close()
		io.Copy(server, client)
	}()
	io.Copy(client, server)
}

// held tells whether the server's core must not start yet, which takes a real one minutes: as long as tests keep this
// file.
func (c *config) held() bool {
	_, err := os.Stat(c.path("/run/k3s-standin-hold"))
	return err == nil
}
