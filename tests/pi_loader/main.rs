//! The stand-in for a Pi's boot EEPROM and firmware against what reports say of real ones, and the product's boot configuration
//! against all of their generations. `tests/cli` has it read the real image, `tests/boot` has QEMU start what it hands over.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod loader;

use std::collections::BTreeMap;
use std::io::{Cursor, Read as _, Seek as _, Write as _};

use flate2::Compression;
use flate2::write::GzEncoder;
use imgbuild::format::fat::{self, FatFile};
use imgbuild::format::gpt::{self, Entry};
use loader::{Date, Handover, Pi, Stop, start};
use uuid::{Uuid, uuid};

const MIB: u64 = 1 << 20;
const BASIC_DATA: Uuid = uuid!("ebd0a0a2-b9e5-4433-87c0-68b6b72699c7");
const EMPTY_SLOT: Uuid = uuid!("0bdb5109-2590-5651-a7d2-d84c373136a7");
/// Where the two boot slots start, and how long they are.
const SLOTS: [u64; 2] = [MIB, 41 * MIB];
const SLOT: u64 = 40 * MIB;

/// Releases of the EEPROM that were the default for a while, and the newest.
const EEPROMS: [Date; 14] = [
    (2020, 9, 3),
    (2021, 4, 29),
    (2022, 1, 25),
    (2022, 4, 26),
    (2022, 11, 25),
    (2023, 1, 11),
    (2024, 4, 15),
    (2025, 2, 11),
    (2025, 5, 8),
    (2025, 11, 5),
    (2025, 12, 8),
    (2026, 1, 9),
    (2026, 5, 17),
    (2026, 8, 4),
];

const AUTOBOOT: &str = include_str!("../../firmware/rpi4/autoboot.txt");
/// What it was before images had a hybrid MBR.
const OLD_AUTOBOOT: &str = "[all]\ntryboot_a_b=1\nboot_partition=1\n[tryboot]\nboot_partition=2\n";

/// A stick as it is written for a Pi, its files stand-ins.
struct Stick {
    files: [BTreeMap<&'static str, Vec<u8>>; 2],
    /// What the MBR shows.
    shown: &'static [u32],
}

impl Stick {
    /// With slot A filled.
    fn new() -> Self {
        Self { files: [boot_files("a"), BTreeMap::new()], shown: &[1, 2] }
    }

    /// With a protective MBR.
    fn protective() -> Self {
        Self { shown: &[], ..Self::new() }
    }

    fn with(mut self, name: &'static str, content: &str) -> Self {
        self.files[0].insert(name, content.as_bytes().to_vec());
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.files[0].remove(name).unwrap();
        self
    }

    /// With slot B filled as well, as an upgrade would.
    fn with_both(mut self) -> Self {
        self.files[1] = boot_files("b");
        self
    }

    fn bytes(&self) -> Vec<u8> {
        let entry = |number: usize| Entry {
            name: ["boot-a", "boot-b"][number].to_owned(),
            type_guid: if self.files[number].is_empty() { EMPTY_SLOT } else { BASIC_DATA },
            guid: Uuid::from_u128(number as u128),
            offset: SLOTS[number],
            size: SLOT,
            attributes: 0,
        };
        let disk = Uuid::from_u128(7);
        let mut table = gpt::write(disk, 82 * MIB, &[entry(0), entry(1)], self.shown).unwrap();
        let mut bytes = Vec::new();
        table.rewind().and_then(|()| table.read_to_end(&mut bytes)).unwrap();
        for (start, files) in SLOTS.into_iter().zip(&self.files).filter(|(_, files)| !files.is_empty()) {
            let files: Vec<FatFile<'_>> = files.iter().map(|(path, content)| FatFile { path, content }).collect();
            let options = fat::Options { size: SLOT, volume_id: 1, label: "BOOT" };
            for (at, part) in fat::write(&files, &options).unwrap().extents() {
                let from = usize::try_from(start + at).unwrap();
                bytes[from..from + part.len()].copy_from_slice(part);
            }
        }
        bytes
    }

    fn written(&self) -> Written {
        Written(self.bytes())
    }

    fn start(&self, pi: Pi) -> Result<Handover, Stop> {
        self.written().start(pi)
    }
}

/// The same, as it lies there.
struct Written(Vec<u8>);

impl Written {
    fn start(&self, pi: Pi) -> Result<Handover, Stop> {
        start(Cursor::new(&self.0), pi)
    }
}

/// What a boot slot holds; the kernel says which slot it is from.
fn boot_files(slot: &str) -> BTreeMap<&'static str, Vec<u8>> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(&kernel(slot)).unwrap();
    BTreeMap::from([
        ("autoboot.txt", AUTOBOOT.into()),
        ("config.txt", include_bytes!("../../firmware/rpi4/config.txt").to_vec()),
        ("cmdline.txt", b"roothash=00 ro\n".to_vec()),
        // Debian 13's.
        ("start4.elf", firmware("Apr 17 2024").into()),
        ("fixup4.dat", b"fixup".to_vec()),
        ("vmlinuz", gzip.finish().unwrap()),
        ("initrd.img", b"initrd".to_vec()),
        ("bcm2711-rpi-4-b.dtb", b"device tree".to_vec()),
    ])
}

