//! The user and group database as values, and the four files it is kept in.

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

impl UserEntry {
    /// Its line of `/etc/passwd`.
    pub(super) fn passwd_line(&self) -> String {
        let Self { name, uid, gid, gecos, home, shell, .. } = self;
        format!("{name}:x:{uid}:{gid}:{gecos}:{home}:{shell}")
    }

    /// Its line of `/etc/shadow`; `days` since 1970 is the date of the last change.
    pub(super) fn shadow_line(&self, days: u64) -> String {
        format!("{}:{}:{days}:{}", self.name, self.secret.password(), self.secret.ageing())
    }

    /// Reads a line of passwd(5).
    pub(super) fn parse(line: &str) -> Result<Self, String> {
        let [name, _, uid, gid, gecos, home, shell] = line.split(':').collect::<Vec<_>>()[..] else {
            return Err("a line has seven fields".to_owned());
        };
        Ok(Self {
            name: name.to_owned(),
            uid: number(uid)?,
            gid: number(gid)?,
            gecos: gecos.to_owned(),
            home: home.to_owned(),
            shell: shell.to_owned(),
            secret: Secret::Master,
        })
    }
}

impl GroupEntry {
    /// Its line of `/etc/group`.
    pub(super) fn group_line(&self) -> String {
        format!("{}:x:{}:{}", self.name, self.gid, self.members.join(","))
    }

    /// Its line of `/etc/gshadow`.
    pub(super) fn gshadow_line(&self) -> String {
        format!("{}:{}::{}", self.name, self.secret.password(), self.members.join(","))
    }

    /// Reads a line of group(5).
    pub(super) fn parse(line: &str) -> Result<Self, String> {
        let [name, _, gid, members] = line.split(':').collect::<Vec<_>>()[..] else {
            return Err("a line has four fields".to_owned());
        };
        Ok(Self {
            name: name.to_owned(),
            gid: number(gid)?,
            members: members.split(',').filter(|member| !member.is_empty()).map(str::to_owned).collect(),
            secret: Secret::Master,
        })
    }
}

fn number(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| format!("`{text}` is not an account number"))
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
        let mut database = Self::default();
        for (index, line) in passwd.lines().enumerate().filter(|(_, line)| !line.is_empty()) {
            database.users.push(UserEntry::parse(line).map_err(|cause| ("passwd", index + 1, cause))?);
        }
        for (index, line) in group.lines().enumerate().filter(|(_, line)| !line.is_empty()) {
            database.groups.push(GroupEntry::parse(line).map_err(|cause| ("group", index + 1, cause))?);
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
        text(self.users.iter().map(UserEntry::passwd_line))
    }

    /// The text of `/etc/shadow`; `days` since 1970 is the date of every account's last change.
    #[must_use]
    pub fn shadow(&self, days: u64) -> String {
        text(self.users.iter().map(|user| user.shadow_line(days)))
    }

    /// The text of `/etc/group`.
    #[must_use]
    pub fn group_file(&self) -> String {
        text(self.groups.iter().map(GroupEntry::group_line))
    }

    /// The text of `/etc/gshadow`.
    #[must_use]
    pub fn gshadow(&self) -> String {
        text(self.groups.iter().map(GroupEntry::gshadow_line))
    }
}

fn text(lines: impl Iterator<Item = String>) -> String {
    lines.fold(String::new(), |all, line| all + &line + "\n")
}
