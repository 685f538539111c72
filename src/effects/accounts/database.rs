//! The user and group database as values, and the four files it is kept in.

use std::fmt::Write as _;

/// How the password field of an account reads, which also tells where the account came from. Nobody has a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secret {
    /// From base-passwd's tables, as `shadowconfig on` writes it.
    Master,
    /// By systemd-sysusers.
    System,
    /// By systemd-sysusers from a line with `u!`: expired too, so that not even a key lets anybody in.
    Expired,
    /// By adduser(8) or addgroup(8) of a maintainer script.
    Script,
    /// A person of the profile: no password matches, other ways in stay open.
    Person,
}

impl Secret {
    fn password(self) -> &'static str {
        match self {
            Self::Master | Self::Person => "*",
            Self::System | Self::Expired => "!*",
            Self::Script => "!",
        }
    }

    /// The fields of shadow(5) after the date of the last change.
    fn ageing(self) -> &'static str {
        match self {
            Self::Master | Self::Person => "0:99999:7:::",
            Self::System | Self::Script => ":::::",
            Self::Expired => "::::1:",
        }
    }
}

/// A line of passwd(5).
#[derive(Debug, Clone)]
pub struct UserEntry {
    pub name: String,
    pub uid: u32,
    pub gid: u32,
    pub gecos: String,
    pub home: String,
    pub shell: String,
    pub secret: Secret,
}

/// A line of group(5).
#[derive(Debug, Clone)]
pub struct GroupEntry {
    pub name: String,
    pub gid: u32,
    pub members: Vec<String>,
    pub secret: Secret,
}

/// All accounts of an image, in the order in which they were added.
#[derive(Debug, Clone, Default)]
pub struct Database {
    pub users: Vec<UserEntry>,
    pub groups: Vec<GroupEntry>,
}

impl Database {
    /// Reads lines of passwd(5) and group(5).
    ///
    /// # Errors
    /// The file (`passwd` or `group`), line and cause.
    pub fn parse(passwd: &str, group: &str) -> Result<Self, (&'static str, usize, String)> {
        let number = |text: &str| text.parse::<u32>().map_err(|_| format!("`{text}` is not an account number"));
        let mut database = Self::default();
        for (index, line) in passwd.lines().enumerate().filter(|(_, line)| !line.is_empty()) {
            let error = |cause| ("passwd", index + 1, cause);
            let [name, _, uid, gid, gecos, home, shell] = line.split(':').collect::<Vec<_>>()[..] else {
                return Err(error("a line has seven fields".to_owned()));
            };
            database.users.push(UserEntry {
                name: name.to_owned(),
                uid: number(uid).map_err(error)?,
                gid: number(gid).map_err(error)?,
                gecos: gecos.to_owned(),
                home: home.to_owned(),
                shell: shell.to_owned(),
                secret: Secret::Master,
            });
        }
        for (index, line) in group.lines().enumerate().filter(|(_, line)| !line.is_empty()) {
            let error = |cause| ("group", index + 1, cause);
            let [name, _, gid, members] = line.split(':').collect::<Vec<_>>()[..] else {
                return Err(error("a line has four fields".to_owned()));
            };
            database.groups.push(GroupEntry {
                name: name.to_owned(),
                gid: number(gid).map_err(error)?,
                members: members.split(',').filter(|member| !member.is_empty()).map(str::to_owned).collect(),
                secret: Secret::Master,
            });
        }
        Ok(database)
    }

    /// The user of this name.
    #[must_use]
    pub fn user(&self, name: &str) -> Option<&UserEntry> {
        self.users.iter().find(|user| user.name == name)
    }

    /// The group of this name.
    #[must_use]
    pub fn group(&self, name: &str) -> Option<&GroupEntry> {
        self.groups.iter().find(|group| group.name == name)
    }

    /// Makes `user` a member of `group`; says whether the group exists.
    pub fn join(&mut self, user: &str, group: &str) -> bool {
        let Some(group) = self.groups.iter_mut().find(|entry| entry.name == group) else { return false };
        if !group.members.iter().any(|member| member == user) {
            group.members.push(user.to_owned());
        }
        true
    }

    /// The text of `/etc/passwd`.
    #[must_use]
    pub fn passwd(&self) -> String {
        self.users.iter().fold(String::new(), |mut out, user| {
            let UserEntry { name, uid, gid, gecos, home, shell, .. } = user;
            let _ = writeln!(out, "{name}:x:{uid}:{gid}:{gecos}:{home}:{shell}");
            out
        })
    }

    /// The text of `/etc/shadow`; `days` since 1970 is the date of every account's last change.
    #[must_use]
    pub fn shadow(&self, days: u64) -> String {
        self.users.iter().fold(String::new(), |mut out, user| {
            let _ = writeln!(out, "{}:{}:{days}:{}", user.name, user.secret.password(), user.secret.ageing());
            out
        })
    }

    /// The text of `/etc/group`.
    #[must_use]
    pub fn group_file(&self) -> String {
        self.groups.iter().fold(String::new(), |mut out, group| {
            let _ = writeln!(out, "{}:x:{}:{}", group.name, group.gid, group.members.join(","));
            out
        })
    }

    /// The text of `/etc/gshadow`.
    #[must_use]
    pub fn gshadow(&self) -> String {
        self.groups.iter().fold(String::new(), |mut out, group| {
            let _ = writeln!(out, "{}:{}::{}", group.name, group.secret.password(), group.members.join(","));
            out
        })
    }
}
