package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"gopkg.in/yaml.v3"
)

// config is the merged configuration. Every flag has a list of values; one that is no list has its last one.
type config struct {
	role   string
	values map[string][]string
}

// loadConfig merges, from weak to strong: environment, configuration file, its `.d` directory in alphabetical order,
// command line.
func loadConfig(role string, args []string) (*config, error) {
	c := &config{role: role, values: map[string][]string{}}
	commandLine, err := parseFlags(role, args)
	if err != nil {
		return nil, err
	}
	for name, flag := range environment {
		if value := os.Getenv(name); value != "" && known(role)[flag] {
			c.values[flag] = []string{value}
		}
	}
	first := func(flag, fallback string) string {
		if given := commandLine[flag]; len(given) > 0 {
			return given[0]
		}
		return c.str(flag, fallback)
	}
	file := first("config", filepath.Join("/", first("standin-host", ""), "etc/rancher/k3s/config.yaml"))
	drops, err := filepath.Glob(file + ".d/*.y*ml")
	if err != nil {
		return nil, err
	}
	sort.Strings(drops)
	for _, file := range append([]string{file}, drops...) {
		if err := c.readFile(file); err != nil && !os.IsNotExist(err) {
			return nil, err
		}
	}
	for flag, values := range commandLine {
		c.values[flag] = values
	}
	for _, flag := range []string{"token", "agent-token"} {
		if file := c.str(flag+"-file", ""); file != "" {
			text, err := os.ReadFile(file)
			if err != nil {
				return nil, err
			}
			c.values[flag] = []string{strings.TrimSpace(string(text))}
		}
	}
	return c, nil
}

func parseFlags(role string, args []string) (map[string][]string, error) {
	values := map[string][]string{}
	for len(args) > 0 {
		name, value, given := strings.Cut(strings.TrimLeft(args[0], "-"), "=")
		if !strings.HasPrefix(args[0], "-") || !known(role)[name] {
			return nil, fmt.Errorf("flag provided but not defined: -%s", name)
		}
		args = args[1:]
		switch {
		case given:
		case boolean[name]:
			value = "true"
		case len(args) == 0:
			return nil, fmt.Errorf("flag needs an argument: -%s", name)
		default:
			value, args = args[0], args[1:]
		}
		values[name] = append(values[name], value)
	}
	return values, nil
}

// readFile lays a file over what is there: a value replaces, under `key+` it appends.
func (c *config) readFile(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if len(document.Content) == 0 {
		return nil
	}
	if document.Content[0].Kind != yaml.MappingNode {
		return fmt.Errorf("%s: not a mapping", path)
	}
	pairs := document.Content[0].Content
	for ; len(pairs) > 0; pairs = pairs[2:] {
		key, node := pairs[0].Value, pairs[1]
		flag := strings.TrimSuffix(key, "+")
		if !known(c.role)[flag] {
			return fmt.Errorf("%s: flag provided but not defined: -%s", path, flag)
		}
		var values []string
		switch {
		case node.Tag == "!!null":
		case node.Kind == yaml.ScalarNode:
			values = []string{node.Value}
		case node.Kind == yaml.SequenceNode:
			if err := node.Decode(&values); err != nil {
				return fmt.Errorf("%s: %s: %w", path, key, err)
			}
		default:
			return fmt.Errorf("%s: %s is neither a value nor a list", path, key)
		}
		if key != flag {
			values = append(c.values[flag], values...)
		}
		c.values[flag] = values
	}
	return nil
}

func (c *config) str(flag, fallback string) string {
	if values := c.values[flag]; len(values) > 0 && values[len(values)-1] != "" {
		return values[len(values)-1]
	}
	return fallback
}

func (c *config) is(flag string) bool {
	return c.str(flag, "false") == "true"
}

// split is for lists whose values may be lists with commas themselves.
func (c *config) split(flag string) []string {
	return strings.FieldsFunc(strings.Join(c.values[flag], ","), func(r rune) bool { return r == ',' })
}

// onHost tells that this is an ordinary process on a developer's machine instead of a node.
func (c *config) onHost() bool {
	return c.str("standin-host", "") != ""
}

// path is where a file with a fixed place on a node is.
func (c *config) path(path string) string {
	return filepath.Join("/", c.str("standin-host", ""), path)
}

func (c *config) dataDir(elements ...string) string {
	return filepath.Join(append([]string{c.str("data-dir", "/var/lib/rancher/k3s")}, elements...)...)
}

func (c *config) nodeName() (string, error) {
	name, err := os.Hostname()
	return strings.ToLower(c.str("node-name", name)), err
}

// nodeIP is the configured address or, as in K3s, that of the interface with the default route.
func (c *config) nodeIP() (string, error) {
	if given := c.split("node-ip"); len(given) > 0 {
		return given[0], nil
	}
	if c.onHost() {
		return "127.0.0.1", nil
	}
	// Connecting a datagram socket sends nothing; the address is one of the documentation's.
	conn, err := net.Dial("udp", "192.0.2.1:9")
	if err != nil {
		return "", fmt.Errorf("unable to select an IP from default routes: %w", err)
	}
	defer conn.Close()
	return conn.LocalAddr().(*net.UDPAddr).IP.String(), nil
}

// kubeletArg is the value of `NAME=VALUE` among the kubelet's arguments.
func (c *config) kubeletArg(name, fallback string) string {
	for _, arg := range c.values["kubelet-arg"] {
		if key, value, _ := strings.Cut(arg, "="); key == name {
			fallback = value
		}
	}
	return fallback
}
