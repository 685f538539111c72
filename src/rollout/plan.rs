//! Makes the plan of a cluster: its nodes, then its systems, of the profiles of its servers.

use std::collections::{BTreeMap, BTreeSet};

use super::nodes::{Pods, node_of, pods_of};
use super::objects::{Content, content_of};
use super::parts::{PARTS, TOLERATED};
use super::{File, Node, Rollout, SecretState, SecretUse, Stage, Step, Wait, order};
use crate::cluster::manifests::{Context, Home, Manifest, STAND_IN, render, uses};
use crate::cluster::secrets::{AGENT_TOKEN, DATASTORE_URL, NodeNeeds, SERVER_TOKEN, Secrets};
use crate::cluster::{self, Cluster};
use crate::profile::{ManifestTemplate, Origin, Overlay, Profile, Role};

/// What a plan is made of.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    pub cluster: &'a Cluster,
    /// The profiles that nodes name, by their names.
    pub profiles: &'a BTreeMap<String, Profile>,
    /// None if they cannot be opened here. No value of one gets into the plan.
    pub secrets: Option<&'a Secrets>,
}

/// The plan of a cluster's first boot. A manifest that cannot be read is in it with the reason.
#[must_use]
pub fn plan(inputs: Inputs<'_>) -> Rollout {
    let pairs: Vec<(&cluster::Node, &Profile)> = pairs(&inputs).collect();
    let nodes: Vec<Node> = pairs.iter().map(|(node, profile)| node_of(node, profile)).collect();
    let is_server = |node: &&Node| node.role == Some(Role::Server.name());
    let servers: Vec<&str> = nodes.iter().filter(is_server).map(|node| node.name.as_str()).collect();
    let mut steps = Vec::new();
    for (node, profile) in &pairs {
        steps.extend(steps_of_node(node, profile, inputs.cluster, &servers));
    }
    steps.extend(packaged(&inputs, &nodes));
    steps.extend(systems(&inputs, &nodes));
    let steps = order::sort(&steps);
    let secrets = secrets_of(&steps, inputs.secrets);
    Rollout { cluster: inputs.cluster.name.clone(), nodes, steps, secrets }
}

fn pairs<'a>(inputs: &Inputs<'a>) -> impl Iterator<Item = (&'a cluster::Node, &'a Profile)> {
    let Inputs { cluster, profiles, .. } = *inputs;
    cluster.nodes.values().filter_map(|node| Some((node, profiles.get(&node.profile)?)))
}

/// The profiles of servers, each once.
fn servers<'a>(inputs: &Inputs<'a>) -> Vec<&'a Profile> {
    let mut names = BTreeSet::new();
    let is_server = |profile: &&Profile| profile.k3s.as_ref().is_some_and(|k3s| k3s.role == Role::Server);
    pairs(inputs).map(|(_, profile)| profile).filter(is_server).filter(|profile| names.insert(&profile.name)).collect()
}

fn step(id: String, stage: Stage, name: &str, does: String) -> Step {
    Step {
        id,
        stage,
        wave: None,
        depth: 0,
        name: name.to_owned(),
        does,
        gate: Vec::new(),
        files: Vec::new(),
        runs_on: Vec::new(),
        also_on: Vec::new(),
        nowhere: Vec::new(),
        waits_for: Vec::new(),
        secrets: BTreeSet::new(),
        hosts: BTreeSet::new(),
        addresses: BTreeSet::new(),
        ports: BTreeSet::new(),
    }
}

fn wait(any_of: impl IntoIterator<Item = String>, why: &str) -> Wait {
    Wait { any_of: any_of.into_iter().collect(), why: why.to_owned() }
}

fn start_of(node: &str) -> String {
    format!("start/{node}")
}

fn join_of(node: &str) -> String {
    format!("join/{node}")
}

fn server_of(node: &str) -> String {
    format!("server/{node}")
}

