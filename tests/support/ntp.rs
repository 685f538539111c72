//! A time server for virtual machines, which ask this machine at the standard port (RFC 4330).

use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// From 1900, when NTP's seconds begin, to 1970.
const ERA: u64 = 2_208_988_800;

/// Answers until it is dropped.
pub struct TimeServer {
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl TimeServer {
    /// Needs root: machines that ask for the time cannot be told another port.
    pub fn start() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:123").expect("root may answer at port 123, and nobody else does");
        socket.set_read_timeout(Some(Duration::from_millis(200))).expect("a time-out");
        let ended = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&ended);
        let thread = thread::spawn(move || {
            let mut question = [0; 48];
            while !seen.load(Ordering::Relaxed) {
                let Ok((48.., asker)) = socket.recv_from(&mut question) else { continue };
                // The asker may be gone.
                let _ = socket.send_to(&answer(&question), asker);
            }
        });
        Self { ended, thread: Some(thread) }
    }
}

impl Drop for TimeServer {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn answer(question: &[u8; 48]) -> [u8; 48] {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
    let seconds = u32::try_from(since.as_secs() + ERA).expect("a clock before 2036");
    let fraction = u32::try_from((u64::from(since.subsec_nanos()) << 32) / 1_000_000_000).expect("less than a second");
    let now = [seconds.to_be_bytes(), fraction.to_be_bytes()].concat();
    let mut answer = [0; 48];
    // Version 4, a server, stratum 1, whose clock is this machine's.
    answer[0] = 0x24;
    answer[1] = 1;
    answer[12..16].copy_from_slice(b"LOCL");
    // What was asked comes back as "origin", so that the asker knows it again.
    answer[24..32].copy_from_slice(&question[40..48]);
    for at in [16, 32, 40] {
        answer[at..at + 8].copy_from_slice(&now);
    }
    answer
}
