//! `sbom.spdx.json`: the packages of an image as an SPDX 2.3 document that Trivy, Grype and Syft match.
//!
//! Scanners find a package's advisories by its purl, whose `upstream` names the source package, and by the operating
//! system that contains it. Nothing here depends on when or where the image was built.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{Brought, ManifestPackage};
use crate::debian::Package;
use crate::tree::Digest;

/// What this project's images are: the operating system that scanners look advisories up for.
const OS: &str = "debian";
const OS_VERSION: &str = "13";

/// What in an image is from no package, K3s above all, as the SBOM and the manifest need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArtifactComponent {
    pub entry: ManifestPackage,
    pub made: Made,
}

/// Where an artifact is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Made {
    /// A file of a release of K3s.
    Released,
    /// A download from this URL.
    Downloaded { url: String },
    /// A container image that the node starts, pulled by the entry's digest; the entry's version is its tag.
    Pulled,
    /// Kernel modules compiled for this `kernel` of the source in a Debian package; the entry's version is that package's.
    Compiled { package: String, kernel: String },
}

/// A package as the SBOM and the manifest need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Component {
    pub name: String,
    pub version: String,
    pub arch: String,
    /// Of the `.deb`.
    pub sha256: Digest,
    /// Source package.
    pub source: String,
    /// Its version.
    pub source_version: String,
    /// Who asks for it, as `overlay:NAME`, `profile:NAME` or `board:NAME`.
    pub wanted_by: Vec<String>,
}

impl Component {
    /// From an unpacked package and the digest of its `.deb`. Field `Source` is there only if it says more
    /// than name and version (Debian policy 5.6.1).
    #[must_use]
    pub fn new(package: &Package, sha256: Digest) -> Self {
        let source = package.field("Source").unwrap_or(&package.name).trim();
        let (source, version) = match source.split_once(" (") {
            Some((source, version)) => (source, version.trim_end_matches(')')),
            None => (source, package.version.as_str()),
        };
        Self {
            name: package.name.clone(),
            version: package.version.clone(),
            arch: package.arch.clone(),
            sha256,
            source: source.to_owned(),
            source_version: version.to_owned(),
            wanted_by: Vec::new(),
        }
    }

    /// Its package URL (purl specification, type `deb`).
    #[must_use]
    pub fn purl(&self) -> String {
        let Self { name, version, arch, source, source_version, .. } = self;
        let mut upstream = String::new();
        if source_version != version {
            upstream = format!("&upstream={}", encode(&format!("{source}@{source_version}")));
        } else if source != name {
            upstream = format!("&upstream={}", encode(source));
        }
        let (name, version, arch) = (encode(name), encode(version), encode(arch));
        format!("pkg:deb/{OS}/{name}@{version}?arch={arch}&distro={OS}-{OS_VERSION}{upstream}")
    }
}

/// Percent-encodes all but what the purl specification leaves as it is.
fn encode(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b".-_~:".contains(&byte) {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").expect("a string takes all that is written");
        }
        out
    })
}

