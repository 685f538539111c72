//! A package's `templates`: the questions that it asks, as debconf-devel(7) describes them and `Debconf::Template::load`
//! (Debconf/Template.pm) reads them.

use std::collections::BTreeMap;

/// A template's fields but its name, by their names in lower case: `type`, `default`, `choices`, `choices-c`, `description`,
/// `extended_description`, `description-de.utf-8`, …
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Template(BTreeMap<String, String>);

/// What debconf itself refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("template {number}: {what}")]
pub(super) struct TemplateError {
    /// From 1.
    number: usize,
    what: &'static str,
}

/// The languages of an installation with `LANGUAGE=C.UTF-8`, the most wanted first (`_getlangs` in Debconf/Template.pm, where
/// `c` stands for English).
const LANGUAGES: [&str; 2] = ["c.utf-8", "en"];

impl Template {
    /// The stand-in that debconf-set-selections makes for a question that no package has yet.
    pub(super) fn stand_in() -> Self {
        Self::of_type("string")
    }

    /// One that has a type and nothing else.
    pub(super) fn of_type(kind: &str) -> Self {
        Self(BTreeMap::from([("type".to_owned(), kind.to_owned())]))
    }

    /// `string`, `boolean`, `select`, `multiselect`, `note`, `error`, …
    pub(super) fn kind(&self) -> &str {
        self.0.get("type").map_or("", String::as_str)
    }

    pub(super) fn set(&mut self, field: &str, value: &str) {
        self.0.insert(field.to_owned(), value.to_owned());
    }

    /// A field as a script sees it: in the installation's language, else as it is, else empty. What asks for a language
    /// (`choices-c`) that is not there gets the field itself.
    pub(super) fn field(&self, name: &str) -> &str {
        let translated = LANGUAGES.iter().find_map(|language| self.0.get(&format!("{name}-{language}")));
        let plain = || name.split_once('-').and_then(|(plain, _)| self.0.get(plain));
        translated.or_else(|| self.0.get(name)).or_else(plain).map_or("", String::as_str)
    }

    /// A field that is the same in all languages: that of the `C` locale if there is one.
    pub(super) fn untranslated(&self, name: &str) -> &str {
        self.0.get(&format!("{name}-c")).or_else(|| self.0.get(name)).map_or("", String::as_str)
    }
}

/// The templates of a `templates` file, by name, in its order.
///
/// # Errors
/// A line that is neither a field nor one that goes on, a field twice, no name, no type.
pub(super) fn parse(text: &str) -> Result<Vec<(String, Template)>, TemplateError> {
    let mut templates = Vec::new();
    for block in text.split("\n\n").map(|block| block.trim_matches('\n')).filter(|block| !block.is_empty()) {
        let number = templates.len().saturating_add(1);
        let error = |what| TemplateError { number, what };
        let mut fields = fields(block).map_err(error)?;
        let name =
            fields.remove("template").filter(|name| !name.is_empty()).ok_or(error("it has no `Template:` line"))?;
        if fields.get("type").is_none_or(String::is_empty) {
            return Err(error("it has no type"));
        }
        templates.push((name, Template(fields)));
    }
    Ok(templates)
}

fn fields(block: &str) -> Result<BTreeMap<String, String>, &'static str> {
    let mut fields = BTreeMap::new();
    let mut open: Option<(String, String, String)> = None;
    for line in block.lines() {
        if let Some(rest) = line.strip_prefix([' ', '\t']) {
            if let Some((.., extended)) = &mut open {
                go_on(extended, rest);
            }
        } else if let Some((name, value)) = line.split_once(':')
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_@.".contains(&byte))
        {
            save(&mut fields, open.take())?;
            let value = value.strip_prefix([' ', '\t']).unwrap_or(value).trim_end();
            open = Some((name.to_ascii_lowercase(), value.to_owned(), String::new()));
        } else {
            return Err("a line is no field and does not go on with one");
        }
    }
    save(&mut fields, open)?;
    Ok(fields)
}

/// Adds a line to an extended description: `.` is an empty line, what is indented further stands as it is, all else is one
/// paragraph.
fn go_on(extended: &mut String, rest: &str) {
    let ends_openly = !extended.is_empty() && !extended.ends_with(['\n', ' ']);
    if rest == "." {
        extended.push_str("\n\n");
    } else if rest.starts_with([' ', '\t']) {
        if ends_openly {
            extended.push('\n');
        }
        extended.push_str(rest.trim_end());
        extended.push('\n');
    } else {
        if ends_openly {
            extended.push(' ');
        }
        extended.push_str(rest.trim_end());
    }
}

fn save(fields: &mut BTreeMap<String, String>, open: Option<(String, String, String)>) -> Result<(), &'static str> {
    let Some((name, value, extended)) = open else { return Ok(()) };
    let extended = extended.trim_end_matches('\n');
    if !extended.is_empty() {
        fields.insert(format!("extended_{name}"), extended.to_owned());
    }
    match fields.insert(name, value) {
        None => Ok(()),
        Some(_) => Err("it has a field twice"),
    }
}

/// The parts of a list of choices or of a multiselect's value: separated by a comma and white space, `\,` and `\ ` stand for
/// themselves (`choices_split` in Debconf/Question.pm).
pub(super) fn split(list: &str) -> Vec<String> {
    let mut items = Vec::new();
    let mut item = String::new();
    let mut chars = list.chars().peekable();
    while let Some(char) = chars.next() {
        match (char, chars.peek().copied()) {
            ('\\', Some(next @ (',' | ' '))) => {
                item.push(next);
                chars.next();
            }
            (',', Some(next)) if next.is_whitespace() => {
                while chars.next_if(|next| next.is_whitespace()).is_some() {}
                items.push(std::mem::take(&mut item));
            }
            _ => item.push(char),
        }
    }
    if !item.is_empty() {
        items.push(item);
    }
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\nTemplate: lamp/colour\nType: select\nChoices: red, deep\\, dark blue, green\nDefault: red\n\
                        Description: Colour of the lamp:\n It shines\n all day.\n .\n   - and\n   - all night\n\
                        Description-de.UTF-8: Farbe:\n\n\nTemplate: lamp/on\nType: boolean\nDescription-en: On?\nDescription: Burning?\n";

    #[test]
    fn fields_are_read_with_what_they_go_on_with() {
        let templates = parse(TEXT).unwrap();
        assert_eq!(templates.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["lamp/colour", "lamp/on"]);
        let colour = &templates[0].1;
        assert_eq!(colour.kind(), "select");
        assert_eq!(colour.field("description"), "Colour of the lamp:");
        assert_eq!(colour.field("extended_description"), "It shines all day.\n\n  - and\n  - all night");
        assert_eq!(colour.field("description-de.utf-8"), "Farbe:");
        assert_eq!(split(colour.field("choices-c")), ["red", "deep, dark blue", "green"]);
        assert_eq!(templates[1].1.field("description"), "On?");
        assert_eq!(templates[1].1.field("default"), "");
    }

    #[test]
    fn what_debconf_cannot_read_is_refused() {
        for text in ["Type: string\n", "Template: a/b\n", "Template: a/b\nType: note\nType: note\n", "# no comments\n"]
        {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn lists_have_commas_with_space_between_their_parts() {
        assert_eq!(split("a,b, c"), ["a,b", "c"]);
        assert_eq!(split(""), Vec::<String>::new());
        assert_eq!(split("one\\ more, two"), ["one more", "two"]);
    }
}