/// A node's start, and how it becomes a part of the cluster.
fn steps_of_node(node: &cluster::Node, profile: &Profile, cluster: &Cluster, servers: &[&str]) -> Vec<Step> {
    let name = &node.name;
    let Some(k3s) = &profile.k3s else {
        return vec![step(start_of(name), Stage::Start, name, "starts; it has no K3s".to_owned())];
    };
    let mut gate = vec!["its seed".to_owned()];
    gate.extend(node.disks.iter().map(|disk| {
        let blank = if disk.format == cluster::Format::IfBlank { " (formatted if blank)" } else { "" };
        format!("disk {} at {}{blank}", disk.label, disk.mount)
    }));
    gate.extend(["its network", "the true time"].map(str::to_owned));
    let (id, stage, last, does) = match k3s.role {
        Role::Server => {
            let state = match &cluster.datastore {
                Some(_) => "its state in PostgreSQL",
                None => "its state in SQLite on its own disk",
            };
            let last = cluster.datastore.as_ref().map(|_| "the database".to_owned());
            (server_of(name), Stage::Server, last, format!("K3s {} as server, {state}", k3s.version))
        }
        Role::Agent => {
            let does = format!("K3s {} as agent of {}", k3s.version, cluster.server);
            (join_of(name), Stage::Join, Some("the server".to_owned()), does)
        }
    };
    gate.extend(last);
    let mut start = step(start_of(name), Stage::Start, name, format!("starts; its gate waits for {}", gate.join(", ")));
    start.gate = gate;
    // What is used for the manifests is told with them.
    let of_manifests: BTreeSet<String> =
        profile.manifests.values().filter_map(|template| uses(template).ok()).flat_map(|used| used.secrets).collect();
    let needs = NodeNeeds::of_node(node, profile, cluster).secrets;
    let of_k3s = |secret: &&String| [AGENT_TOKEN, DATASTORE_URL, SERVER_TOKEN].contains(&secret.as_str());
    let mut part = step(id, stage, name, does);
    part.secrets = needs.iter().filter(of_k3s).cloned().collect();
    start.secrets = needs.iter().filter(|secret| !of_k3s(secret) && !of_manifests.contains(*secret)).cloned().collect();
    part.waits_for.push(wait([start_of(name)], "its gate lets K3s start"));
    if stage == Stage::Join {
        part.waits_for.push(wait(servers.iter().map(|server| server_of(server)), "the server answers"));
    }
    vec![start, part]
}

/// Where a job can run that tolerates nothing.
fn first_worker(nodes: &[Node]) -> Option<Wait> {
    let is_server = |node: &&Node| node.role == Some("server");
    if nodes.iter().filter(is_server).any(|node| !node.is_tainted()) {
        return None;
    }
    let open = nodes.iter().filter(|node| node.role == Some("agent") && !node.is_tainted());
    Some(wait(open.map(|node| join_of(&node.name)), "its job tolerates no taint, and every server has one"))
}

/// What K3s brings and no server leaves out.
fn packaged(inputs: &Inputs<'_>, nodes: &[Node]) -> Vec<Step> {
    let servers = servers(inputs);
    if servers.is_empty() {
        return Vec::new();
    }
    let of_cluster = inputs.cluster.k3s.disable.iter().map(|component| component.name());
    let of_profiles = servers.iter().flat_map(|profile| profile.k3s.iter()).flat_map(|k3s| &k3s.disable);
    let disabled: BTreeSet<&str> = of_cluster.chain(of_profiles.map(String::as_str)).collect();
    let tolerant = Manifest::parse("values", TOLERATED).map(|values| values.objects).unwrap_or_default();
    let up: Vec<String> =
        nodes.iter().filter(|node| node.role == Some("server")).map(|node| server_of(&node.name)).collect();
    let mut steps = Vec::new();
    for part in PARTS.iter().filter(|part| !disabled.contains(part.name)) {
        let mut found = step(format!("k3s/{}", part.name), Stage::Packaged, part.name, part.does.to_owned());
        found.waits_for.push(wait(up.clone(), "K3s applies it"));
        found.waits_for.extend(first_worker(nodes).filter(|_| part.by_job));
        if part.has_pods {
            run_on(&mut found, &tolerant.iter().flat_map(pods_of).collect::<Vec<_>>(), nodes);
        }
        steps.push(found);
    }
    steps
}

/// Notes which nodes can run which pods.
fn run_on(step: &mut Step, pods: &[Pods], nodes: &[Node]) {
    let let_in =
        |pods: &Pods| nodes.iter().filter(|node| node.lets_in(pods)).map(|node| node.name.clone()).collect::<Vec<_>>();
    let mut runs_on = BTreeSet::new();
    let mut also_on = BTreeSet::new();
    for group in pods {
        let found = let_in(group);
        if found.is_empty() {
            step.nowhere.push(if group.part.is_empty() { step.name.clone() } else { group.part.clone() });
        }
        if group.part.is_empty() { runs_on.extend(found) } else { also_on.extend(found) }
    }
    if runs_on.is_empty() {
        std::mem::swap(&mut runs_on, &mut also_on);
    }
    step.also_on = also_on.difference(&runs_on).cloned().collect();
    step.runs_on = runs_on.into_iter().collect();
    step.nowhere.sort();
    step.nowhere.dedup();
}

