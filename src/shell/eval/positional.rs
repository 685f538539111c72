//! The positional parameters (XCU 2.5.1). A copy is cheap, and so is `shift`.

use std::rc::Rc;

/// `$1` and so on.
#[derive(Debug, Clone, Default)]
pub(super) struct Positional {
    all: Rc<[String]>,
    /// How many were shifted out.
    gone: usize,
}

impl Positional {
    pub fn new(all: Vec<String>) -> Self {
        Self { all: all.into(), gone: 0 }
    }

    pub fn as_slice(&self) -> &[String] {
        self.all.get(self.gone..).unwrap_or_default()
    }

    pub fn len(&self) -> usize {
        self.as_slice().len()
    }

    /// The parameter of this number, from 1.
    pub fn get(&self, number: usize) -> Option<&String> {
        self.as_slice().get(number.checked_sub(1)?)
    }

    /// Takes the first `count` out, if there are as many.
    pub fn shift(&mut self, count: usize) -> bool {
        let enough = count <= self.len();
        if enough {
            self.gone += count;
        }
        enough
    }
}
