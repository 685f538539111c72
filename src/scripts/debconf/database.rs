//! debconf's database: templates, and the questions made of them with their values, flags and owners (Debconf/Question.pm,
//! Debconf/Template.pm, Debconf/DbDriver/Cache.pm).

use std::collections::{BTreeMap, BTreeSet};

use super::template::Template;

/// A question of the database.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Question {
    /// The name of its template.
    pub template: String,
    pub owners: BTreeSet<String>,
    /// None where nobody has answered: the template's default counts.
    pub value: Option<String>,
    pub flags: BTreeMap<String, String>,
    /// What `db_subst` set.
    pub variables: BTreeMap<String, String>,
    pub priority: Option<String>,
}

/// All questions and templates.
#[derive(Debug, Clone, Default)]
pub(super) struct Database {
    pub templates: BTreeMap<String, Template>,
    pub questions: BTreeMap<String, Question>,
}

impl Database {
    /// Loads a template of `owner`'s: what is there already is replaced, but for the question's answer.
    pub(super) fn load(&mut self, name: &str, template: Template, owner: &str) {
        self.templates.insert(name.to_owned(), template);
        self.own(name, name, owner);
    }

    /// Makes `owner` own the question, which is made of the template if it is not there.
    pub(super) fn own(&mut self, name: &str, template: &str, owner: &str) -> &mut Question {
        let question = self.questions.entry(name.to_owned()).or_insert_with(|| Question {
            template: template.to_owned(),
            flags: BTreeMap::from([("seen".to_owned(), "false".to_owned())]),
            ..Question::default()
        });
        question.owners.insert(owner.to_owned());
        question
    }

    /// Takes an owner from a question, which goes with its last one.
    pub(super) fn disown(&mut self, name: &str, owner: &str) {
        if let Some(question) = self.questions.get_mut(name) {
            question.owners.remove(owner);
            if question.owners.is_empty() {
                self.questions.remove(name);
            }
        }
    }

    fn template_of(&self, question: &Question) -> Option<&Template> {
        self.templates.get(&question.template)
    }

    /// The type of a question.
    pub(super) fn kind(&self, question: &Question) -> &str {
        self.template_of(question).map_or("", Template::kind)
    }

    /// A question's answer, else its default.
    pub(super) fn value(&self, question: &Question) -> String {
        match &question.value {
            Some(value) => value.clone(),
            None => self.template_of(question).map_or("", |template| template.field("default")).to_owned(),
        }
    }

    /// The default of a question.
    pub(super) fn default(&self, question: &Question) -> String {
        self.template_of(question).map_or("", |template| template.field("default")).to_owned()
    }

    /// The choices of a question as its `select` compares answers with them.
    pub(super) fn choices(&self, question: &Question) -> String {
        let choices = self.template_of(question).map_or("", |template| template.untranslated("choices"));
        expand(choices, &question.variables)
    }

    /// Whether its choices are all there: scripts fill variables in.
    pub(super) fn knows_choices(&self, question: &Question) -> bool {
        let choices = self.template_of(question).map_or("", |template| template.untranslated("choices"));
        !choices.contains("${") || !question.variables.is_empty()
    }

    /// What `db_metaget` says of a question; none of what debconf knows nothing.
    pub(super) fn meta(&self, name: &str, question: &Question, field: &str) -> Option<String> {
        let template = || self.template_of(question);
        Some(match field {
            "value" => self.value(question),
            "owners" => question.owners.iter().map(String::as_str).collect::<Vec<_>>().join(", "),
            "name" => name.to_owned(),
            "template" => question.template.clone(),
            "priority" => question.priority.clone()?,
            _ => {
                let text = template().map_or("", |template| template.field(field));
                let kind = field.split('-').next().unwrap_or_default();
                match kind {
                    "description" | "extended_description" | "choices" => expand(text, &question.variables),
                    _ => text.to_owned(),
                }
            }
        })
    }
}

/// Puts variables in: `${name}`, unless a backslash stands before it. One that is not set is nothing (`_expand_vars` in
/// Debconf/Question.pm).
fn expand(text: &str, variables: &BTreeMap<String, String>) -> String {
    let mut result = String::new();
    let mut rest = text;
    let mut from = 0;
    while let Some(start) = rest.get(from..).and_then(|tail| tail.find("${")).map(|at| at.saturating_add(from)) {
        let (before, after) = rest.split_at(start);
        let inner = after.get(2..).unwrap_or_default();
        let name = inner.find(['{', '}']).and_then(|end| inner.split_at_checked(end));
        match name {
            Some((name, tail)) if !name.is_empty() && tail.starts_with('}') => {
                match before.strip_suffix('\\') {
                    Some(before) => {
                        result.push_str(before);
                        result.push_str("${");
                        result.push_str(name);
                        result.push('}');
                    }
                    None => {
                        result.push_str(before);
                        result.push_str(variables.get(name).map_or("", String::as_str));
                    }
                }
                rest = tail.get(1..).unwrap_or_default();
                from = 0;
            }
            _ => from = start.saturating_add(2),
        }
    }
    result.push_str(rest);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_put_in_where_no_backslash_is_before_them() {
        let variables = BTreeMap::from([("A".to_owned(), "one, two".to_owned())]);
        assert_eq!(expand("${A}, three", &variables), "one, two, three");
        assert_eq!(expand("\\${A} ${B}.", &variables), "${A} .");
        assert_eq!(expand("${ ${A}", &variables), "${ one, two");
        assert_eq!(expand("${}", &variables), "${}");
    }
}