/// A system of the cluster: what its files bring, wherever they lie.
struct System<'a> {
    overlay: &'a Overlay,
    files: Vec<(File, Content)>,
}

/// The steps of all overlays with manifests.
fn systems(inputs: &Inputs<'_>, nodes: &[Node]) -> Vec<Step> {
    let mut systems: BTreeMap<&str, System<'_>> = BTreeMap::new();
    for profile in servers(inputs) {
        let overlays: BTreeMap<&str, &Overlay> =
            profile.overlays.iter().map(|overlay| (overlay.name.as_str(), overlay)).collect();
        for (name, template) in &profile.manifests {
            let Origin::Overlay(origin) = &template.origin else { continue };
            let Some(&overlay) = overlays.get(origin.as_str()) else { continue };
            let system = systems.entry(&overlay.name).or_insert_with(|| System { overlay, files: Vec::new() });
            if system.files.iter().all(|(file, _)| file.name != *name) {
                system.files.push(read(name, template, profile, inputs));
            }
        }
    }
    for system in systems.values_mut() {
        until(&mut system.files);
    }
    let mut steps: Vec<(usize, Step)> = Vec::new();
    for system in systems.values() {
        let (of_git, of_node): (Vec<_>, Vec<_>) = system.files.iter().partition(|(file, _)| file.from == Home::Git);
        for (stage, files) in [(Stage::Seed, &of_node), (Stage::Git, &of_git)] {
            if !files.is_empty() {
                // What is only there for the rest of it, which comes from Git, waits for nothing.
                let is_rest = stage == Stage::Seed && !of_git.is_empty();
                let order = steps.len();
                steps.push((order, step_of(system, stage, files, is_rest, &systems, nodes)));
            }
        }
    }
    // K3s walks the image's folder before the seed's.
    let first = |step: &Step| step.files.iter().map(|file| (file.from, file.name.clone())).min();
    steps.sort_by_key(|(order, step)| (first(step), *order));
    let mut steps: Vec<Step> = steps.into_iter().map(|(_, step)| step).collect();
    for step in &mut steps {
        step.files.sort_by(|one, two| one.name.cmp(&two.name));
    }
    steps
}

/// A file with what is known of its content.
fn read(name: &str, template: &ManifestTemplate, profile: &Profile, inputs: &Inputs<'_>) -> (File, Content) {
    let mut file = File {
        name: name.to_owned(),
        from: Home::Image,
        charts: Vec::new(),
        kinds: BTreeSet::new(),
        secrets: BTreeSet::new(),
        until: None,
        unknown: None,
    };
    let used = match uses(template) {
        Ok(used) => used,
        Err(error) => {
            file.unknown = Some(error.reason());
            return (file, Content::default());
        }
    };
    file.from = used.home(template.via);
    file.secrets.clone_from(&used.secrets);
    // No value of a secret: that none is in the plan must not depend on where a template puts one.
    let stand_ins = used.secrets.iter().map(|name| (name.clone(), STAND_IN));
    let context = Context::default()
        .profile(profile.public())
        .cluster(inputs.cluster)
        .overlays(&inputs.cluster.overlays)
        .secrets(stand_ins);
    let text = match render(template, &context) {
        Ok(text) => text,
        Err(error) => {
            file.unknown = Some(error.reason());
            return (file, Content::default());
        }
    };
    match Manifest::parse(name, &text) {
        Ok(manifest) => {
            let content = content_of(&manifest);
            file.charts.clone_from(&content.charts);
            file.kinds.clone_from(&content.kinds);
            (file, content)
        }
        Err(fault) => {
            file.unknown = Some(fault.message);
            (file, Content::default())
        }
    }
}

/// Notes for which chart of their own overlay files are tried again.
fn until(files: &mut [(File, Content)]) {
    let bringers: Vec<(String, BTreeSet<String>)> = files
        .iter()
        .filter_map(|(_, content)| Some((content.charts.first()?.chart.clone(), content.brings.clone())))
        .collect();
    for (file, content) in files.iter_mut().filter(|(file, _)| file.charts.is_empty()) {
        let bringer = bringers.iter().find(|(_, brings)| !brings.is_disjoint(&content.wants));
        file.until = bringer.map(|(chart, _)| chart.clone());
    }
}

