// Command k3s is a stand-in for K3s that tests boot in its place; README.md says what it does and what it leaves out.
package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"

	"github.com/sirupsen/logrus"
)

const banner = "k3s stand-in for tests, not K3s"

func main() {
	name, args := filepath.Base(os.Args[0]), os.Args[1:]
	if link := set("kubectl crictl ctr"); !link[name] {
		if len(args) == 0 {
			args = []string{"--version"}
		}
		name, args = args[0], args[1:]
	}
	switch name {
	case "server", "agent":
		cfg, err := loadConfig(name, args)
		if err == nil {
			logrus.Infof("Starting %s", banner)
			err = map[string]func(*config) error{"server": runServer, "agent": runAgent}[name](cfg)
		}
		logrus.Fatal(err)
	case "--version", "-v":
		fmt.Println(banner)
	case "standin-get":
		text, err := fetch(args)
		if err != nil {
			logrus.Fatal(err)
		}
		os.Stdout.Write(text)
	case "kubectl", "crictl", "ctr":
		// There are no objects, pods or containers: nothing to show is the truth.
		fmt.Fprintf(os.Stderr, "%s: %s\n", name, banner)
	default:
		fmt.Fprintf(os.Stderr, "%s: no command %q\n", banner, name)
		os.Exit(1)
	}
}

// fetch gives tests what a stand-in serves, with the token in K3S_TOKEN where one is needed. A node need not have a
// program that speaks HTTP.
func fetch(args []string) ([]byte, error) {
	if len(args) != 1 {
		return nil, errors.New("usage: k3s standin-get URL")
	}
	address, err := url.Parse(args[0])
	if err != nil {
		return nil, err
	}
	server := &client{http: http.DefaultClient, url: address.Scheme + "://" + address.Host}
	if address.Scheme == "https" {
		if server, err = connect(server.url, token{password: os.Getenv("K3S_TOKEN")}); err != nil {
			return nil, err
		}
	}
	return server.get(address.Path)
}

// notifyReady tells systemd that a unit of `Type=notify` has started.
func notifyReady() error {
	socket := os.Getenv("NOTIFY_SOCKET")
	if socket == "" {
		return nil
	}
	// Go, as systemd, writes an abstract address with a leading @.
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = conn.Write([]byte("READY=1\n"))
	return err
}
