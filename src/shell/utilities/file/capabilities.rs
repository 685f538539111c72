//! setcap(8) and getcap(8): capabilities of files, as `security.capability` holds them (`struct vfs_cap_data`, revision 2, in
//! include/uapi/linux/capability.h), and as their text is written (`cap_from_text(3)`).

use super::options::{Spec, Takes, parse};
use crate::shell::{Answer, Call, FileError, Reason};
use crate::tree::Kind;

const ATTRIBUTE: &str = "security.capability";
const REVISION: u32 = 0x0200_0000;
const EFFECTIVE: u32 = 1;

/// Names by number (include/uapi/linux/capability.h).
const NAMES: [&str; 41] = [
    "cap_chown",
    "cap_dac_override",
    "cap_dac_read_search",
    "cap_fowner",
    "cap_fsetid",
    "cap_kill",
    "cap_setgid",
    "cap_setuid",
    "cap_setpcap",
    "cap_linux_immutable",
    "cap_net_bind_service",
    "cap_net_broadcast",
    "cap_net_admin",
    "cap_net_raw",
    "cap_ipc_lock",
    "cap_ipc_owner",
    "cap_sys_module",
    "cap_sys_rawio",
    "cap_sys_chroot",
    "cap_sys_ptrace",
    "cap_sys_pacct",
    "cap_sys_admin",
    "cap_sys_boot",
    "cap_sys_nice",
    "cap_sys_resource",
    "cap_sys_time",
    "cap_sys_tty_config",
    "cap_mknod",
    "cap_lease",
    "cap_audit_write",
    "cap_audit_control",
    "cap_setfcap",
    "cap_mac_override",
    "cap_mac_admin",
    "cap_syslog",
    "cap_wake_alarm",
    "cap_block_suspend",
    "cap_audit_read",
    "cap_perfmon",
    "cap_bpf",
    "cap_checkpoint_restore",
];

/// Sets of capabilities, a bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Sets {
    effective: u64,
    inheritable: u64,
    permitted: u64,
}

impl Sets {
    fn of(&mut self, flag: char) -> Option<&mut u64> {
        match flag {
            'e' => Some(&mut self.effective),
            'i' => Some(&mut self.inheritable),
            'p' => Some(&mut self.permitted),
            _ => None,
        }
    }

    /// Reads clauses such as `cap_net_raw,cap_net_admin=ep`; none if it is no such text.
    fn parse(text: &str) -> Result<Option<Self>, Reason> {
        let mut sets = Self::default();
        for clause in text.split_whitespace() {
            let Some(start) = clause.find(['=', '+', '-']) else { return Ok(None) };
            let (names, mut actions) = clause.split_at(start);
            if names.is_empty() || names.eq_ignore_ascii_case("all") {
                // Which those are is the running kernel's.
                return Err(Reason::unsupported("setcap", "all capabilities"));
            }
            let mut chosen = 0;
            for name in names.split(',') {
                let Some(number) = NAMES.iter().position(|known| name.eq_ignore_ascii_case(known)) else {
                    return Ok(None);
                };
                chosen |= 1_u64 << number;
            }
            while let Some(operator) = actions.chars().next() {
                let rest = actions.get(1..).unwrap_or_default();
                let (flags, after) = rest.split_at(rest.find(['=', '+', '-']).unwrap_or(rest.len()));
                actions = after;
                if operator == '=' {
                    for flag in ['e', 'i', 'p'] {
                        sets.of(flag).into_iter().for_each(|set| *set &= !chosen);
                    }
                }
                for flag in flags.chars() {
                    let Some(set) = sets.of(flag) else { return Ok(None) };
                    *set = if operator == '-' { *set & !chosen } else { *set | chosen };
                }
            }
        }
        Ok(Some(sets))
    }

    /// The attribute; none for what a file cannot have: one bit says of all that a file gives whether they are effective.
    fn attribute(self) -> Result<Option<Vec<u8>>, Reason> {
        let given = self.permitted | self.inheritable;
        if self.effective & !given != 0 {
            return Err(Reason::unsupported(
                "setcap",
                "effective capabilities that are neither permitted nor inheritable",
            ));
        }
        if self.effective != 0 && self.effective != given {
            return Ok(None);
        }
        let flag = if self.effective == 0 { 0 } else { EFFECTIVE };
        let mut bytes = (REVISION | flag).to_le_bytes().to_vec();
        let (permitted, inheritable) = (self.permitted.to_le_bytes(), self.inheritable.to_le_bytes());
        for half in [0..4, 4..8] {
            bytes.extend(permitted.get(half.clone()).unwrap_or_default());
            bytes.extend(inheritable.get(half).unwrap_or_default());
        }
        Ok(Some(bytes))
    }

    fn from_attribute(bytes: &[u8]) -> Option<Self> {
        let word = |at: usize| Some(u32::from_le_bytes(bytes.get(at * 4..at * 4 + 4)?.try_into().ok()?));
        let magic = word(0)?;
        if bytes.len() != 20 || magic & !EFFECTIVE != REVISION {
            return None;
        }
        let both = |low: u32, high: u32| u64::from(low) | u64::from(high) << 32;
        let (permitted, inheritable) = (both(word(1)?, word(3)?), both(word(2)?, word(4)?));
        let effective = if magic & EFFECTIVE == 0 { 0 } else { permitted | inheritable };
        Some(Self { effective, inheritable, permitted })
    }

