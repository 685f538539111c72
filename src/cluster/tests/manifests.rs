//! Manifests of overlays, from the workspace's files to findings at their places.

use super::*;

const SERVER: &str = "schema = 1\nextends = \"control\"\noverlays = [\"app\"]\n";

/// What is found in an overlay: `CODE line:column: message`.
fn found(overlay: &str, manifests: &[(&str, &str)]) -> Vec<String> {
    let found = gathered(overlay, manifests);
    found.iter().map(shown).collect()
}

fn shown(finding: &Finding) -> String {
    let (line, column) = finding.diagnostic.position().unwrap();
    format!("{} {line}:{column}: {}", finding.code, finding.diagnostic.message)
}

fn gathered(overlay: &str, manifests: &[(&str, &str)]) -> Vec<Finding> {
    let dir = of_overlay(overlay, manifests);
    // Other lints of this cluster are not asked.
    let mut all = findings(dir.path());
    all.retain(|finding| finding.diagnostic.source.path.contains("overlays/app"));
    all
}

/// A workspace with a server whose overlay has these manifests.
fn of_overlay(overlay: &str, manifests: &[(&str, &str)]) -> TempDir {
    let dir = workspace(&SOUND.replace("profile = \"control\"", "profile = \"server\""));
    let put = |path: &str, text: &str| {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    put("profiles/server.toml", SERVER);
    put("overlays/app/overlay.toml", &format!("schema = 1\n{overlay}"));
    for (name, text) in manifests {
        put(&format!("overlays/app/manifests/{name}"), text);
    }
    dir
}

fn config(data: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: app\ndata:\n{data}")
}

#[test]
fn findings_point_at_line_and_key_of_the_template() {
    let text =
        config("{% for node in cluster.nodes %}\n  n-{{ loop.index }}: {{ node }}\n{% endfor %}\n  port: 8080\n");
    assert_eq!(
        found("", &[("app.yaml", &text)]),
        ["C122-wrong-type 9:9: `data.port` of ConfigMap `app` is a number, and must be text"]
    );
    let text = config("  name: {{ cluster.name }}\n  to: yes\n");
    assert_eq!(
        found("", &[("app.yaml", &text)]),
        ["C122-wrong-type 7:7: `data.to` of ConfigMap `app` is true or false, and must be text"]
    );
    // What a template makes of a line is shown as the line of the template.
    let text = config("  nodes: {{ cluster.nodes | length }}\n");
    assert_eq!(
        found("", &[("app.yaml", &text)]),
        ["C122-wrong-type 6:10: `data.nodes` of ConfigMap `app` is a number, and must be text"]
    );
}

#[test]
fn yaml_faults_say_what_stands_there_and_what_to_type() {
    for (data, place, message, hint) in [
        ("  a: x\n\tb: y\n", "7:1", "a tab indents this line", "spaces"),
        ("  a: *.example.org\n", "6:6", "no `&` before it", "quotes"),
        ("  a: \"C:\\Users\"\n", "6:", "no escape", "single quotes"),
    ] {
        let all = gathered("", &[("app.yaml", &config(data))]);
        let [finding] = &all[..] else { panic!("{data:?}: {all:?}") };
        let line = shown(finding);
        assert!(line.starts_with(&format!("C080-manifest {place}")) && line.contains(message), "{line}");
        assert!(finding.diagnostic.hint.as_ref().unwrap().contains(hint), "{finding:?}");
    }
    let twice = found("", &[("app.yaml", &config("  a: x\n  a: z\n"))]);
    assert_eq!(twice, ["C130-duplicate-key 7:3: the key `a` stands here for the second time"]);
}

#[test]
fn braces_for_others_are_told_and_a_file_can_be_taken_as_it_is() {
    let text = config("  template: \"{{ .Values.host }}\"\n");
    let all = gathered("", &[("app.yaml", &text)]);
    let [finding] = &all[..] else { panic!("{all:?}") };
    assert!(shown(finding).starts_with("C080-manifest 6:"), "{}", shown(finding));
    assert!(finding.diagnostic.hint.as_ref().unwrap().contains("verbatim = [\"app.yaml\"]"), "{finding:?}");
    // What that file would make, nobody says that nothing makes.
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: a}], volumes: [{name: v, configMap: {name: app}}]}\n";
    assert_eq!(found("", &[("app.yaml", &text), ("pod.yaml", pod)]).len(), 1);
    assert_eq!(found("verbatim = [\"a*.yaml\"]\n", &[("app.yaml", &text), ("pod.yaml", pod)]), [] as [&str; 0]);
    let raw = config("  template: \"{% raw %}{{ .Values.host }}{% endraw %}\"\n");
    assert_eq!(found("", &[("app.yaml", &raw)]), [] as [&str; 0]);
}