/// The main step of a system, which others wait for.
fn id_of(system: &System<'_>) -> String {
    let of_git = system.files.iter().any(|(file, _)| file.from == Home::Git);
    id(&system.overlay.name, if of_git { Stage::Git } else { Stage::Seed })
}

fn id(overlay: &str, stage: Stage) -> String {
    format!("{}/{overlay}", if stage == Stage::Git { "git" } else { "seed" })
}

fn step_of(
    system: &System<'_>,
    stage: Stage,
    files: &[&(File, Content)],
    is_rest: bool,
    systems: &BTreeMap<&str, System<'_>>,
    nodes: &[Node],
) -> Step {
    let overlay = system.overlay;
    let mut step = step(id(&overlay.name, stage), stage, &overlay.name, overlay.description.clone());
    let contents = || files.iter().map(|(_, content)| content);
    step.files = files.iter().map(|(file, _)| file.clone()).collect();
    step.secrets = files.iter().flat_map(|(file, _)| file.secrets.iter().cloned()).collect();
    step.hosts = contents().flat_map(|content| content.hosts.iter().cloned()).collect();
    step.addresses = contents().flat_map(|content| content.addresses.iter().cloned()).collect();
    let pods: Vec<Pods> = contents().flat_map(|content| content.pods.iter().cloned()).collect();
    run_on(&mut step, &pods, nodes);
    if is_rest {
        step.does = format!("what {} needs that is secret, and what it lies in", overlay.name);
        return step;
    }
    step.ports.clone_from(&overlay.ports);
    let provider = |role: &str| {
        let provides =
            |other: &&System<'_>| other.overlay.provides.contains(role) && other.overlay.name != overlay.name;
        systems.values().find(provides).map(id_of)
    };
    let mut waits: Vec<Wait> = Vec::new();
    let mut add = |found: Wait| {
        if !found.any_of.is_empty() && waits.iter().all(|known| known.any_of != found.any_of) {
            waits.push(found);
        }
    };
    if stage == Stage::Git {
        if let Some(gitops) = provider("gitops") {
            add(wait([gitops], "which applies it"));
        }
        if system.files.iter().any(|(file, _)| file.from != Home::Git) {
            add(wait([id(&overlay.name, Stage::Seed)], "namespace and secrets"));
        }
    }
    for role in &overlay.needs {
        if let Some(id) = provider(role) {
            add(wait([id], &format!("it needs {role}")));
        }
    }
    let own: BTreeSet<&String> = system.files.iter().flat_map(|(_, content)| &content.brings).collect();
    for group in contents().flat_map(|content| &content.wants).filter(|group| !own.contains(group)) {
        let brings = |other: &&System<'_>| other.files.iter().any(|(_, content)| content.brings.contains(group));
        match systems.values().find(brings).map(id_of) {
            // Of two that Argo CD applies, `needs` alone is the order; it tries again.
            Some(other) if stage == Stage::Git && other.starts_with("git/") => {}
            Some(other) => add(wait([other], &format!("definitions of {group}"))),
            None if group == "traefik.io" => add(wait(["k3s/traefik".to_owned()], "definitions of traefik.io")),
            None => {}
        }
    }
    if contents().any(|content| content.wants_address)
        && let Some(id) = provider("load-balancer")
    {
        add(wait([id], "an address"));
    }
    let is_by_job = |file: &&(File, Content)| file.0.charts.iter().any(|chart| !chart.bootstrap);
    if stage == Stage::Seed && files.iter().any(is_by_job) {
        first_worker(nodes).into_iter().for_each(&mut add);
    }
    step.waits_for = waits;
    step
}

/// Who needs which secret, and whether it is there.
fn secrets_of(steps: &[Step], secrets: Option<&Secrets>) -> Vec<SecretUse> {
    let mut users: BTreeMap<&String, Vec<String>> = BTreeMap::new();
    for step in steps {
        for secret in &step.secrets {
            let users = users.entry(secret).or_default();
            if !users.contains(&step.name) {
                users.push(step.name.clone());
            }
        }
    }
    let state = |name: &str| match secrets {
        None => SecretState::Unknown,
        Some(secrets) if secrets.get(name).is_none() => SecretState::Missing,
        Some(secrets) if secrets.problem(name).is_some() => SecretState::Unfit,
        Some(_) => SecretState::Set,
    };
    users.into_iter().map(|(name, used_by)| SecretUse { name: name.clone(), state: state(name), used_by }).collect()
}
