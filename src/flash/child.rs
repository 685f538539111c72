//! The process that writes: it reads the job and the data from one pipe, and reports events on another.

use std::io::{self, BufRead, BufReader, Read, Write};

use super::protocol::{Event, Job, LONGEST_JOB, VERSION};
use super::writer::{Feed, Settings, Writer};
use super::{Target, WriteError};

/// Bytes of the buffer in front of the pipe. It is small because large reads go past it, into the writer's buffers.
const PIPE_BUFFER: usize = 8 << 10;

struct Pipe<R>(BufReader<R>);

impl<R: Read> Feed for Pipe<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        self.0.read_exact(buffer)
    }
}

/// Reads a job from `input`, opens the device with `open`, does the job, and reports events on `output`.
///
/// # Errors
/// Any failure. It was already reported on `output`, so the caller need not report it.
pub fn run<T: Target>(
    input: impl Read,
    mut output: impl Write,
    settings: Settings,
    open: impl FnOnce(&Job) -> Result<T, WriteError>,
) -> Result<(), WriteError> {
    let mut pipe = Pipe(BufReader::with_capacity(PIPE_BUFFER, input));
    let mut tell = |event: Event| {
        let line = serde_json::to_string(&event).map_err(|_| WriteError::Feed)?;
        writeln!(output, "{line}").and_then(|()| output.flush()).map_err(|_| WriteError::Feed)
    };
    let result = read_job(&mut pipe.0).and_then(|job| {
        let target = open(&job)?;
        tell(Event::Opened { version: VERSION, size: target.size(), sector: target.sector() })?;
        let mut nonce = [0; 16];
        getrandom::fill(&mut nonce)
            .map_err(|error| WriteError::Open { source: io::Error::other(error.to_string()).into() })?;
        Writer { target: &target, plan: &job.plan, feed: &mut pipe, tell: &mut tell, settings, nonce }.run()
    });
    result.inspect_err(|error| {
        // If the parent does not get this, it still sees that the pipe is closed.
        let _ = tell(Event::Failed { error: error.clone() });
    })
}

fn read_job(input: &mut impl BufRead) -> Result<Job, WriteError> {
    let mut line = Vec::new();
    input.take(LONGEST_JOB).read_until(b'\n', &mut line).map_err(|_| WriteError::Feed)?;
    let job: Job = serde_json::from_slice(&line).map_err(|_| WriteError::Feed)?;
    if job.version != VERSION {
        let reasons = vec!["writer and program are of different versions of imgbuild".to_owned()];
        return Err(WriteError::Refused { reasons, hint: None });
    }
    // Another program than `imgbuild` may have started this process as root, so the plan is not trusted.
    job.plan.check().map_err(|problem| WriteError::Refused {
        reasons: vec![format!("the plan is not one that imgbuild makes: {problem}")],
        hint: None,
    })?;
    Ok(job)
}
