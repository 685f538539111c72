//! `index.yaml` of a chart repository, as far as one chart goes. It is read event by event: an index has up to some hundred thousand
//! lines, of which a few count.

use granit_parser::{Event, Parser, Span, StrInput};

use crate::tree::Digest;

/// Most versions of a chart that are looked at.
const MAX_VERSIONS: usize = 20_000;

/// A version of a chart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Entry {
    pub version: String,
    /// Where its file is, maybe relative to the repository.
    pub url: String,
    pub digest: Option<Digest>,
}

/// The versions of `chart`, in the index's order, which is newest first where Helm made it.
///
/// # Errors
/// What is wrong with the index, in words.
pub(super) fn versions(text: &str, chart: &str) -> Result<Vec<Entry>, String> {
    let mut options = granit_parser::Options::default();
    options.emit_comments = false;
    let mut reader = Reader { events: Parser::new_from_str_with_options(text, options) };
    loop {
        match reader.next()? {
            Event::MappingStart(..) => break,
            Event::StreamStart | Event::DocumentStart(..) => {}
            _ => return Err("it is not a mapping".to_owned()),
        }
    }
    while let Some(key) = reader.key()? {
        let event = reader.next()?;
        if key != "entries" {
            // `apiVersion`, `generated` and what else an index says name no chart: they are read past.
            reader.skip(event)?;
            continue;
        }
        let Event::MappingStart(..) = event else { return Err("its `entries` are no mapping".to_owned()) };
        while let Some(name) = reader.key()? {
            let event = reader.next()?;
            if name == chart {
                // What comes then is of other charts.
                return reader.entries(&event);
            }
            reader.skip(event)?;
        }
        return Err(format!("it has no chart `{}`", chart.escape_debug()));
    }
    Err("it has no `entries`".to_owned())
}

struct Reader<'t> {
    events: Parser<'t, StrInput<'t>>,
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Result<Event<'t>, String> {
        match self.events.next() {
            Some(Ok((event, Span { .. }))) => Ok(event),
            Some(Err(error)) => Err(format!("it is no YAML (line {})", error.marker().line())),
            None => Err("it ends early".to_owned()),
        }
    }

    /// The next key of a mapping; none at its end.
    fn key(&mut self) -> Result<Option<String>, String> {
        match self.next()? {
            Event::MappingEnd => Ok(None),
            Event::Scalar(text, ..) => Ok(Some(text.into_owned())),
            event => {
                self.skip(event)?;
                Ok(Some(String::new()))
            }
        }
    }

    /// Passes over a value that begins with `event`.
    fn skip(&mut self, event: Event<'t>) -> Result<(), String> {
        let mut depth = 0_usize;
        let mut event = event;
        loop {
            match event {
                Event::MappingStart(..) | Event::SequenceStart(..) => depth += 1,
                Event::MappingEnd | Event::SequenceEnd => depth = depth.saturating_sub(1),
                Event::StreamEnd => return Err("it ends early".to_owned()),
                _ => {}
            }
            if depth == 0 {
                return Ok(());
            }
            event = self.next()?;
        }
    }

    fn entries(&mut self, event: &Event<'t>) -> Result<Vec<Entry>, String> {
        let Event::SequenceStart(..) = event else { return Err("a chart's versions are no list".to_owned()) };
        let mut entries = Vec::new();
        loop {
            match self.next()? {
                Event::SequenceEnd => return Ok(entries),
                Event::MappingStart(..) if entries.len() < MAX_VERSIONS => entries.extend(self.entry()?),
                Event::MappingStart(..) => {
                    return Err("it has more versions of the chart than are looked at".to_owned());
                }
                _ => return Err("a chart's version is no mapping".to_owned()),
            }
        }
    }

    /// A version that has all that matters.
    fn entry(&mut self) -> Result<Option<Entry>, String> {
        let mut entry = Entry::default();
        while let Some(key) = self.key()? {
            match (key.as_str(), self.next()?) {
                ("version", Event::Scalar(text, ..)) => entry.version = text.into_owned(),
                ("digest", Event::Scalar(text, ..)) => {
                    entry.digest = Digest::parse(text.strip_prefix("sha256:").unwrap_or(&text));
                }
                ("urls", Event::SequenceStart(..)) => loop {
                    match self.next()? {
                        Event::SequenceEnd => break,
                        Event::Scalar(text, ..) if entry.url.is_empty() => entry.url = text.into_owned(),
                        event => self.skip(event)?,
                    }
                },
                (_, event) => self.skip(event)?,
            }
        }
        Ok((!entry.version.is_empty() && !entry.url.is_empty()).then_some(entry))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INDEX: &str = "\
apiVersion: v1
entries:
  other:
  - version: 9.9.9
    urls: [other-9.9.9.tgz]
  app:
  - apiVersion: v2
    dependencies:
    - name: x
      version: 1.1.1
    digest: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
    urls:
    - https://example.org/app-2.0.0.tgz
    - https://example.org/again.tgz
    version: 2.0.0
  - version: \"1.0\"
    urls: [app-1.0.tgz]
  - version: 0.9.0
generated: \"2026-07-02T00:00:00Z\"
";

    #[test]
    fn the_versions_of_a_chart_are_found_with_their_files() {
        let found = versions(INDEX, "app").unwrap();
        let told: Vec<(&str, &str, bool)> =
            found.iter().map(|entry| (entry.version.as_str(), entry.url.as_str(), entry.digest.is_some())).collect();
        assert_eq!(told, [("2.0.0", "https://example.org/app-2.0.0.tgz", true), ("1.0", "app-1.0.tgz", false)]);
        let json = r#"{"entries": {"app": [{"version": "1.0", "urls": ["a.tgz"]}]}}"#;
        assert_eq!(versions(json, "app").unwrap().len(), 1);
    }

    #[test]
    fn what_is_no_index_is_told() {
        for (text, reason) in [
            ("", "it is not a mapping"),
            ("<html>", "it is not a mapping"),
            ("a: [", "it is no YAML"),
            ("apiVersion: v1\n", "it has no `entries`"),
            ("entries: []", "no mapping"),
            ("entries: {}", "it has no chart `app`"),
            ("entries: {app: x}", "no list"),
            ("entries: {app: [x]}", "no mapping"),
        ] {
            let error = versions(text, "app").unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}