/// The document for the image of `profile` with this id, made of `packages`, of `artifacts` and of the `files` of the profile
/// and its overlays, dated `epoch` (seconds since 1970).
#[must_use]
pub fn sbom(
    profile: &str,
    image_id: &str,
    epoch: u64,
    packages: &[Component],
    artifacts: &[ArtifactComponent],
    files: &[Brought],
) -> String {
    let created = i64::try_from(epoch).ok().and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    let created = created.unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let mut sorted: Vec<&Component> = packages.iter().collect();
    sorted.sort_by_key(|package| (&package.name, &package.arch));
    let identifier = |name: &str, arch: &str| format!("SPDXRef-Package-{}-{arch}", idstring(name));

    let mut elements = vec![operating_system()];
    let mut relations = vec![relation("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-OperatingSystem")];
    let mut contain = |id: String, element: Value| {
        relations.push(relation("SPDXRef-OperatingSystem", "CONTAINS", &id));
        elements.push(element);
    };
    for package in sorted {
        let id = identifier(&package.name, &package.arch);
        let element = element(package, &id);
        contain(id, element);
    }
    for (number, ArtifactComponent { entry, made }) in (1..).zip(artifacts) {
        let (id, element) = match made {
            Made::Released => {
                // A release's name in front: a package may have the same one.
                let id = identifier(&format!("release-{}", entry.name), &entry.arch);
                let element = released(entry, &id);
                (id, element)
            }
            Made::Compiled { package, kernel } => {
                let id = format!("SPDXRef-KernelModule-{}-{}", idstring(&entry.name), entry.arch);
                let element = compiled(entry, package, kernel, &id);
                (id, element)
            }
            Made::Pulled => {
                let id = format!("SPDXRef-Package-image-{number}");
                let element = pulled(entry, &id);
                (id, element)
            }
            Made::Downloaded { url } => {
                // By its number, since a path may have letters that an identifier has not.
                let id = format!("SPDXRef-Package-artifact-{number}");
                let element = downloaded(entry, url, &id);
                (id, element)
            }
        };
        contain(id, element);
    }
    let mut own = Vec::new();
    for (number, file) in (1..).zip(files) {
        let id = format!("SPDXRef-File-{number}");
        // The operating system's package says that its files were not analysed, so it must contain none (clause 7.8).
        relations.push(relation("SPDXRef-DOCUMENT", "DESCRIBES", &id));
        own.push(file_element(file, &id));
    }
    let document = json!({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": format!("{profile}-{image_id}"),
        "documentNamespace": format!("https://spdx.org/spdxdocs/imgbuild/{profile}-{image_id}"),
        "creationInfo": {
            "created": created.to_string(),
            "creators": [concat!("Tool: imgbuild-", env!("CARGO_PKG_VERSION"))],
        },
        "packages": elements,
        "files": own,
        "relationships": relations,
    });
    format!("{document:#}\n")
}

fn element(package: &Component, identifier: &str) -> Value {
    let mut element = json!({
        "SPDXID": identifier,
        "name": package.name,
        "versionInfo": package.version,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": false,
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": "NOASSERTION",
        "copyrightText": "NOASSERTION",
        // Where Trivy reads the source package from.
        "sourceInfo": format!("built package from: {} {}", package.source, package.source_version),
        "checksums": [{ "algorithm": "SHA256", "checksumValue": package.sha256 }],
        "externalRefs": [{
            "referenceCategory": "PACKAGE-MANAGER",
            "referenceType": "purl",
            "referenceLocator": package.purl(),
        }],
    });
    comment(&mut element, &package.wanted_by);
    element
}

/// Says who asks for what an element is about, if somebody does.
fn comment(element: &mut Value, wanted_by: &[String]) {
    if !wanted_by.is_empty() {
        element["comment"] = json!(format!("wanted by {}", wanted_by.join(", ")));
    }
}

/// A file of the profile or an overlay.
fn file_element(file: &Brought, identifier: &str) -> Value {
    json!({
        "SPDXID": identifier,
        "fileName": format!("./{}", file.path),
        "checksums": [
            { "algorithm": "SHA1", "checksumValue": file.sha1 },
            { "algorithm": "SHA256", "checksumValue": file.sha256 },
        ],
        "licenseConcluded": "NOASSERTION",
        "licenseInfoInFiles": ["NOASSERTION"],
        "copyrightText": "NOASSERTION",
        "comment": format!("from {}", file.origin),
    })
}

/// A file of a release of K3s (purl specification, type `github`).
fn released(artifact: &ManifestPackage, identifier: &str) -> Value {
    json!({
        "SPDXID": identifier,
        "name": artifact.name,
        "versionInfo": artifact.version,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": false,
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": "Apache-2.0",
        "copyrightText": "NOASSERTION",
        "checksums": [{ "algorithm": "SHA256", "checksumValue": artifact.sha256 }],
        "externalRefs": [{
            "referenceCategory": "PACKAGE-MANAGER",
            "referenceType": "purl",
            "referenceLocator": format!("pkg:github/k3s-io/k3s@{}", encode(&artifact.version)),
        }],
    })
}

