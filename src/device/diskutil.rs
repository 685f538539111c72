//! Reads the property lists of macOS's `diskutil` into the same [`Disk`] values. It takes captured lists and calls no program, so
//! that it can be tested on any host.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::error::DeviceError;
use super::text::clean;
use super::{Content, Disk, Partition, Transport, Use};

/// `diskutil list -plist`.
#[derive(Deserialize)]
struct List {
    #[serde(rename = "AllDisksAndPartitions")]
    disks: Vec<ListedDevice>,
}

/// A disk, partition or volume of the list.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListedDevice {
    device_identifier: String,
    #[serde(default)]
    size: u64,
    #[serde(default)]
    volume_name: String,
    mount_point: Option<PathBuf>,
    #[serde(default)]
    partitions: Vec<ListedDevice>,
    #[serde(default, rename = "APFSVolumes")]
    volumes: Vec<ListedDevice>,
    /// What an APFS container is made of; containers look like disks.
    #[serde(default, rename = "APFSPhysicalStores")]
    stores: Vec<Store>,
    #[serde(default)]
    mounted_snapshots: Vec<Snapshot>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Store {
    device_identifier: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Snapshot {
    snapshot_mount_point: Option<PathBuf>,
}

/// `diskutil info -plist DISK`, of a disk or a partition.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Info {
    bus_protocol: String,
    media_name: String,
    virtual_or_physical: String,
    total_size: Option<u64>,
    device_block_size: Option<u32>,
    writable_media: bool,
    removable_media: bool,
    partition_map_partition_offset: u64,
}

/// All disks of `diskutil list -plist`, with the output of `diskutil info -plist` for each, by its identifier (`disk4`). A
/// disk without such output was unplugged meanwhile and is left out; a partition without it is taken to start at 0.
///
/// # Errors
/// [`DeviceError::Plist`] if the input is not such a property list.
pub fn disks(list: &[u8], infos: &BTreeMap<String, Vec<u8>>) -> Result<Vec<Disk>, DeviceError> {
    let list: List = read("all disks", list)?;
    let mut known = BTreeMap::new();
    for (name, bytes) in infos {
        known.insert(name.as_str(), read::<Info>(name, bytes)?);
    }
    let all = &list.disks;
    Ok(all.iter().filter_map(|entry| Some(disk(entry, known.get(&*entry.device_identifier)?, all, &known))).collect())
}

fn read<T: DeserializeOwned>(of: &str, bytes: &[u8]) -> Result<T, DeviceError> {
    plist::from_bytes(bytes).map_err(|source| DeviceError::Plist { of: clean(of), source })
}

fn disk(entry: &ListedDevice, info: &Info, all: &[ListedDevice], infos: &BTreeMap<&str, Info>) -> Disk {
    let name = clean(&entry.device_identifier);
    let mut uses: Vec<Use> = Vec::new();
    mounts(&mut uses, entry);
    for part in entry.partitions.iter().chain(&entry.volumes) {
        mounts(&mut uses, part);
    }
    for container in all {
        for store in container.stores.iter().filter(|store| is_on(&store.device_identifier, entry)) {
            uses.push(Use::Holder {
                device: clean(&store.device_identifier),
                name: format!("APFS container {}", clean(&container.device_identifier)),
            });
            for volume in &container.volumes {
                mounts(&mut uses, volume);
            }
        }
    }
    uses.sort();
    uses.dedup();
    Disk {
        path: Path::new("/dev").join(&name),
        by_id: Vec::new(),
        vendor: String::new(),
        model: clean(&info.media_name),
        // `diskutil` does not report serial numbers.
        serial: None,
        size: info.total_size.unwrap_or(entry.size),
        sector: info.device_block_size.unwrap_or_default(),
        transport: transport(info),
        removable: info.removable_media,
        read_only: !info.writable_media,
        diskseq: None,
        uses,
        partitions: entry.partitions.iter().filter_map(|part| partition(part, &name, infos)).collect(),
        content: match clean(&entry.volume_name) {
            label if label.is_empty() => Content::Unknown,
            label => Content::FileSystem { label: Some(label) },
        },
        backing: None,
        numbers: Vec::new(),
        name,
    }
}

fn mounts(uses: &mut Vec<Use>, entry: &ListedDevice) {
    let snapshots = entry.mounted_snapshots.iter().filter_map(|snapshot| snapshot.snapshot_mount_point.as_ref());
    let paths = entry.mount_point.iter().chain(snapshots).filter(|path| !path.as_os_str().is_empty());
    uses.extend(paths.map(|path| Use::Mount { device: clean(&entry.device_identifier), path: path.clone() }));
}

/// Whether the device is the disk itself or one of its partitions.
fn is_on(device: &str, disk: &ListedDevice) -> bool {
    device == disk.device_identifier || disk.partitions.iter().any(|part| part.device_identifier == device)
}

fn partition(entry: &ListedDevice, disk: &str, infos: &BTreeMap<&str, Info>) -> Option<Partition> {
    let name = clean(&entry.device_identifier);
    let number = name.strip_prefix(disk)?.strip_prefix('s')?.parse().ok()?;
    let start = infos.get(&*entry.device_identifier).map_or(0, |info| info.partition_map_partition_offset);
    let label = Some(clean(&entry.volume_name)).filter(|label| !label.is_empty());
    Some(Partition { name, number, start, size: entry.size, label })
}

fn transport(info: &Info) -> Transport {
    match &*info.bus_protocol {
        _ if info.virtual_or_physical == "Virtual" => Transport::Other("virtual disk".to_owned()),
        "USB" => Transport::Usb,
        "Secure Digital" => Transport::Mmc,
        "PCI-Express" | "Apple Fabric" => Transport::Nvme,
        "SATA" => Transport::Sata,
        other => Transport::Other(clean(other)),
    }
}
