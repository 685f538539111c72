//! APIs that Kubernetes has stopped serving, from its Deprecated API Migration Guide.

/// Version, kind (empty: all kinds of the version) and the minor version that stopped serving it. Removals in 1.34 or later are
/// known from `facts.txt`.
const GONE: &[(&str, &str, u32)] = &[
    ("extensions/v1beta1", "Ingress", 22),
    ("extensions/v1beta1", "", 16),
    ("apps/v1beta1", "", 16),
    ("apps/v1beta2", "", 16),
    ("settings.k8s.io/v1alpha1", "", 20),
    ("batch/v2alpha1", "", 21),
    ("admissionregistration.k8s.io/v1beta1", "MutatingWebhookConfiguration", 22),
    ("admissionregistration.k8s.io/v1beta1", "ValidatingWebhookConfiguration", 22),
    ("apiextensions.k8s.io/v1beta1", "", 22),
    ("apiregistration.k8s.io/v1beta1", "", 22),
    ("authentication.k8s.io/v1beta1", "TokenReview", 22),
    ("authorization.k8s.io/v1beta1", "", 22),
    ("certificates.k8s.io/v1beta1", "CertificateSigningRequest", 22),
    ("coordination.k8s.io/v1beta1", "Lease", 22),
    ("networking.k8s.io/v1beta1", "Ingress", 22),
    ("networking.k8s.io/v1beta1", "IngressClass", 22),
    ("rbac.authorization.k8s.io/v1alpha1", "", 22),
    ("rbac.authorization.k8s.io/v1beta1", "", 22),
    ("scheduling.k8s.io/v1alpha1", "PriorityClass", 22),
    ("scheduling.k8s.io/v1beta1", "PriorityClass", 22),
    ("storage.k8s.io/v1beta1", "CSIDriver", 22),
    ("storage.k8s.io/v1beta1", "CSINode", 22),
    ("storage.k8s.io/v1beta1", "StorageClass", 22),
    ("storage.k8s.io/v1beta1", "VolumeAttachment", 22),
    ("node.k8s.io/v1alpha1", "", 22),
    ("auditregistration.k8s.io/v1alpha1", "", 19),
    ("autoscaling/v2beta1", "", 25),
    ("batch/v1beta1", "", 25),
    ("discovery.k8s.io/v1beta1", "", 25),
    ("events.k8s.io/v1beta1", "", 25),
    ("node.k8s.io/v1beta1", "", 25),
    ("policy/v1beta1", "", 25),
    ("autoscaling/v2beta2", "", 26),
    ("flowcontrol.apiserver.k8s.io/v1alpha1", "", 26),
    ("flowcontrol.apiserver.k8s.io/v1beta1", "", 26),
    ("storage.k8s.io/v1beta1", "CSIStorageCapacity", 27),
    ("flowcontrol.apiserver.k8s.io/v1beta2", "", 29),
    ("flowcontrol.apiserver.k8s.io/v1beta3", "", 32),
];

/// The minor version that stopped serving a kind.
#[must_use]
pub fn gone_since(version: &str, kind: &str) -> Option<u32> {
    GONE.iter().find(|(gone, of, _)| *gone == version && (of.is_empty() || *of == kind)).map(|(.., minor)| *minor)
}

/// The replacement of a kind that no version has any more.
#[must_use]
pub fn instead(kind: &str) -> Option<&'static str> {
    match kind {
        "PodSecurityPolicy" => Some(
            "take it out; label the namespace instead: `pod-security.kubernetes.io/enforce: baseline` (or `privileged`)",
        ),
        "PodPreset" => Some("take it out; write what it added into the pods"),
        "ComponentStatus" => Some("take it out"),
        _ => None,
    }
}