/// Kernel modules of a Debian package's source, which is what advisories are about.
fn compiled(modules: &ManifestPackage, package: &str, kernel: &str, identifier: &str) -> Value {
    let source = Component {
        name: package.to_owned(),
        version: modules.version.clone(),
        arch: modules.arch.clone(),
        sha256: modules.sha256,
        source: package.to_owned(),
        source_version: modules.version.clone(),
        wanted_by: modules.wanted_by.clone(),
    };
    let mut element = element(&source, identifier);
    element["name"] = json!(format!("{} (kernel modules for {kernel})", modules.name));
    element
}

/// A file from a URL (purl specification, type `generic`).
fn downloaded(artifact: &ManifestPackage, url: &str, identifier: &str) -> Value {
    let ManifestPackage { name, version, sha256, wanted_by, .. } = artifact;
    let file = name.rsplit('/').next().unwrap_or(name);
    let purl = format!("pkg:generic/{}@{version}?checksum=sha256:{sha256}&download_url={}", encode(file), encode(url));
    let mut element = foreign(artifact, &purl, identifier);
    element["downloadLocation"] = json!(url);
    comment(&mut element, wanted_by);
    element
}

/// A container image (purl specification, type `oci`). Its digest is that of its index or manifest.
fn pulled(image: &ManifestPackage, identifier: &str) -> Value {
    let ManifestPackage { name, version, arch, sha256, .. } = image;
    let last = name.rsplit('/').next().unwrap_or(name);
    let mut purl = format!("pkg:oci/{}@sha256%3A{sha256}?arch={arch}&repository_url={}", encode(last), encode(name));
    if !version.contains(':') {
        purl = format!("{purl}&tag={}", encode(version));
    }
    let mut element = foreign(image, &purl, identifier);
    element["primaryPackagePurpose"] = json!("CONTAINER");
    element
}

/// What is from elsewhere, of whose licence nothing is known.
fn foreign(thing: &ManifestPackage, purl: &str, identifier: &str) -> Value {
    json!({
        "SPDXID": identifier,
        "name": thing.name,
        "versionInfo": thing.version,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": false,
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": "NOASSERTION",
        "copyrightText": "NOASSERTION",
        "checksums": [{ "algorithm": "SHA256", "checksumValue": thing.sha256 }],
        "externalRefs": [{
            "referenceCategory": "PACKAGE-MANAGER",
            "referenceType": "purl",
            "referenceLocator": purl,
        }],
    })
}

fn operating_system() -> Value {
    json!({
        "SPDXID": "SPDXRef-OperatingSystem",
        "name": OS,
        "versionInfo": OS_VERSION,
        "primaryPackagePurpose": "OPERATING-SYSTEM",
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": false,
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": "NOASSERTION",
        "copyrightText": "NOASSERTION",
    })
}

fn relation(from: &str, kind: &str, to: &str) -> Value {
    json!({ "spdxElementId": from, "relationshipType": kind, "relatedSpdxElement": to })
}