fn firmware(built: &str) -> String {
    format!("\x7fELF\0VC_BUILD_ID_TIME: 17:27:09\0VC_BUILD_ID_TIME: {built}\0")
}

fn kernel(slot: &str) -> Vec<u8> {
    [&[0; 0x38][..], b"ARM\x64", slot.as_bytes()].concat()
}

fn is_dark(result: &Result<Handover, Stop>) -> bool {
    matches!(result, Err(Stop::Dark(_)))
}

fn flashes_seven_times(result: &Result<Handover, Stop>) -> bool {
    matches!(result, Err(Stop::SevenFlashes(_)))
}

#[test]
fn every_eeprom_starts_slot_a_of_our_stick_whatever_slot_b_holds() {
    let expected = Handover {
        partition: 1,
        kernel: kernel("a"),
        initrd: b"initrd".to_vec(),
        device_tree: ("bcm2711-rpi-4-b.dtb".to_owned(), b"device tree".to_vec()),
        cmdline: "roothash=00 ro".to_owned(),
    };
    for stick in [Stick::new().written(), Stick::new().with_both().written()] {
        for eeprom in EEPROMS {
            assert_eq!(stick.start(Pi::with(eeprom)).as_ref(), Ok(&expected), "{eeprom:?}");
        }
    }
}

#[test]
fn no_eeprom_starts_the_same_stick_with_a_protective_mbr() {
    let protective = Stick::protective().written();
    let old = Stick::protective().with("autoboot.txt", OLD_AUTOBOOT).written();
    for eeprom in EEPROMS {
        assert!(flashes_seven_times(&protective.start(Pi::with(eeprom))), "{eeprom:?}");
        assert!(old.start(Pi::with(eeprom)).is_err(), "{eeprom:?}");
    }
    // The firmware that was mended.
    let mended = Stick::protective().with("start4.elf", &firmware("Apr 30 2025"));
    assert_eq!(mended.start(Pi::with((2025, 5, 8))).unwrap().partition, 1);
}

/// raspberrypi/rpi-eeprom#668: a GUID partition table on a Pi 4B, without `autoboot.txt`.
#[test]
fn it_starts_and_stops_as_in_the_report_of_february_2025() {
    // The build of 16 January that starts there was a candidate; what was released is of 18 February.
    for (eeprom, built, starts) in [
        ((2025, 2, 11), "Feb 18 2025", true),
        ((2025, 2, 11), "Nov 26 2024", false),
        ((2024, 4, 15), "Nov 26 2024", true),
    ] {
        let stick = Stick::protective().without("autoboot.txt").with("start4.elf", &firmware(built));
        let result = stick.start(Pi::with(eeprom));
        assert_eq!(result.is_ok(), starts, "{result:?}");
        assert!(starts || flashes_seven_times(&result));
    }
}

/// raspberrypi/rpi-eeprom#654, of January 2025: the partition that `autoboot.txt` names, on both kinds of table.
#[test]
fn another_partition_of_a_guid_partition_table_is_not_found_and_that_of_an_mbr_is() {
    let pi = Pi::with((2024, 12, 7));
    let second = "boot_partition=2\n";
    let gpt = Stick::protective().with_both().with("autoboot.txt", second).start(pi);
    assert!(flashes_seven_times(&gpt), "{gpt:?}");
    let mbr = Stick::new().with_both().with("autoboot.txt", second).start(pi).unwrap();
    assert_eq!((mbr.partition, mbr.kernel), (2, kernel("b")));
}

/// debian-cloud msg07244, of March 2026.
#[test]
fn the_first_slots_of_the_mbr_may_be_neither_empty_nor_the_protective_one() {
    let stick = Stick::new().bytes();
    let changed = |change: fn(&mut [u8])| {
        let mut bytes = stick.clone();
        change(&mut bytes[446..510]);
        start(Cursor::new(bytes), Pi::with((2025, 11, 5)))
    };
    assert!(is_dark(&changed(|slots| slots[..16].fill(0))));
    // The protective slot in the place of the second.
    assert!(flashes_seven_times(&changed(|slots| slots.copy_within(32..48, 16))));
    assert!(changed(|slots| slots[16..32].fill(0)).is_ok());
}

