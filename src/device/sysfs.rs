//! Reads Linux's information on disks below a root directory, which is `/` except in tests. A disk may be unplugged at any
//! moment, so what cannot be read is treated as absent.

use std::fs;
use std::path::{Path, PathBuf};

use super::error::DeviceError;
use super::text::{clean, mounts, number, swaps, uevent, unhex, vital_serial};
use super::uses::{BlockDevice, Tables, uses};
use super::{Content, Disk, Partition, Transport};

/// Bytes that sysfs counts `size` and `start` in, whatever the disk's sectors are.
const UNIT: u64 = 512;

/// All disks by name, including loop devices, volumes and arrays, but without unused loop devices.
///
/// # Errors
/// [`DeviceError::Read`] if there is no list of disks. A disk that is unplugged while it is read is left out.
pub fn list(root: &Path) -> Result<Vec<Disk>, DeviceError> {
    let dir = root.join("sys/block");
    let read = |source| DeviceError::Read { path: dir.clone(), source };
    let root = root.canonicalize().map_err(read)?;
    let mut names: Vec<String> =
        fs::read_dir(&dir).map_err(read)?.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    // `sdb` before `sdaa`, `nvme2n1` before `nvme10n1`.
    names.sort_by_key(|name| (name.len(), name.clone()));

    let host = Host { root };
    let blocks = names.iter().filter_map(|name| block(&host.dir(name)?, name));
    // A loop device without a file is unused. Partitions of loop devices have no file of their own, and are not filtered.
    let blocks: Vec<BlockDevice> =
        blocks.filter(|disk| !disk.name.starts_with("loop") || disk.backing.is_some()).collect();
    let tables = host.tables();
    let links = Links {
        has_udev: host.root.join("dev/disk").is_dir(),
        ids: host.links("dev/disk/by-id"),
        labels: host.links("dev/disk/by-label"),
        uuids: host.links("dev/disk/by-uuid"),
    };
    Ok(blocks
        .iter()
        .filter_map(|block| {
            let (uses, numbers) = uses(&blocks, &tables, &block.name);
            let disk = host.disk(&block.name, &links)?;
            Some(Disk { uses, numbers, backing: block.backing.clone(), ..disk })
        })
        .collect())
}

/// udev's links: their names, and the devices that they lead to.
struct Links {
    has_udev: bool,
    ids: Vec<(String, String)>,
    labels: Vec<(String, String)>,
    /// UUIDs of file systems: those without a label have one too.
    uuids: Vec<(String, String)>,
}

impl Links {
    /// The label of the file system on `device`, without characters that are unsafe on a terminal.
    fn label(&self, device: &str) -> Option<String> {
        let (label, _) = self.labels.iter().find(|(_, other)| other == device)?;
        Some(clean(&unhex(label))).filter(|label| !label.is_empty())
    }

    /// What lies directly on `device`.
    fn content(&self, device: &str) -> Content {
        match self.label(device) {
            None if !self.has_udev => Content::Unknown,
            None if !self.uuids.iter().any(|(_, other)| other == device) => Content::Nothing,
            label => Content::FileSystem { label },
        }
    }
}

struct Host {
    /// A canonical path, so that `starts_with` tells what lies below it.
    root: PathBuf,
}

impl Host {
    /// The disk's directory in sysfs, whose path shows the bus that it is attached to.
    fn dir(&self, name: &str) -> Option<PathBuf> {
        let dir = self.root.join("sys/block").join(name).canonicalize().ok()?;
        dir.starts_with(&self.root).then_some(dir)
    }

    fn tables(&self) -> Tables {
        let filesystems = names(&self.root.join("sys/fs/btrfs"));
        let devices = |uuid: &String| names(&self.root.join("sys/fs/btrfs").join(uuid).join("devices"));
        Tables {
            mounts: mounts(&table(&self.root.join("proc/self/mountinfo"))),
            swaps: swaps(&table(&self.root.join("proc/swaps"))),
            btrfs: filesystems.iter().flat_map(devices).collect(),
        }
    }

    /// The links of a directory that udev keeps: name, and the device that it leads to.
    fn links(&self, dir: &str) -> Vec<(String, String)> {
        let target = |name: String| {
            let target = fs::read_link(self.root.join(dir).join(&name)).ok()?;
            Some((name, target.file_name()?.to_str()?.to_owned()))
        };
        names(&self.root.join(dir)).into_iter().filter_map(target).collect()
    }

    fn disk(&self, name: &str, links: &Links) -> Option<Disk> {
        let dir = self.dir(name)?;
        // The kernel hides the single paths of a multipath disk; they have no device file.
        if text(&dir, "hidden").as_deref() == Some("1") {
            return None;
        }
        let attribute = |file: &str| text(&dir, file).map(|text| clean(&text)).filter(|text| !text.is_empty());
        let partition = |(part, number): (String, u32)| {
            let dir = dir.join(&part);
            let uevents = text(&dir, "uevent").unwrap_or_default();
            let named = uevent(&uevents, "PARTNAME").map(clean);
            let label = named.filter(|name| !name.is_empty()).or_else(|| links.label(&part));
            Some(Partition { start: bytes(&dir, "start")?, size: bytes(&dir, "size")?, name: part, number, label })
        };
        Some(Disk {
            name: name.to_owned(),
            path: Path::new("/dev").join(name.replace('!', "/")),
            by_id: links
                .ids
                .iter()
                .filter(|(_, device)| device == name)
                .map(|(link, _)| Path::new("/dev/disk/by-id").join(link))
                .collect(),
            // Some buses report a vendor number, which means nothing to people.
            vendor: attribute("device/vendor").filter(|vendor| !vendor.starts_with("0x")).unwrap_or_default(),
            model: attribute("device/model").or_else(|| attribute("device/name")).unwrap_or_default(),
            serial: self.serial(&dir),
            size: bytes(&dir, "size")?,
            sector: text(&dir, "queue/logical_block_size")?.parse().ok()?,
            transport: self.transport(&dir, name),
            removable: text(&dir, "removable").as_deref() == Some("1"),
            read_only: text(&dir, "ro").as_deref() != Some("0"),
            diskseq: text(&dir, "diskseq").and_then(|text| text.parse().ok()),
            uses: Vec::new(),
            partitions: parts(&dir, name).into_iter().filter_map(partition).collect(),
            content: links.content(name),
            backing: None,
            numbers: Vec::new(),
        })
    }