/// A name with what SPDX identifiers may hold: letters, digits, `.` and `-`. Debian's `+` is spelt out, so that `g`
/// and `g+` stay two.
fn idstring(name: &str) -> String {
    name.replace('+', ".plus.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn component(name: &str, version: &str, source: Option<&str>) -> Component {
        let mut fields = vec![("Package".to_owned(), name.to_owned())];
        fields.extend(source.map(|source| ("Source".to_owned(), source.to_owned())));
        let package = Package {
            name: name.to_owned(),
            version: version.to_owned(),
            arch: "arm64".to_owned(),
            fields,
            control: std::collections::BTreeMap::new(),
            members: Vec::new(),
        };
        Component::new(&package, Digest::of(b"deb"))
    }

    #[test]
    fn purls_name_the_source_package_and_are_encoded() {
        for (component, purl) in [
            (component("dash", "0.5.12-12", None), "dash@0.5.12-12?arch=arm64&distro=debian-13"),
            (
                component("libstdc++6", "14.2.0-19", Some("gcc-14")),
                "libstdc%2B%2B6@14.2.0-19?arch=arm64&distro=debian-13&upstream=gcc-14",
            ),
            (
                component("linux-image-arm64", "6.12.117-1", Some("linux-signed-arm64 (6.12.117+1)")),
                "linux-image-arm64@6.12.117-1?arch=arm64&distro=debian-13&upstream=linux-signed-arm64%406.12.117%2B1",
            ),
            (
                component("passwd", "1:4.17.4-2~deb13u1", Some("shadow")),
                "passwd@1:4.17.4-2~deb13u1?arch=arm64&distro=debian-13&upstream=shadow",
            ),
        ] {
            assert_eq!(component.purl(), format!("pkg:deb/debian/{purl}"));
        }
    }

    #[test]
    fn a_release_is_named_as_its_project_is() {
        let k3s = ManifestPackage {
            name: "k3s".to_owned(),
            version: "v1.36.5+k3s1".to_owned(),
            arch: "arm64".to_owned(),
            sha256: Digest::of(b"k3s"),
            wanted_by: Vec::new(),
        };
        let k3s = ArtifactComponent { entry: k3s, made: Made::Released };
        let document: Value = serde_json::from_str(&sbom("demo", "0123", 0, &[], &[k3s], &[])).unwrap();
        let element = &document["packages"][1];
        assert_eq!(element["SPDXID"], "SPDXRef-Package-release-k3s-arm64");
        let purl = &element["externalRefs"][0]["referenceLocator"];
        assert_eq!(purl, "pkg:github/k3s-io/k3s@v1.36.5%2Bk3s1");
    }

    #[test]
    fn packages_and_files_say_whom_they_are_from() {
        let mut packages = [component("dash", "2", None), component("zlib1g", "1", None)];
        packages[0].wanted_by = vec!["profile:base".to_owned(), "overlay:app".to_owned()];
        let file = Brought {
            path: "etc/app.conf".to_owned(),
            origin: "overlay:app".to_owned(),
            sha1: "00".repeat(20),
            sha256: Digest::of(b"loud"),
        };
        let document: Value = serde_json::from_str(&sbom("demo", "0123", 0, &packages, &[], &[file])).unwrap();
        assert_eq!(document["packages"][1]["comment"], "wanted by profile:base, overlay:app");
        assert_eq!(document["packages"][2].get("comment"), None);
        let file = &document["files"][0];
        assert_eq!((&file["fileName"], &file["comment"]), (&json!("./etc/app.conf"), &json!("from overlay:app")));
        // Every element is related to another, files to the document alone.
        let relation = document["relationships"].as_array().unwrap().last().unwrap();
        assert_eq!(*relation, super::relation("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-File-1"));
    }

    #[test]
    fn the_document_holds_each_package_once_whatever_the_order() {
        let packages = [component("zlib1g", "1", None), component("dash", "2", None)];
        let text = sbom("demo", "0123", 86_400, &packages, &[], &[]);
        let reversed: Vec<Component> = packages.iter().rev().cloned().collect();
        assert_eq!(text, sbom("demo", "0123", 86_400, &reversed, &[], &[]));
        let document: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(document["creationInfo"]["created"], "1970-01-02T00:00:00Z");
        assert_eq!(document["packages"].as_array().unwrap().len(), 3);
        assert_eq!(document["packages"][1]["SPDXID"], "SPDXRef-Package-dash-arm64");
        assert_eq!(document["packages"][1]["sourceInfo"], "built package from: dash 2");
        assert_eq!(document["relationships"].as_array().unwrap().len(), 3);
    }
}
