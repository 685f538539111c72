//! What the objects of a manifest say that a plan tells: charts, kinds, host names, addresses, and what they wait for.

use std::collections::BTreeSet;

use super::Chart;
use super::nodes::{Pods, pods_of};
use crate::cluster::manifests::{Manifest, Object, YamlNode, groups_of_chart};

/// What is known of a manifest's content.
#[derive(Debug, Default)]
pub(super) struct Content {
    pub(super) charts: Vec<Chart>,
    pub(super) kinds: BTreeSet<String>,
    pub(super) pods: Vec<Pods>,
    pub(super) hosts: BTreeSet<String>,
    pub(super) addresses: BTreeSet<String>,
    /// API groups whose definitions it brings.
    pub(super) brings: BTreeSet<String>,
    /// API groups of its objects that Kubernetes does not have by itself.
    pub(super) wants: BTreeSet<String>,
    /// Whether it asks for an address of a load balancer.
    pub(super) wants_address: bool,
}

/// Kinds that pods come of, and kinds of operators that stand for such.
const WITH_PODS: [(&str, &str); 7] = [
    ("", "Pod"),
    ("apps", "DaemonSet"),
    ("apps", "Deployment"),
    ("apps", "StatefulSet"),
    ("batch", "CronJob"),
    ("batch", "Job"),
    ("postgresql.cnpg.io", "Cluster"),
];

/// What a manifest's objects say.
pub(super) fn content_of(manifest: &Manifest) -> Content {
    let mut content = Content::default();
    for object in &manifest.objects {
        if object.is("helm.cattle.io", "HelmChart") {
            content.chart(object);
            continue;
        }
        content.kinds.insert(object.kind().to_owned());
        if object.kind() == "CustomResourceDefinition" {
            content.brings.extend(object.text("/spec/group").map(str::to_owned));
        }
        let group = object.group();
        if is_foreign(group) {
            content.wants.insert(group.to_owned());
        }
        if WITH_PODS.iter().any(|(group, kind)| object.is(group, kind)) {
            // Its pods are of one kind: where parts say something, that holds, and not what is said for all, which stands first.
            let pods = pods_of(object);
            let own: Vec<Pods> = pods.iter().skip(1).map(|own| Pods { part: String::new(), ..own.clone() }).collect();
            content.pods.extend(if own.is_empty() { pods } else { own });
        }
        content.places(object);
    }
    content
}

/// Whether a group is one that neither Kubernetes nor K3s itself has.
fn is_foreign(group: &str) -> bool {
    group.contains('.') && !group.ends_with(".k8s.io") && !["helm.cattle.io", "k3s.cattle.io"].contains(&group)
}

impl Content {
    fn chart(&mut self, object: &Object) {
        let text = |path: &str| object.text(path).map(str::to_owned);
        let chart = text("/spec/chart").unwrap_or_else(|| object.name().to_owned());
        let short = chart.rsplit('/').next().unwrap_or(&chart).to_owned();
        let repository = text("/spec/repo").or_else(|| chart.contains("://").then(|| chart.clone()));
        self.brings.extend(groups_of_chart(&short).iter().map(|&group| group.to_owned()));
        self.charts.push(Chart {
            release: object.name().to_owned(),
            chart: short,
            version: text("/spec/version"),
            repository,
            namespace: text("/spec/targetNamespace").unwrap_or_else(|| object.namespace().to_owned()),
            bootstrap: object.at("/spec/bootstrap").is_some_and(YamlNode::is_true),
        });
        let inner = object.text("/spec/valuesContent").and_then(|text| Manifest::parse("values", text).ok());
        let inner = inner.into_iter().flat_map(|values| values.objects);
        let values: Vec<Object> =
            object.at("/spec/values").map(|root| Object { root: root.clone() }).into_iter().chain(inner).collect();
        for values in &values {
            self.pods.extend(pods_of(values));
            self.pages(values);
            self.addresses_below(&values.root);
        }
        if values.is_empty() {
            self.pods.push(Pods::default());
        }
    }

    /// Host names in the values of a chart: those of each `ingress` that is on.
    fn pages(&mut self, values: &Object) {
        let mut ingresses = Vec::new();
        named(&values.root, "ingress", &mut ingresses);
        for ingress in ingresses {
            let is_off = ingress.entry("enabled").is_some_and(|entry| !entry.node.is_true());
            if is_off || ingress.entries().is_empty() {
                continue;
            }
            let before = self.hosts.len();
            let single = ["/host", "/hostname"].into_iter().filter_map(|path| ingress.at(path)?.text());
            let several = ingress.at("/hosts").into_iter().flat_map(YamlNode::items);
            let several = several.filter_map(|host| host.text().or_else(|| host.at("/host")?.text()));
            self.hosts.extend(single.chain(several).map(str::to_owned));
            if self.hosts.len() == before {
                // Argo CD's chart has one name for all of its pages.
                self.hosts.extend(values.text("/global/domain").map(str::to_owned));
            }
        }
    }

    fn places(&mut self, object: &Object) {
        if object.kind() == "Ingress" {
            let rules = object.at("/spec/rules").into_iter().flat_map(YamlNode::items);
            self.hosts.extend(rules.filter_map(|rule| rule.at("/host")?.text()).map(str::to_owned));
        }
        if object.is("traefik.io", "IngressRoute") {
            let routes = object.at("/spec/routes").into_iter().flat_map(YamlNode::items);
            let rules = routes.filter_map(|route| route.at("/match")?.text());
            self.hosts.extend(rules.flat_map(hosts_of_rule).map(str::to_owned));
        }
        if object.is("metallb.io", "IPAddressPool") {
            let ranges = object.at("/spec/addresses").into_iter().flat_map(YamlNode::items);
            self.addresses.extend(ranges.filter_map(YamlNode::text).map(str::to_owned));
        }
        self.addresses_below(&object.root);
    }

    /// Addresses that Services ask for, anywhere below.
    fn addresses_below(&mut self, node: &YamlNode) {
        for entry in node.entries() {
            match (entry.key.as_str(), entry.node.text()) {
                ("metallb.io/loadBalancerIPs" | "loadBalancerIP", Some(asked)) if !asked.is_empty() => {
                    self.addresses.extend(asked.split(',').map(|address| address.trim().to_owned()));
                    self.wants_address = true;
                }
                ("type", Some("LoadBalancer")) => self.wants_address = true,
                _ => {}
            }
            self.addresses_below(&entry.node);
        }
        for item in node.items() {
            self.addresses_below(item);
        }
    }
}

/// All mappings below a key of this name.
fn named<'n>(node: &'n YamlNode, name: &str, found: &mut Vec<&'n YamlNode>) {
    for entry in node.entries() {
        if entry.key == name {
            found.push(&entry.node);
        } else {
            named(&entry.node, name, found);
        }
    }
}

/// The names in a rule of Traefik: ``Host(`a`) || Host(`b`)``.
fn hosts_of_rule(rule: &str) -> impl Iterator<Item = &str> {
    // What stands before the first is no host.
    rule.split("Host(")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .flat_map(|inner| inner.split(','))
        .map(|name| name.trim().trim_matches(['`', '"', '\'']))
}
