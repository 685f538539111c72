//! The account files of a tree, changed line by line as shadow-utils do it: what nobody touches stays byte for byte.
//!
//! Way of the data: the lines of passwd(5), shadow(5), group(5), gshadow(5), subuid(5) and subgid(5) in the tree → lines changed,
//! added, removed → the same files with owner and mode as they were.

use super::database::{GroupEntry, UserEntry};
use crate::effects::EffectError;
use crate::tree::{Content, Node, Tree};

/// A field of passwd(5) that usermod(8) and chsh(1) change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserField {
    Uid,
    Gid,
    Gecos,
    Home,
    Shell,
}

impl UserField {
    fn index(self) -> usize {
        match self {
            Self::Uid => 2,
            Self::Gid => 3,
            Self::Gecos => 4,
            Self::Home => 5,
            Self::Shell => 6,
        }
    }
}

/// A field of shadow(5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShadowField {
    Password,
    LastChange,
    Min,
    Max,
    Warn,
    Inactive,
    Expire,
}

impl ShadowField {
    fn index(self) -> usize {
        self as usize + 1
    }
}

/// One file.
#[derive(Debug, Clone)]
struct Table {
    path: &'static str,
    /// Mode where the file is not there yet.
    mode: u16,
    lines: Vec<String>,
    changed: bool,
}

impl Table {
    fn read(tree: &Tree, path: &'static str, mode: u16) -> Result<Self, EffectError> {
        let text = tree.file(path).map_or_else(|| Ok(String::new()), Content::text);
        let text = text.map_err(|source| EffectError::Read { path: path.to_owned(), source })?;
        let lines = text.split_terminator('\n').map(str::to_owned).collect();
        Ok(Self { path, mode, lines, changed: false })
    }

    fn store(self, tree: &mut Tree) -> Result<(), EffectError> {
        if !self.changed {
            return Ok(());
        }
        let text = self.lines.iter().fold(String::new(), |all, line| all + line + "\n");
        let node = match tree.get(self.path) {
            Some(old) => Node::file(old.mode, text).owned(old.uid, old.gid).from(&old.origin),
            None => Node::file(self.mode, text).from(super::ORIGIN),
        };
        Ok(tree.put(self.path, node)?)
    }

    fn find(&self, name: &str) -> Option<&String> {
        self.lines.iter().find(|line| is_of(line, name))
    }

    fn add(&mut self, line: String) {
        self.lines.push(line);
        self.changed = true;
    }

    fn remove(&mut self, name: &str) {
        let before = self.lines.len();
        self.lines.retain(|line| !is_of(line, name));
        self.changed |= before != self.lines.len();
    }

    /// Gives the line of `name` another field; nothing if there is no such line or field.
    fn set(&mut self, name: &str, index: usize, value: &str) {
        let Some(line) = self.lines.iter_mut().find(|line| is_of(line, name)) else { return };
        let mut fields: Vec<&str> = line.split(':').collect();
        let Some(field) = fields.get_mut(index) else { return };
        if *field != value {
            *field = value;
            *line = fields.join(":");
            self.changed = true;
        }
    }

    fn field(&self, name: &str, index: usize) -> Option<&str> {
        self.find(name)?.split(':').nth(index)
    }
}

fn is_of(line: &str, name: &str) -> bool {
    line.split_once(':').is_some_and(|(first, _)| first == name)
}

/// Accounts that were taken out of the tables, to be put back.
#[derive(Debug, Clone, Default)]
pub struct Taken {
    users: Vec<TakenLines>,
    groups: Vec<TakenLines>,
    /// User and group.
    members: Vec<(String, String)>,
}

/// A user's or a group's name with its lines in the public file and in the one of passwords.
type TakenLines = (String, [Option<String>; 2]);

/// The files of accounts.
#[derive(Debug, Clone)]
pub struct Tables {
    passwd: Table,
    shadow: Table,
    group: Table,
    gshadow: Table,
    subuid: Table,
    subgid: Table,
}