#[test]
fn a_trial_before_slot_b_is_filled_starts_slot_a_with_its_own_configuration() {
    let stick = Stick::new().written();
    for eeprom in EEPROMS.into_iter().filter(|eeprom| *eeprom >= (2022, 10, 18)) {
        assert_eq!(stick.start(Pi::with(eeprom).trying()).unwrap().kernel, kernel("a"), "{eeprom:?}");
    }
}

#[test]
fn with_what_an_upgrade_writes_a_trial_starts_slot_b_and_all_else_slot_a() {
    let stick = Stick::new().with_both().with("autoboot.txt", &upgrade()).written();
    for eeprom in EEPROMS.into_iter().filter(|eeprom| *eeprom >= (2022, 10, 18)) {
        let trial = stick.start(Pi::with(eeprom).trying()).unwrap();
        assert_eq!((trial.partition, trial.kernel), (2, kernel("b")), "{eeprom:?}");
        assert_eq!(stick.start(Pi::with(eeprom)).unwrap().kernel, kernel("a"), "{eeprom:?}");
    }
}

/// Why the image itself has no `[tryboot]`: such an EEPROM does not know it, and takes what follows for its own.
#[test]
fn an_eeprom_from_before_trials_would_take_the_slot_that_is_to_be_tried() {
    let asks_for_b = |stick: Stick| stick.with("autoboot.txt", &upgrade()).start(Pi::with((2020, 9, 3)));
    assert!(matches!(asks_for_b(Stick::new()), Err(Stop::FourFlashes(_))));
    assert_eq!(asks_for_b(Stick::new().with_both()).unwrap().kernel, kernel("b"));
}

/// The text that `docs/image-layout.md` gives to whoever fills slot B.
fn upgrade() -> String {
    let docs = include_str!("../../docs/image-layout.md");
    let (_, rest) = docs.split_once("```ini\n").unwrap();
    let (text, _) = rest.split_once("```").unwrap();
    assert!(text.contains("[tryboot]\n"), "{text}");
    text.to_owned()
}

#[test]
fn both_tables_of_our_stick_number_its_boot_slots_alike() {
    let mut bytes = Stick::new().with_both().bytes();
    // Slots 1 and 2 of the MBR, exchanged.
    let (first, second) = bytes[446..478].split_at_mut(16);
    first.swap_with_slice(second);
    assert!(is_dark(&start(Cursor::new(bytes), Pi::with((2024, 4, 15)))));
}

#[test]
fn config_txt_is_read_as_its_documentation_says() {
    let pi = Pi::with((2026, 5, 17));
    let config = include_str!("../../firmware/rpi4/config.txt");
    let kernel_of = |lines: &str| {
        let stick = Stick::new().with("config.txt", &format!("{config}{lines}")).with("other", "raw kernel");
        stick.start(pi).map(|handed| handed.kernel)
    };
    let other = Err(Stop::SevenFlashes("partition 1 has no kernel for 64 bits".to_owned()));
    for (lines, expected) in [
        ("[cm4]\nkernel=other\n", Ok(kernel("a"))),
        ("[pi4]\nkernel=other\n", other.clone()),
        ("[pi4]\n[none]\nkernel=other\n", Ok(kernel("a"))),
        ("[cm4]\n[pi4]\nkernel=other\n", other.clone()),
        ("[EDID=X]\n[pi4]\nkernel=other\n", Ok(kernel("a"))),
        ("[cm4]\n[all]\nkernel=other\n", other.clone()),
        ("[unheard-of]\nkernel=other\n", other.clone()),
        ("#kernel=other\n", Ok(kernel("a"))),
    ] {
        assert_eq!(kernel_of(lines), expected, "{lines}");
    }
    // A carriage return is a part of the file's name; what is beyond the 98th character is no part of anything.
    assert!(kernel_of("kernel=vmlinuz\r\n").is_err());
    let name: &'static str = "v".repeat(98 - "kernel=".len()).leak();
    let long = Stick::new().with(name, "raw kernel").with("config.txt", &format!("{config}kernel={name}and more\n"));
    assert_eq!(long.start(pi).map(|handed| handed.kernel), other);
}

#[test]
fn what_is_missing_stops_it_with_the_flashes_of_its_kind() {
    let pi = Pi::with((2026, 5, 17));
    for file in ["start4.elf", "fixup4.dat"] {
        assert!(matches!(Stick::new().without(file).start(pi), Err(Stop::FourFlashes(_))), "{file}");
    }
    for file in ["config.txt", "vmlinuz", "initrd.img", "bcm2711-rpi-4-b.dtb", "cmdline.txt"] {
        assert!(flashes_seven_times(&Stick::new().without(file).start(pi)), "{file}");
    }
    let mut cut = Stick::new();
    let kernel = cut.files[0].get_mut("vmlinuz").unwrap();
    kernel.truncate(kernel.len() - 9);
    assert!(flashes_seven_times(&cut.start(pi)));
}
