//! What K3s brings with it: the files of `manifests/` in k3s-io/k3s, in the order of their names, and whether a worker has to be
//! there first.

/// A packaged component.
pub(super) struct Part {
    /// As `disable` calls it.
    pub(super) name: &'static str,
    pub(super) does: &'static str,
    /// Whether a chart's job installs it, which has no toleration of its own.
    pub(super) by_job: bool,
    /// Whether it has pods.
    pub(super) has_pods: bool,
}

/// All of them.
pub(super) const PARTS: [Part; 6] = [
    Part { name: "coredns", does: "name server of the cluster", by_job: false, has_pods: true },
    Part {
        name: "local-storage",
        does: "storage class local-path: folders on the node of the pod",
        by_job: false,
        has_pods: true,
    },
    Part { name: "metrics-server", does: "what nodes and pods use, for kubectl top", by_job: false, has_pods: true },
    Part { name: "runtimes", does: "RuntimeClasses such as nvidia", by_job: false, has_pods: false },
    Part {
        name: "servicelb",
        does: "Services of type LoadBalancer get the nodes' own addresses",
        by_job: false,
        has_pods: false,
    },
    Part {
        name: "traefik",
        does: "Ingresses: web pages by host name, on ports 80 and 443",
        by_job: true,
        has_pods: true,
    },
];

/// What their pods tolerate: the taints that K3s's documentation gives to servers.
pub(super) const TOLERATED: &str = "tolerations: [{key: CriticalAddonsOnly, operator: Exists}, {key: node-role.kubernetes.io/control-plane, operator: Exists, effect: NoSchedule}]\n";