    /// The transport, derived from the directories on the way to the disk: `usb2`, `ata1`, `virtio3` …
    fn transport(&self, dir: &Path, name: &str) -> Transport {
        let way = dir.strip_prefix(&self.root).unwrap_or(dir);
        let is_by = |bus: &str| {
            way.iter()
                .filter_map(|part| part.to_str()?.strip_prefix(bus))
                .any(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
        };
        match name.trim_end_matches(|char: char| char.is_ascii_digit()) {
            "loop" => Transport::Loop,
            "dm-" => Transport::DeviceMapper,
            "md" | "md_d" => Transport::Raid,
            // Optical drives are refused on any bus.
            "sr" => Transport::Other("optical drive".to_owned()),
            // Cards report `SD`; soldered eMMC chips report `MMC`.
            _ if name.starts_with("mmcblk") => match text(dir, "device/type").as_deref() {
                Some("SD") => Transport::Mmc,
                _ => Transport::Other("eMMC".to_owned()),
            },
            _ if name.starts_with("nvme") => Transport::Nvme,
            _ if is_by("usb") => Transport::Usb,
            _ if is_by("ata") => Transport::Sata,
            _ if is_by("virtio") => Transport::Virtio,
            prefix => {
                let bus = fs::read_link(dir.join("device/subsystem")).ok();
                let bus = bus.as_deref().and_then(Path::file_name).and_then(|bus| bus.to_str());
                Transport::Other(clean(bus.unwrap_or(prefix)))
            }
        }
    }

    /// The serial number of the disk, or of the USB device that it belongs to.
    fn serial(&self, dir: &Path) -> Option<String> {
        let own = || text(dir, "device/serial").or_else(|| text(dir, "serial"));
        let of_usb = || {
            let device = dir.ancestors().take_while(|dir| **dir != self.root).find(|dir| dir.join("idVendor").exists());
            text(device?, "serial")
        };
        let of_scsi = || vital_serial(&fs::read(dir.join("device/vpd_pg80")).ok()?);
        [own(), of_usb(), of_scsi()]
            .into_iter()
            .flatten()
            .map(|serial| clean(&serial))
            .find(|serial| !serial.is_empty())
    }
}

fn block(dir: &Path, name: &str) -> Option<BlockDevice> {
    // A device without a number has no device file, or was unplugged.
    let number = number(&text(dir, "dev")?);
    let backing = text(dir, "loop/backing_file").map(PathBuf::from);
    let mapped = text(dir, "dm/name").map(|name| clean(&name));
    let title = match &mapped {
        Some(mapped) => {
            let kind = text(dir, "dm/uuid").unwrap_or_default();
            let kind = match kind.split('-').next() {
                Some("LVM") => "LVM volume",
                Some("CRYPT") => "encrypted volume",
                Some("mpath") => "multipath disk",
                _ => "volume",
            };
            format!("{kind} {mapped} ({name})")
        }
        None if name.starts_with("md") => format!("RAID {name}"),
        None if name.starts_with("loop") => format!("loop device {name}"),
        None => name.to_owned(),
    };
    let parts = parts(dir, name).into_iter().filter_map(|(part, _)| block(&dir.join(&part), &part)).collect();
    Some(BlockDevice {
        name: name.to_owned(),
        number,
        holders: names(&dir.join("holders")),
        parts,
        mapped,
        title,
        backing,
    })
}

/// Names and numbers of a disk's partitions, by number.
fn parts(dir: &Path, name: &str) -> Vec<(String, u32)> {
    let of_disk = names(dir).into_iter().filter(|part| part.starts_with(name));
    let mut parts: Vec<_> =
        of_disk.filter_map(|part| Some((text(dir, &format!("{part}/partition"))?.parse().ok()?, part))).collect();
    parts.sort();
    parts.into_iter().map(|(number, part)| (part, number)).collect()
}

/// The content of a sysfs attribute, without the line break at its end.
fn text(dir: &Path, file: &str) -> Option<String> {
    let bytes = fs::read(dir.join(file)).ok()?;
    Some(String::from_utf8_lossy(&bytes).trim_end_matches(['\n', '\0']).to_owned())
}

fn bytes(dir: &Path, file: &str) -> Option<u64> {
    text(dir, file)?.parse::<u64>().ok()?.checked_mul(UNIT)
}

/// A table of `/proc`. Paths in it need not be UTF-8.
fn table(path: &Path) -> String {
    fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

/// The names in a directory, sorted; empty if there is no such directory.
fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).into_iter().flatten();
    let mut names: Vec<String> = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.sort();
    names
}
