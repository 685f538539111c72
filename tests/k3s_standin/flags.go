package main

import "strings"

// The names that K3s accepts as flags and as keys of its configuration files. A server takes an agent's names too.
const (
	agentFlags = `
		airgap-extra-registry alsologtostderr bind-address config container-runtime-endpoint data-dir debug
		default-runtime disable-apiserver-lb disable-default-registry-endpoint docker enable-pprof flannel-cni-conf
		flannel-conf flannel-iface image-credential-provider-bin-dir image-credential-provider-config
		image-service-endpoint kube-proxy-arg kubelet-arg lb-server-port log node-external-dns node-external-ip
		node-internal-dns node-ip node-label node-name node-taint nonroot-devices pause-image prefer-bundled-bin
		private-registry protect-kernel-defaults resolv-conf rootless selinux server snapshotter
		standin-host system-default-registry token token-file v vmodule vpn-auth vpn-auth-file with-node-id`
	serverFlags = `
		advertise-address advertise-port agent-token agent-token-file cluster-cidr cluster-dns cluster-domain
		cluster-init cluster-reset cluster-reset-restore-path datastore-cafile datastore-certfile datastore-endpoint
		datastore-keyfile default-local-storage-path disable disable-apiserver disable-cloud-controller
		disable-controller-manager disable-etcd disable-helm-controller disable-kube-proxy disable-network-policy
		disable-scheduler egress-selector-mode embedded-registry etcd-arg etcd-disable-snapshots etcd-expose-metrics
		etcd-s3 etcd-snapshot-compress etcd-snapshot-dir etcd-snapshot-name etcd-snapshot-retention
		etcd-snapshot-schedule-cron flannel-backend flannel-external-ip flannel-ipv6-masq helm-job-image
		https-listen-port kine-tls kube-apiserver-arg kube-cloud-controller-manager-arg kube-controller-manager-arg
		kube-scheduler-arg secrets-encryption secrets-encryption-provider service-cidr service-node-port-range
		servicelb-namespace supervisor-metrics tls-san tls-san-security write-kubeconfig write-kubeconfig-group
		write-kubeconfig-mode write-kubeconfig-name`
	// Flags that may stand without a value on the command line.
	booleanFlags = `
		alsologtostderr cluster-init cluster-reset debug disable-apiserver disable-apiserver-lb
		disable-cloud-controller disable-controller-manager disable-default-registry-endpoint disable-etcd
		disable-helm-controller disable-kube-proxy disable-network-policy disable-scheduler docker embedded-registry
		enable-pprof etcd-disable-snapshots etcd-expose-metrics etcd-s3 etcd-snapshot-compress flannel-external-ip
		flannel-ipv6-masq kine-tls nonroot-devices prefer-bundled-bin protect-kernel-defaults rootless
		secrets-encryption selinux supervisor-metrics tls-san-security with-node-id`
)

// environment is what K3s reads where neither the command line nor a file gives a value.
var environment = map[string]string{
	"K3S_AGENT_TOKEN":        "agent-token",
	"K3S_AGENT_TOKEN_FILE":   "agent-token-file",
	"K3S_CONFIG_FILE":        "config",
	"K3S_DATASTORE_CAFILE":   "datastore-cafile",
	"K3S_DATASTORE_CERTFILE": "datastore-certfile",
	"K3S_DATASTORE_ENDPOINT": "datastore-endpoint",
	"K3S_DATASTORE_KEYFILE":  "datastore-keyfile",
	"K3S_DATA_DIR":           "data-dir",
	"K3S_KUBECONFIG_MODE":    "write-kubeconfig-mode",
	"K3S_KUBECONFIG_OUTPUT":  "write-kubeconfig",
	"K3S_NODE_NAME":          "node-name",
	"K3S_RESOLV_CONF":        "resolv-conf",
	"K3S_SELINUX":            "selinux",
	"K3S_TOKEN":              "token",
	"K3S_TOKEN_FILE":         "token-file",
	"K3S_URL":                "server",
}

func set(names string) map[string]bool {
	set := map[string]bool{}
	for _, name := range strings.Fields(names) {
		set[name] = true
	}
	return set
}

var boolean = set(booleanFlags)

// known names the flags of a role.
func known(role string) map[string]bool {
	if role == "server" {
		return set(agentFlags + serverFlags)
	}
	return set(agentFlags)
}
