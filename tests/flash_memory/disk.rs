//! A disk in memory, as good or as bad as a test says.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::sync::Mutex;

use imgbuild::flash::Target;
use imgbuild::format::Sparse;
use imgbuild::format::gpt::{self, Table};

const BLOCK: usize = 4096;

/// What is wrong with a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    None,
    /// No more than so many bytes are written or read at a time.
    Short(usize),
    /// Writing to this block fails for so many times.
    WriteError {
        at: u64,
        times: u32,
    },
    /// Reading this block fails for so many times, once the disk has taken `after` bytes.
    ReadError {
        at: u64,
        times: u32,
        after: u64,
    },
    /// A bit of this block comes back wrong for so many times, once something was written to it.
    Flip {
        at: u64,
        times: u32,
    },
    /// This block never changes.
    Stuck {
        at: u64,
    },
    /// Writing to this block has no effect for so many times, and no error either.
    Dropped {
        at: u64,
        times: u32,
    },
    /// Addresses wrap around after so many bytes.
    Wraps(u64),
    /// Addresses beyond keep nothing.
    Ends(u64),
    /// It is unplugged after so many operations.
    Gone {
        after: u64,
    },
}

/// What lies on a disk where nothing was written to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Old {
    #[default]
    Zeros,
    Ones,
    Noise,
}

impl Old {
    /// The bytes at `at`, a multiple of eight.
    fn fill(self, at: u64, bytes: &mut [u8]) {
        match self {
            Self::Zeros => bytes.fill(0),
            Self::Ones => bytes.fill(0xff),
            Self::Noise => {
                for (word, bytes) in (at / 8..).zip(bytes.chunks_mut(8)) {
                    let noise = word.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes();
                    bytes.copy_from_slice(&noise[..bytes.len()]);
                }
            }
        }
    }
}

impl State {
    /// Some bytes of one block.
    fn put(&mut self, at: u64, bytes: &[u8]) {
        let number = at / BLOCK as u64;
        let block = self.blocks.entry(number).or_insert_with(|| {
            let mut block = Box::new([0; BLOCK]);
            self.old.fill(number * BLOCK as u64, &mut block[..]);
            block
        });
        let from = usize::try_from(at).unwrap() % BLOCK;
        block[from..from + bytes.len()].copy_from_slice(bytes);
    }

    fn get(&self, at: u64, bytes: &mut [u8]) {
        let from = usize::try_from(at).unwrap() % BLOCK;
        match self.blocks.get(&(at / BLOCK as u64)) {
            Some(block) => bytes.copy_from_slice(&block[from..from + bytes.len()]),
            None => self.old.fill(at, bytes),
        }
    }
}

#[derive(Debug)]
pub struct Disk {
    size: u64,
    sector: u32,
    fault: Fault,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    blocks: BTreeMap<u64, Box<[u8; BLOCK]>>,
    old: Old,
    operations: u64,
    written: u64,
    left: Option<u32>,
}

impl Disk {
    pub fn new(size: u64, sector: u32, fault: Fault) -> Self {
        Self { size, sector, fault, state: Mutex::default() }
    }

    /// A disk that was in use, and does not discard.
    pub fn used(size: u64, old: Old) -> Self {
        let disk = Self::new(size, 512, Fault::None);
        disk.state.lock().unwrap().old = old;
        disk
    }

    /// With these bytes on it from the beginning.
    pub fn with(self, at: u64, bytes: &[u8]) -> Self {
        let mut state = self.state.lock().unwrap();
        for (start, bytes) in (at..).step_by(512).zip(bytes.chunks(512)) {
            state.put(start, bytes);
        }
        drop(state);
        self
    }

    /// As [`Disk::with`], from any byte on.
    pub fn with_bytes(self, at: u64, bytes: &[u8]) -> Self {
        let start = at / 512 * 512;
        let from = usize::try_from(at - start).unwrap();
        let mut whole = self.bytes(start, (from + bytes.len()).next_multiple_of(512));
        whole[from..from + bytes.len()].copy_from_slice(bytes);
        self.with(start, &whole)
    }

    /// What is on the medium, whatever reading says.
    pub fn bytes(&self, at: u64, len: usize) -> Vec<u8> {
        let state = self.state.lock().unwrap();
        let mut bytes = vec![0; len];
        for (start, bytes) in (at..).step_by(512).zip(bytes.chunks_mut(512)) {
            state.get(start, bytes);
        }
        bytes
    }

