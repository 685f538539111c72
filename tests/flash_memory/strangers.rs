//! Whoever may run the half that writes need not be `imgbuild`: plans that it never makes, and ends of the other half.

use std::io::{self, Write};

use imgbuild::flash::protocol::{Job, VERSION};
use imgbuild::flash::writer::Settings;
use imgbuild::flash::{Plan, Prepared, WriteError, child};

use crate::Borrowed;
use crate::disk::{Disk, Fault};
use crate::image::Image;

const SIZE: u64 = 40 << 20;

fn plan(size: u64) -> Plan {
    let image = Image::new(100_000);
    Prepared::new(&image.manifest, &image, (size, 512), None).unwrap().plan
}

fn line(plan: Plan) -> Vec<u8> {
    let mut line = serde_json::to_vec(&Job { version: VERSION, plan }).unwrap();
    line.push(b'\n');
    line
}

/// Makes a plan another one.
type Change = fn(&mut Plan);

fn not_opened(_: &Job) -> Result<Borrowed<'static>, WriteError> {
    panic!("the device was opened");
}

#[test]
fn a_plan_that_imgbuild_never_makes_is_refused_before_the_device_is_opened() {
    let changes: [(&str, Change); 9] = [
        ("not on a device", |plan| plan.clear = vec![(u64::MAX, u64::MAX)]),
        ("not on a device", |plan| plan.clear = vec![(0, 1 << 63)]),
        ("not on a device", |plan| plan.clear = vec![(4096, 0)]),
        ("overlap", |plan| plan.clear = vec![(0, SIZE), (0, SIZE)]),
        ("not on a device", |plan| plan.ranges[0].offset = u64::MAX - 4095),
        ("not on a device", |plan| plan.ranges[0].len = u64::MAX),
        ("overlap", |plan| plan.ranges = vec![plan.ranges[0].clone(); 2]),
        ("not on a device", |plan| plan.tables[0].offset = SIZE),
        ("4 parts of partition tables", |plan| plan.tables = vec![plan.tables[0].clone(); 4]),
    ];
    for (expected, change) in changes {
        let mut plan = plan(SIZE);
        change(&mut plan);
        let opened = child::run(line(plan).as_slice(), io::sink(), Settings::default(), not_opened);
        let error = opened.unwrap_err();
        assert!(matches!(error, WriteError::Refused { .. }) && error.to_string().contains(expected), "{error}");
    }
    let mut long = plan(SIZE);
    long.ranges = vec![imgbuild::flash::Range { len: (16 << 20) + 512, ..long.ranges[0].clone() }];
    let error = child::run(line(long).as_slice(), io::sink(), Settings::default(), not_opened);
    assert!(error.unwrap_err().to_string().contains("a range of 16777728 bytes"));
}

/// The other half, which goes away after so many lines.
struct Leaving(usize);

impl Write for Leaving {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0 == 0 {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        self.0 -= usize::from(bytes.contains(&b'\n'));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_device_is_not_cleared_for_somebody_who_has_gone() {
    const LARGE: u64 = 1 << 40;
    let mut plan = plan(LARGE);
    plan.clear = vec![(0, LARGE)];
    let disk = Disk::new(LARGE, 512, Fault::None);
    // `opened`, and the phase's name.
    let result = child::run(line(plan).as_slice(), Leaving(2), Settings::default(), |_| Ok(Borrowed(&disk)));
    assert_eq!(result, Err(WriteError::Feed));
    assert!(disk.operations() < 100, "{} operations", disk.operations());
}
