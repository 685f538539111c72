//! Debian's commands, beside those of the shell.

use super::debian::Debian;
use super::{on_node, package_tools, system_tools};
use crate::shell::{Answer, Call, Host};

impl Host for Debian<'_> {
    fn run(&mut self, name: &str, call: &mut Call<'_>) -> Option<Answer> {
        match on_node::find(name).or_else(|| package_tools::find(name)).or_else(|| system_tools::find(name)) {
            Some(tool) => Some(tool(self, call)),
            None => system_tools::nothing(name, call),
        }
    }

    fn sourced(&mut self, path: &str, call: &mut Call<'_>) -> Option<Answer> {
        package_tools::sourced(self, path, call)
    }
}