    /// The partition table that an operating system would find.
    pub fn table(&self) -> Option<Table> {
        let mut sparse = Sparse::new(self.size);
        for (number, block) in &self.state.lock().unwrap().blocks {
            use std::io::{Seek as _, Write as _};
            sparse.seek(io::SeekFrom::Start(number * BLOCK as u64)).unwrap();
            let left = usize::try_from(self.size - number * BLOCK as u64).unwrap();
            sparse.write_all(&block[..left.min(BLOCK)]).unwrap();
        }
        gpt::read(sparse).ok()
    }

    pub fn operations(&self) -> u64 {
        self.state.lock().unwrap().operations
    }

    /// One more operation, which a disk that is gone does not do; the length of what is done.
    fn operate(&self, state: &mut State, len: usize, at: u64, pointer: *const u8) -> io::Result<usize> {
        assert!(pointer.align_offset(512) == 0, "a buffer that is not aligned");
        assert!(len.is_multiple_of(self.sector as usize) && at.is_multiple_of(u64::from(self.sector)), "half a sector");
        state.operations += 1;
        if matches!(self.fault, Fault::Gone { after } if state.operations > after) {
            return Err(rustix::io::Errno::NODEV.into());
        }
        let left = usize::try_from(self.size.saturating_sub(at)).unwrap();
        let most = if let Fault::Short(most) = self.fault { most } else { usize::MAX };
        Ok(len.min(left).min(most))
    }

    /// Whether a fault at `block` shows once more.
    fn shows(state: &mut State, times: u32) -> bool {
        let left = state.left.get_or_insert(times);
        let shows = *left > 0;
        *left = left.saturating_sub(1);
        shows
    }
}

fn hits(at: u64, len: usize, block: u64) -> bool {
    at <= block && block < at + len as u64
}

impl Target for Disk {
    fn size(&self) -> u64 {
        self.size
    }

    fn sector(&self) -> u32 {
        self.sector
    }

    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        let mut state = self.state.lock().unwrap();
        let len = self.operate(&mut state, buffer.len(), at, buffer.as_ptr())?;
        if let Fault::ReadError { at: bad, times, after } = self.fault
            && hits(at, len, bad)
            && state.written >= after
            && Self::shows(&mut state, times)
        {
            return Err(rustix::io::Errno::IO.into());
        }
        for (start, bytes) in (at..).step_by(512).zip(buffer[..len].chunks_mut(512)) {
            let start = match self.fault {
                Fault::Wraps(real) => start % real,
                _ => start,
            };
            state.get(start, bytes);
        }
        if let Fault::Flip { at: bad, times } = self.fault
            && hits(at, len, bad)
            && buffer[..len].iter().any(|byte| *byte != 0)
            && Self::shows(&mut state, times)
        {
            buffer[usize::try_from(bad - at).unwrap()] ^= 0x10;
        }
        Ok(len)
    }

    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<usize> {
        let mut state = self.state.lock().unwrap();
        let len = self.operate(&mut state, bytes.len(), at, bytes.as_ptr())?;
        match self.fault {
            Fault::WriteError { at: bad, times } if hits(at, len, bad) && Self::shows(&mut state, times) => {
                return Err(rustix::io::Errno::IO.into());
            }
            Fault::Dropped { at: bad, times } if hits(at, len, bad) && Self::shows(&mut state, times) => {
                return Ok(len);
            }
            _ => {}
        }
        state.written += len as u64;
        for (start, bytes) in (at..).step_by(512).zip(bytes[..len].chunks(512)) {
            let start = match self.fault {
                Fault::Wraps(real) => start % real,
                Fault::Ends(end) if start >= end => continue,
                Fault::Stuck { at } if start / BLOCK as u64 == at / BLOCK as u64 => continue,
                _ => start,
            };
            state.put(start, bytes);
        }
        Ok(len)
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.state.lock().unwrap();
        self.operate(&mut state, 0, 0, std::ptr::null()).map(drop)
    }

    fn discard(&self, range: Range<u64>) -> io::Result<()> {
        let mut state = self.state.lock().unwrap();
        if state.old != Old::Zeros {
            return Err(rustix::io::Errno::OPNOTSUPP.into());
        }
        state.blocks.retain(|number, _| !range.contains(&(number * BLOCK as u64)));
        Ok(())
    }
}
