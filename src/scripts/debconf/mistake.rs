//! What can be wrong with answers that the profile gives beforehand.

use super::template::split;
use crate::diagnostic::{Diagnostic, closest};
use crate::profile::Marks;

/// A wrong answer of the profile's (`[debconf]`).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Mistake {
    #[error("no package asks `{question}`")]
    Unknown { question: String, meant: Option<String> },
    #[error("`{answer}` is no choice of `{question}`")]
    Choice { question: String, answer: String, choices: Vec<String> },
    /// It would lie in the image.
    #[error("`{question}` asks for a password")]
    Password { question: String },
}

impl Mistake {
    pub(super) fn unknown<'q>(question: &str, known: impl Iterator<Item = &'q str>) -> Self {
        Self::Unknown { question: question.to_owned(), meant: closest(question, known).map(str::to_owned) }
    }

    /// What is wrong with an answer to a question of this type, if anything is. A list of choices that scripts fill in is empty
    /// until then.
    pub(super) fn of(question: &str, answer: &str, kind: &str, choices: Vec<String>) -> Option<Self> {
        let question = question.to_owned();
        let (choices, answers) = match kind {
            "boolean" => (vec!["true".to_owned(), "false".to_owned()], vec![answer.to_owned()]),
            "select" => (choices, vec![answer.to_owned()]),
            "multiselect" => (choices, split(answer)),
            "password" => return Some(Self::Password { question }),
            _ => return None,
        };
        let wrong = answers.into_iter().find(|answer| !choices.contains(answer)).filter(|_| !choices.is_empty())?;
        Some(Self::Choice { question, answer: wrong, choices })
    }

    /// The question.
    #[must_use]
    pub fn question(&self) -> &str {
        match self {
            Self::Unknown { question, .. } | Self::Choice { question, .. } | Self::Password { question } => question,
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Unknown { meant: Some(meant), .. } => format!("did you mean `{meant}`?"),
            Self::Unknown { .. } => {
                "take it out, or add the package that has it; questions stand in a package's `templates`".to_owned()
            }
            Self::Choice { choices, .. } => format!("its choices: `{}`", choices.join("`, `")),
            Self::Password { .. } => {
                "take it out: everybody can read the image; set the password on the node instead".to_owned()
            }
        }
    }

    /// It, shown where the profile says so.
    #[must_use]
    pub fn placed(&self, marks: &Marks) -> Option<Diagnostic> {
        Some(marks.mistake("debconf", self.question(), self.to_string())?.hint(self.hint()))
    }
}
