package main

import (
	"fmt"
	"os"
	"strings"
	"syscall"
)

// checkHost is what K3s and its kubelet demand of a node's system.
func checkHost(c *config) error {
	if c.onHost() {
		return nil
	}
	controllers, err := os.ReadFile("/sys/fs/cgroup/cgroup.controllers")
	if err != nil {
		return err
	}
	for _, name := range []string{"cpu", "cpuset", "memory"} {
		if !contains(strings.Fields(string(controllers)), name) {
			return fmt.Errorf("failed to find %s cgroup (v2)", name)
		}
	}
	if err := checkSnapshotter(c.dataDir("agent/containerd")); err != nil {
		return err
	}
	if file := c.str("resolv-conf", ""); file != "" {
		if _, err := os.Stat(file); err != nil {
			return fmt.Errorf("resolv-conf: %w", err)
		}
	}
	if c.is("protect-kernel-defaults") {
		return checkKernelDefaults()
	}
	return nil
}

func contains(list []string, wanted string) bool {
	for _, value := range list {
		if value == wanted {
			return true
		}
	}
	return false
}

// Magic numbers of statfs(2).
const overlayfs, nfs = 0x794c7630, 0x6969

// checkSnapshotter refuses file systems that containerd cannot lay its layers on.
func checkSnapshotter(dir string) error {
	if err := os.MkdirAll(dir, 0o711); err != nil {
		return err
	}
	var stat syscall.Statfs_t
	if err := syscall.Statfs(dir, &stat); err != nil {
		return err
	}
	if stat.Type == overlayfs || stat.Type == nfs {
		return fmt.Errorf(`"overlayfs" snapshotter cannot be enabled for %q, try using "fuse-overlayfs" or "native"`, dir)
	}
	return nil
}

// kernelDefaults are the kubelet's, in its words.
var kernelDefaults = []struct{ name, value string }{
	{"vm/overcommit_memory", "1"},
	{"vm/panic_on_oom", "0"},
	{"kernel/panic", "10"},
	{"kernel/panic_on_oops", "1"},
	{"kernel/keys/root_maxkeys", "1000000"},
	{"kernel/keys/root_maxbytes", "25000000"},
}

func checkKernelDefaults() error {
	var wrong []string
	for _, setting := range kernelDefaults {
		text, err := os.ReadFile("/proc/sys/" + setting.name)
		if err != nil {
			return err
		}
		if actual := strings.TrimSpace(string(text)); actual != setting.value {
			wrong = append(wrong, fmt.Sprintf("invalid kernel flag: %s, expected value: %s, actual value: %s", setting.name, setting.value, actual))
		}
	}
	if len(wrong) > 0 {
		return fmt.Errorf("Failed to start ContainerManager: [%s]", strings.Join(wrong, ", "))
	}
	return nil
}
