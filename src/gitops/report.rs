//! The report: what the cluster runs and where each part comes from, as one page without scripts or other files.

use std::fmt::Write as _;

use super::systems::{Chart, Systems};

const STYLE: &str = "\
body{font:16px/1.5 sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}\
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.4rem .6rem;border-bottom:1px solid #ccc}\
td:first-child{font-weight:bold}p{max-width:45rem}div{overflow-x:auto}";

/// The page.
pub(super) fn html(systems: &Systems) -> String {
    let cluster = escaped(&systems.cluster);
    let mut text = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
         content=\"width=device-width\">\n<title>Systems of the cluster {cluster}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
         <h1>Systems of the cluster {cluster}</h1>\n"
    );
    let _ = writeln!(
        text,
        "<p>What the image brings is there at the first boot, and is upgraded with the image. What Git brings, Argo CD applies from \
         {} as soon as it runs. Secrets are named, never shown.</p>",
        escaped(&systems.controller.repository)
    );
    text.push_str(
        "<table>\n<thead><tr><th>System</th><th>What it is</th><th>Comes by</th><th>Charts</th><th>Waits for</th>\
         <th>Secrets</th><th>Pages</th><th>Runs on</th></tr></thead>\n<tbody>\n",
    );
    let mut rows: Vec<_> = systems.by_name.iter().collect();
    rows.sort_by_key(|(name, system)| (system.is_of_git(), system.wave, *name));
    for (name, system) in rows {
        let comes_by = if system.is_of_git() { format!("Git, wave {}", system.wave) } else { "image".to_owned() };
        let charts: Vec<String> = system.charts.iter().map(Chart::in_words).collect();
        let waits_for: Vec<String> = system.waits_for.iter().cloned().collect();
        let secrets: Vec<String> = system.secrets.iter().cloned().collect();
        let step = systems.rollout.steps.iter().find(|step| step.name == **name && !step.files.is_empty());
        let hosts: Vec<String> = step.into_iter().flat_map(|step| step.hosts.iter().cloned()).collect();
        let runs_on: Vec<String> = step.into_iter().flat_map(|step| step.runs_on.iter().cloned()).collect();
        let cells = [name.clone(), system.description.clone(), comes_by];
        let lists = [charts, waits_for, secrets, hosts, runs_on];
        let cells = cells.into_iter().chain(lists.map(|list| list.join(", ")));
        text.push_str("<tr>");
        for cell in cells {
            let _ = write!(text, "<td>{}</td>", escaped(&cell));
        }
        text.push_str("</tr>\n");
    }
    text.push_str("</tbody>\n</table>\n<h2>The first boot</h2>\n<p>In this order, from left to right; an arrow leads from what is waited for.</p>\n<div>");
    text.push_str(&systems.rollout.svg());
    text.push_str("</div>\n</body>\n</html>\n");
    text
}

/// As text of HTML.
fn escaped(text: &str) -> String {
    let mut safe = String::new();
    for char in text.chars() {
        match char {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            char => safe.push(char),
        }
    }
    safe
}