    /// The text of getcap(8), where all capabilities have the same flags.
    fn text(self) -> Option<String> {
        let all = self.permitted | self.inheritable;
        let mut flags = String::new();
        for (flag, set) in [('e', self.effective), ('i', self.inheritable), ('p', self.permitted)] {
            match set {
                0 => {}
                set if set == all => flags.push(flag),
                _ => return None,
            }
        }
        let names = NAMES.iter().enumerate().filter(|(number, _)| all >> number & 1 == 1).map(|(_, name)| *name);
        let names: Vec<&str> = names.collect();
        (names.len() == usize::try_from(all.count_ones()).ok()?).then(|| format!("{}={flags}", names.join(",")))
    }
}

const SETCAP: &[Spec] = &[("quiet", "q", Takes::Nothing)];

/// setcap(8)
pub(super) fn setcap(call: &mut Call<'_>) -> Answer {
    // `-r` stands where capabilities do.
    let mut rest = call.args.iter().map(String::as_str).peekable();
    while rest.next_if_eq(&"-q").is_some() {}
    let mut pairs = Vec::new();
    while let Some(text) = rest.next() {
        if text.starts_with('-') && text != "-r" {
            parse("setcap", SETCAP, &[text.to_owned()])?;
            return Err(Reason::unsupported("setcap", format!("option {text}")));
        }
        let Some(path) = rest.next() else {
            pairs.clear();
            break;
        };
        pairs.push((text, path));
    }
    if pairs.is_empty() {
        call.complain("setcap: capabilities and a file must be given");
        return Ok(1);
    }
    for (text, path) in pairs {
        let value = if text == "-r" {
            None
        } else {
            match Sets::parse(text)?.map(Sets::attribute).transpose()?.flatten() {
                Some(value) => Some(value),
                None => {
                    call.complain(&format!("setcap: invalid capabilities '{text}'"));
                    return Ok(1);
                }
            }
        };
        let found = call.files.stat(path, false);
        let fits = match &found {
            Ok((_, node)) => {
                matches!(node.kind, Kind::File(_)) && (value.is_some() || node.xattrs.contains_key(ATTRIBUTE))
            }
            Err(_) => true,
        };
        let done = match found.map(|_| ()) {
            Ok(()) if !fits => Err(FileError::Invalid),
            Ok(()) => call.files.set_attribute(path, ATTRIBUTE, value),
            Err(error) => Err(error),
        };
        if let Err(error) = done {
            return call.failed("setcap", path, error);
        }
    }
    Ok(0)
}

/// getcap(8) without options
pub(super) fn getcap(call: &mut Call<'_>) -> Answer {
    let parsed = parse("getcap", &[], call.args)?;
    if parsed.operands.is_empty() {
        call.complain("getcap: no file");
        return Ok(1);
    }
    for path in &parsed.operands {
        let bytes = match call.files.stat(path, false) {
            Ok((_, node)) => node.xattrs.get(ATTRIBUTE).cloned(),
            Err(error) => {
                call.failed("getcap", path, error)?;
                return Ok(1);
            }
        };
        let Some(bytes) = bytes else { continue };
        let text = Sets::from_attribute(&bytes).and_then(Sets::text);
        let text = text.ok_or_else(|| Reason::unsupported("getcap", "these capabilities"))?;
        call.print(&format!("{path} {text}\n"));
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_what_the_kernel_reads() {
        let bytes = |text| Sets::parse(text).unwrap().map(|sets| sets.attribute().unwrap().unwrap());
        let raw = |flag: u8, permitted: u64, inheritable: u64| {
            let (permitted, inheritable) = (permitted.to_le_bytes(), inheritable.to_le_bytes());
            Some([&[flag, 0, 0, 2], &permitted[..4], &inheritable[..4], &permitted[4..], &inheritable[4..]].concat())
        };
        assert_eq!(bytes("cap_net_raw+ep"), raw(1, 1 << 13, 0));
        assert_eq!(bytes("cap_net_raw=ep"), raw(1, 1 << 13, 0));
        assert_eq!(bytes("cap_setuid,cap_setgid=p"), raw(0, 0b1100_0000, 0));
        assert_eq!(bytes("CAP_BPF,cap_net_admin=eip"), raw(1, 1 << 39 | 1 << 12, 1 << 39 | 1 << 12));
        assert_eq!(bytes("cap_net_raw=p cap_net_raw-p"), raw(0, 0, 0));
        assert_eq!(bytes("cap_net_bind_service=+ep cap_net_raw=+ep"), raw(1, 1 << 13 | 1 << 10, 0));
        for text in ["cap_net_raw", "cap_none=ep", "cap_net_raw=x"] {
            assert_eq!(Sets::parse(text).unwrap(), None, "{text}");
        }
        assert!(Sets::parse("all=ep").is_err());
        let mixed = Sets::parse("cap_net_raw=p cap_chown=ep").unwrap().unwrap();
        assert_eq!(mixed.attribute(), Ok(None));
    }

    #[test]
    fn what_a_file_has_is_printed() {
        for (text, printed) in [
            ("cap_setuid,cap_setgid+p", Some("cap_setgid,cap_setuid=p")),
            ("cap_net_raw=eip", Some("cap_net_raw=eip")),
            ("cap_chown=i cap_net_raw=p", None),
            ("", Some("=")),
        ] {
            let bytes = Sets::parse(text).unwrap().unwrap().attribute().unwrap().unwrap();
            assert_eq!(Sets::from_attribute(&bytes).unwrap().text().as_deref(), printed, "{text}");
        }
    }
}