#[test]
fn a_glob_that_names_no_manifest_is_refused_where_it_stands() {
    let dir = workspace(&SOUND.replace("profile = \"control\"", "profile = \"server\""));
    fs::create_dir_all(dir.path().join("profiles")).unwrap();
    fs::create_dir_all(dir.path().join("overlays/app/manifests")).unwrap();
    fs::write(dir.path().join("profiles/server.toml"), SERVER).unwrap();
    fs::write(dir.path().join("overlays/app/overlay.toml"), "schema = 1\nverbatim = [\"argo-*.yaml\"]\n").unwrap();
    let error = crate::profile::load(&Workspace::open(dir.path()).unwrap(), "server").unwrap_err();
    assert!(error.to_string().contains("overlay.toml:2:13: `argo-*.yaml` is no manifest of overlay `app`"), "{error}");
    for bad in
        ["expects = [\"app\"]", "expects = [\"a/b/c\"]", "expects = [\"a/secret/B\"]", "verbatim = [\"a/b.yaml\"]"]
    {
        fs::write(dir.path().join("overlays/app/overlay.toml"), format!("schema = 1\n{bad}\n")).unwrap();
        assert!(crate::profile::load(&Workspace::open(dir.path()).unwrap(), "server").is_err(), "{bad}");
    }
}

#[test]
fn a_template_that_takes_all_secrets_is_refused() {
    let text = config("{% for name, value in secrets|items %}  {{ name }}: {{ value | tojson }}\n{% endfor %}");
    let line = found("", &[("app.yaml", &text)]);
    assert_eq!(line, ["C080-manifest 6:1: a template gets only the secrets that it names, and this uses all of them"]);
    assert_eq!(found("", &[("app.yaml", &config("  a: {{ debug() | tojson }}\n"))]).len(), 1);
}

#[test]
fn a_secret_that_is_not_at_hand_makes_no_other_mistake() {
    let text = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: app\n  labels: {a: \"{{ secrets.label }}\"}\ndata:\n  key: {{ \
                secrets.encoded }}\n---\napiVersion: v1\nkind: Service\nmetadata: {name: app}\nspec:\n  ports:\n  - port: {{ secrets.port }}\n";
    let codes: Vec<&str> = gathered("", &[("app.yaml", text)]).iter().map(|finding| finding.code).collect();
    assert_eq!(codes, [] as [&str; 0]);
}

#[test]
fn a_secret_that_a_template_makes_a_name_of_is_not_quoted() {
    let dir =
        of_overlay("", &[("app.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: \"{{ secrets.app_name }}\"}\n")]);
    fs::write(dir.path().join("secrets.list"), "app-name Hush_Hush\n").unwrap();
    let all: Vec<String> = findings(dir.path()).iter().map(|finding| finding.render(false)).collect();
    assert!(all.iter().any(|text| text.contains("C124-bad-name") && text.contains("[secret app-name]")), "{all:?}");
    assert!(all.iter().all(|text| !text.contains("Hush")), "{all:?}");
    // Nor as a filter writes it.
    let text = "apiVersion: v1\nkind: Pod\nmetadata: {name: \"{{ secrets.app_name | b64encode }}\"}\n";
    fs::write(dir.path().join("overlays/app/manifests/app.yaml"), text).unwrap();
    let all: Vec<String> = findings(dir.path()).iter().map(|finding| finding.render(false)).collect();
    assert!(all.iter().any(|text| text.contains("C124-bad-name")), "{all:?}");
    assert!(all.iter().all(|text| !text.contains("SHVzaF9IdXNo")), "{all:?}");
}

#[test]
fn what_a_controller_makes_can_be_expected_and_an_entry_that_nothing_needs_is_told() {
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: p\n    envFrom:\n    - secretRef:\n        name: made\n";
    let all = gathered("", &[("app.yaml", pod)]);
    let [finding] = &all[..] else { panic!("{all:?}") };
    assert_eq!((finding.code, finding.severity), ("C085-nobody-makes", Severity::Warning));
    assert!(shown(finding).starts_with("C085-nobody-makes 9:15:"), "{}", shown(finding));
    assert!(finding.diagnostic.hint.as_ref().unwrap().contains("expects = [\"default/secret/made\"]"), "{finding:?}");
    assert_eq!(found("expects = [\"default/secret/made\"]\n", &[("app.yaml", pod)]), [] as [&str; 0]);
    assert_eq!(
        found("expects = [\"default/secret/made\", \"default/secret/other\"]\n", &[("app.yaml", pod)]),
        ["C133-unused-expects 2:35: no manifest needs `default/secret/other`"]
    );
}