impl Tables {
    /// Reads the files of `tree`.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn read(tree: &Tree) -> Result<Self, EffectError> {
        Ok(Self {
            passwd: Table::read(tree, "etc/passwd", 0o644)?,
            shadow: Table::read(tree, "etc/shadow", 0o640)?,
            group: Table::read(tree, "etc/group", 0o644)?,
            gshadow: Table::read(tree, "etc/gshadow", 0o640)?,
            subuid: Table::read(tree, "etc/subuid", 0o644)?,
            subgid: Table::read(tree, "etc/subgid", 0o644)?,
        })
    }

    /// Writes the files that were changed; they stay whose they were.
    ///
    /// # Errors
    /// A place below something that is no directory.
    pub fn store(self, tree: &mut Tree) -> Result<(), EffectError> {
        let files = [self.passwd, self.shadow, self.group, self.gshadow, self.subuid, self.subgid];
        files.into_iter().try_for_each(|table| table.store(tree))
    }

    /// All users, in the file's order; lines that are none are passed over, as getpwent(3) does.
    pub fn users(&self) -> impl Iterator<Item = UserEntry> {
        self.passwd.lines.iter().filter_map(|line| UserEntry::parse(line).ok())
    }

    /// All groups, likewise.
    pub fn groups(&self) -> impl Iterator<Item = GroupEntry> {
        self.group.lines.iter().filter_map(|line| GroupEntry::parse(line).ok())
    }

    /// The user of this name.
    #[must_use]
    pub fn user(&self, name: &str) -> Option<UserEntry> {
        self.users().find(|user| user.name == name)
    }

    /// The first user of this number.
    #[must_use]
    pub fn user_of(&self, uid: u32) -> Option<UserEntry> {
        self.users().find(|user| user.uid == uid)
    }

    /// The group of this name.
    #[must_use]
    pub fn group(&self, name: &str) -> Option<GroupEntry> {
        self.groups().find(|group| group.name == name)
    }

    /// The first group of this number.
    #[must_use]
    pub fn group_of(&self, gid: u32) -> Option<GroupEntry> {
        self.groups().find(|group| group.gid == gid)
    }

    /// The lines of `passwd`, `shadow`, `group` or `gshadow`.
    #[must_use]
    pub fn lines(&self, file: &str) -> Option<&[String]> {
        let table = match file {
            "passwd" => &self.passwd,
            "shadow" => &self.shadow,
            "group" => &self.group,
            "gshadow" => &self.gshadow,
            _ => return None,
        };
        Some(&table.lines)
    }

    /// Adds a user; `days` since 1970 is the date of the last change.
    pub fn add_user(&mut self, user: &UserEntry, days: u64) {
        self.passwd.add(user.passwd_line());
        self.shadow.add(user.shadow_line(days));
    }

    /// Takes a user away, from groups and subordinate numbers too (userdel(8)).
    pub fn remove_user(&mut self, name: &str) {
        for table in [&mut self.passwd, &mut self.shadow, &mut self.subuid, &mut self.subgid] {
            table.remove(name);
        }
        let groups: Vec<GroupEntry> = self.groups().filter(|group| group.members.iter().any(|m| m == name)).collect();
        for group in groups {
            self.leave(name, &group.name);
        }
    }

    /// Changes what passwd(5) says of a user.
    pub fn set_user(&mut self, name: &str, field: UserField, value: &str) {
        self.passwd.set(name, field.index(), value);
    }

    /// Changes what shadow(5) says of a user.
    pub fn set_shadow(&mut self, name: &str, field: ShadowField, value: &str) {
        self.shadow.set(name, field.index(), value);
    }

    /// What shadow(5) says of a user.
    #[must_use]
    pub fn shadow(&self, name: &str, field: ShadowField) -> Option<&str> {
        self.shadow.field(name, field.index())
    }

    /// Adds a group.
    pub fn add_group(&mut self, group: &GroupEntry) {
        self.group.add(group.group_line());
        self.gshadow.add(group.gshadow_line());
    }

    /// Takes a group away.
    pub fn remove_group(&mut self, name: &str) {
        self.group.remove(name);
        self.gshadow.remove(name);
    }

    /// Takes users and groups out, with the users' memberships; they can be [put back](Self::put_back).
    pub fn take(&mut self, users: &[String], groups: &[String]) -> Taken {
        let of = |table: &Table, name: &String| table.find(name).cloned();
        let lines = |names: &[String], tables: [&Table; 2]| -> Vec<TakenLines> {
            names.iter().map(|name| (name.clone(), tables.map(|table| of(table, name)))).collect()
        };
        let mut taken = Taken {
            users: lines(users, [&self.passwd, &self.shadow]),
            groups: lines(groups, [&self.group, &self.gshadow]),
            members: Vec::new(),
        };
        for group in self.groups() {
            let members = group.members.into_iter().filter(|member| users.contains(member));
            taken.members.extend(members.map(|member| (member, group.name.clone())));
        }
        for name in users {
            self.remove_user(name);
        }
        for name in groups {
            self.remove_group(name);
        }
        taken
    }

    /// Adds what was taken out, but for users and groups that somebody else has added since.
    pub fn put_back(&mut self, taken: Taken) {
        let add = |names: Vec<TakenLines>, tables: [&mut Table; 2]| {
            let [public, secret] = tables;
            for (_, [line, secrets]) in
                names.into_iter().filter(|(name, _)| public.find(name).is_none()).collect::<Vec<_>>()
            {
                public.lines.extend(line);
                secret.lines.extend(secrets);
                (public.changed, secret.changed) = (true, true);
            }
        };
        add(taken.users, [&mut self.passwd, &mut self.shadow]);
        add(taken.groups, [&mut self.group, &mut self.gshadow]);
        taken.members.iter().for_each(|(user, group)| self.join(user, group));
    }

    /// Changes a group's number.
    pub fn set_gid(&mut self, name: &str, gid: u32) {
        self.group.set(name, 2, &gid.to_string());
    }

    /// Makes `members` the members of a group, in both files.
    pub fn set_members(&mut self, group: &str, members: &[String]) {
        self.group.set(group, 3, &members.join(","));
        self.gshadow.set(group, 3, &members.join(","));
    }

    /// Makes a user a member of a group; nothing if it is one.
    pub fn join(&mut self, user: &str, group: &str) {
        let Some(mut found) = self.group(group) else { return };
        if !found.members.iter().any(|member| member == user) {
            found.members.push(user.to_owned());
            self.set_members(group, &found.members);
        }
    }

    /// Takes a user from a group's members.
    pub fn leave(&mut self, user: &str, group: &str) {
        let Some(mut found) = self.group(group) else { return };
        found.members.retain(|member| member != user);
        self.set_members(group, &found.members);
    }

    /// Gives a user a range of subordinate numbers, of users and of groups.
    pub fn add_subordinate(&mut self, name: &str, users: &[(u32, u32)], groups: &[(u32, u32)]) {
        for (table, ranges) in [(&mut self.subuid, users), (&mut self.subgid, groups)] {
            for (first, count) in ranges {
                table.add(format!("{name}:{first}:{count}"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effects::accounts::Secret;

    fn tree() -> Tree {
        let mut tree = Tree::new();
        // Odd spacing and a line that is none: they are kept.
        tree.put(
            "etc/passwd",
            Node::file(0o644, "root:x:0:0:The Root:/root:/bin/sh\n# odd\nada:x:1000:1000::/:/bin/sh\n"),
        )
        .unwrap();
        tree.put("etc/shadow", Node::file(0o600, "root:*:1:0:99999:7:::\nada:!:1::::::\n").owned(0, 42)).unwrap();
        tree.put("etc/group", Node::file(0o644, "root:x:0:\nadm:x:4:ada\n")).unwrap();
        tree.put("etc/gshadow", Node::file(0o640, "root:*::\nadm:*::ada")).unwrap();
        tree
    }

    fn text(tree: &Tree, path: &str) -> String {
        tree.file(path).unwrap().text().unwrap()
    }

    #[test]
    fn only_lines_that_are_changed_change_and_files_keep_owner_and_mode() {
        let mut tree = tree();
        let mut tables = Tables::read(&tree).unwrap();
        tables.set_user("ada", UserField::Shell, "/bin/dash");
        tables.set_shadow("ada", ShadowField::Expire, "1");
        tables.join("root", "adm");
        tables.store(&mut tree).unwrap();
        assert_eq!(
            text(&tree, "etc/passwd"),
            "root:x:0:0:The Root:/root:/bin/sh\n# odd\nada:x:1000:1000::/:/bin/dash\n"
        );
        assert_eq!(text(&tree, "etc/shadow"), "root:*:1:0:99999:7:::\nada:!:1:::::1:\n");
        assert_eq!((tree.get("etc/shadow").unwrap().mode, tree.get("etc/shadow").unwrap().gid), (0o600, 42));
        assert_eq!(text(&tree, "etc/group"), "root:x:0:\nadm:x:4:ada,root\n");
        assert_eq!(text(&tree, "etc/gshadow"), "root:*::\nadm:*::ada,root\n");
        assert!(!tree.contains("etc/subuid"), "nothing was said of subordinate numbers");
    }

    #[test]
    fn a_user_that_goes_leaves_no_trace_and_untouched_files_are_not_written() {
        let mut tree = tree();
        let mut tables = Tables::read(&tree).unwrap();
        tables.remove_user("ada");
        tables.store(&mut tree).unwrap();
        for path in ["etc/passwd", "etc/shadow", "etc/group", "etc/gshadow"] {
            assert!(!text(&tree, path).contains("ada"), "{path}");
        }
        tree.put("etc/gshadow", Node::file(0o640, "no end of line")).unwrap();
        let mut tables = Tables::read(&tree).unwrap();
        tables.join("root", "nosuch");
        tables.store(&mut tree).unwrap();
        assert_eq!(text(&tree, "etc/gshadow"), "no end of line");
    }

    #[test]
    fn accounts_that_were_taken_out_come_back_unless_they_were_made_anew() {
        let mut tables = Tables::read(&tree()).unwrap();
        let names = ["ada".to_owned(), "nosuch".to_owned()];
        let taken = tables.take(&names, &["adm".to_owned()]);
        assert!(tables.user("ada").is_none() && tables.group("adm").is_none());
        let mut back = tables.clone();
        back.put_back(taken.clone());
        assert_eq!(back.shadow("ada", ShadowField::LastChange), Some("1"));
        assert_eq!(back.group("adm").unwrap().members, ["ada"]);
        assert!(back.user("nosuch").is_none());
        let mut other = UserEntry::parse("ada:x:7:7::/home/ada:/bin/sh").unwrap();
        other.secret = Secret::Script;
        tables.add_user(&other, 9);
        tables.put_back(taken);
        assert_eq!(tables.users().filter(|user| user.name == "ada").map(|user| user.uid).collect::<Vec<_>>(), [7]);
        assert_eq!(tables.shadow("ada", ShadowField::LastChange), Some("9"));
    }

    #[test]
    fn added_accounts_read_as_the_accounts_effect_writes_them() {
        let mut tree = tree();
        let mut tables = Tables::read(&tree).unwrap();
        let user = UserEntry {
            name: "eve".to_owned(),
            uid: 101,
            gid: 102,
            gecos: "E".to_owned(),
            home: "/nonexistent".to_owned(),
            shell: "/usr/sbin/nologin".to_owned(),
            secret: Secret::Script,
        };
        tables.add_user(&user, 20000);
        tables.add_group(&GroupEntry { name: "eve".to_owned(), gid: 102, members: vec![], secret: Secret::Script });
        tables.store(&mut tree).unwrap();
        assert!(text(&tree, "etc/passwd").ends_with("eve:x:101:102:E:/nonexistent:/usr/sbin/nologin\n"));
        assert!(text(&tree, "etc/shadow").ends_with("eve:!:20000::::::\n"));
        assert!(text(&tree, "etc/group").ends_with("eve:x:102:\n"));
        assert!(text(&tree, "etc/gshadow").ends_with("eve:!::\n"));
    }
}
