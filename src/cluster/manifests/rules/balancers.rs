//! Two programs that give Services of type `LoadBalancer` their addresses.

use crate::cluster::manifests::object::Object;

use super::{Against, FlawKind, Flaws};

/// K3s' own takes every Service that names no class, and so does `MetalLB` (metallb.io, "K3s"). A pool shows that `MetalLB`
/// is in use, whoever installs it.
pub(super) fn check(object: &Object, all: &[&Object], against: &Against<'_>, flaws: &mut Flaws<'_>) {
    if !object.is("metallb.io", "IPAddressPool") || against.disabled.contains(&"servicelb") {
        return;
    }
    // MetalLB with a class of its own leaves the other Services to K3s.
    let class = |chart: &&Object| {
        let text = chart.text("/spec/valuesContent").is_some_and(|values| values.contains("loadBalancerClass:"));
        text || chart.at("/spec/values/loadBalancerClass").is_some()
    };
    if all.iter().any(class) {
        return;
    }
    flaws.add(
        FlawKind::TwoBalancers,
        object.place("/kind"),
        format!("{} is MetalLB's, and K3s has a load balancer of its own, which is not left out", object.spoken()),
        "add `disable = [\"servicelb\"]` to [k3s] of cluster.toml",
    );
}
