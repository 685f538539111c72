//! Downloads from servers that cut, stall, lie, forge and lose things.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::http::{Answer, Request, Server};
use imgbuild::fetch::{Cause, Download, FetchError, Fetcher, Patience};
use imgbuild::output::{Progress, Silent};
use imgbuild::tree::Digest;
use tempfile::TempDir;

/// Long enough that it does not arrive in one read.
fn body() -> Vec<u8> {
    (0_u32..100_000).flat_map(u32::to_le_bytes).collect()
}

fn download(server: &Server, body: &[u8]) -> Download {
    Download {
        name: "parcel 1.0".to_owned(),
        urls: vec![server.url("/parcel")],
        sha256: Digest::of(body),
        size: Some(body.len() as u64),
    }
}

fn fetcher(cache: &TempDir) -> Fetcher {
    let patience =
        Patience { connect: Duration::from_secs(5), stall: Duration::from_secs(5), pause: Duration::from_millis(1) };
    Fetcher::with_patience(cache.path(), Some(patience))
}

fn fetch(cache: &TempDir, download: &Download) -> Result<PathBuf, FetchError> {
    fetcher(cache).fetch_all(std::slice::from_ref(download), &Silent).map(|mut paths| paths.remove(0))
}

fn cause(error: FetchError) -> Cause {
    match error {
        FetchError::Unavailable { mut attempts, .. } => attempts.pop().unwrap().cause,
        other => panic!("{other}"),
    }
}

fn partial(cache: &TempDir, download: &Download) -> PathBuf {
    cache.path().join("downloads/partial").join(download.sha256.to_string())
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).unwrap().next().is_none()
}

/// What progress was told.
#[derive(Default)]
struct Told {
    advanced: Mutex<u64>,
    total: Mutex<u64>,
    warnings: Mutex<Vec<String>>,
}

impl Progress for Told {
    fn begin(&self, _: &'static str, total: u64) {
        *self.total.lock().unwrap() = total;
    }
    fn advance(&self, _: &'static str, amount: u64) {
        *self.advanced.lock().unwrap() += amount;
    }
    fn finish(&self, _: &'static str, _: &str) {}
    fn warn(&self, message: &str) {
        self.warnings.lock().unwrap().push(message.to_owned());
    }
}

#[test]
fn an_object_is_fetched_once_and_lies_under_its_digest() {
    let (cache, body) = (tempfile::tempdir().unwrap(), body());
    let whole = body.clone();
    let server = Server::start(move |request| Answer::honest(request, &whole));
    let wanted = download(&server, &body);
    let path = fetch(&cache, &wanted).unwrap();
    assert_eq!(path, cache.path().join("downloads/sha256").join(wanted.sha256.to_string()));
    assert_eq!(fs::read(&path).unwrap(), body);
    assert_eq!(fetch(&cache, &wanted).unwrap(), path);
    assert_eq!(server.requests().len(), 1);
    assert!(is_empty(&cache.path().join("downloads/partial")));
}

#[test]
fn many_objects_come_back_in_the_order_asked_for() {
    let cache = tempfile::tempdir().unwrap();
    let server = Server::start(|request| Answer::honest(request, request.path.as_bytes()));
    let wanted: Vec<Download> = (0..40)
        .map(|number| {
            let path = format!("/{number}");
            let (sha256, size) = (Digest::of(path.as_bytes()), Some(path.len() as u64));
            Download { name: number.to_string(), urls: vec![server.url(&path)], sha256, size }
        })
        .collect();
    let told = Told::default();
    let paths = fetcher(&cache).fetch_all(&wanted, &told).unwrap();
    for (number, path) in paths.iter().enumerate() {
        assert_eq!(fs::read_to_string(path).unwrap(), format!("/{number}"));
    }
    assert_eq!(*told.advanced.lock().unwrap(), *told.total.lock().unwrap());
}

#[test]
fn a_cut_body_is_resumed_where_it_stopped() {
    let (cache, body) = (tempfile::tempdir().unwrap(), body());
    let whole = body.clone();
    let server = Server::start(move |request| {
        let answer = Answer::honest(request, &whole);
        if request.earlier == 0 { answer.cut(whole.len() / 2) } else { answer }
    });
    let wanted = download(&server, &body);
    let told = Told::default();
    let paths = fetcher(&cache).fetch_all(std::slice::from_ref(&wanted), &told).unwrap();
    assert_eq!(fs::read(&paths[0]).unwrap(), body);
    let froms: Vec<_> = server.requests().iter().map(|request| request.from).collect();
    assert_eq!(froms, [None, Some(body.len() / 2)]);
    assert_eq!(*told.advanced.lock().unwrap(), body.len() as u64);
}

#[test]
fn a_line_that_always_breaks_is_given_up_and_its_bytes_are_kept_for_the_next_run() {
    let (cache, body) = (tempfile::tempdir().unwrap(), body());
    let (whole, broken) = (body.clone(), Arc::new(Mutex::new(true)));
    let breaks = broken.clone();
    let server = Server::start(move |request| {
        let answer = Answer::honest(request, &whole);
        if *breaks.lock().unwrap() { answer.cut(1000) } else { answer }
    });
    let wanted = download(&server, &body);
    let error = fetch(&cache, &wanted).unwrap_err();
    assert!(error.to_string().starts_with("cannot download parcel 1.0: http://127.0.0.1"), "{error}");
    assert!(error.hint().unwrap().contains("kept"));
    assert_eq!(server.requests().len(), 4);
    assert_eq!(fs::read(partial(&cache, &wanted)).unwrap(), body[..4000]);

    *broken.lock().unwrap() = false;
    fetch(&cache, &wanted).unwrap();
    assert_eq!(server.requests().last().unwrap().from, Some(4000));
}

#[test]
fn a_server_that_ignores_ranges_is_read_from_the_start() {
    let (cache, body) = (tempfile::tempdir().unwrap(), body());
    let whole = body.clone();
    let server = Server::start(move |request: &Request| {
        let answer = Answer::whole(&whole);
        if request.earlier == 0 { answer.cut(5000) } else { answer }
    });
    let path = fetch(&cache, &download(&server, &body)).unwrap();
    assert_eq!(fs::read(path).unwrap(), body);
    assert_eq!(server.requests()[1].from, Some(5000));
}

#[test]
fn a_server_that_answers_with_another_range_is_asked_for_everything() {
    let (cache, body) = (tempfile::tempdir().unwrap(), body());
    let whole = body.clone();
    let server = Server::start(move |request| match request.from {
        None if request.earlier == 0 => Answer::whole(&whole).cut(5000),
        None => Answer::whole(&whole),
        Some(from) => Answer::honest(&Request { from: Some(from - 1), ..request.clone() }, &whole),
    });
    let path = fetch(&cache, &download(&server, &body)).unwrap();
    assert_eq!(fs::read(path).unwrap(), body);
    assert_eq!(server.requests().last().unwrap().from, None);
}

#[test]
fn a_range_that_the_server_refuses_is_asked_for_from_the_start() {
    let (cache, body) = (tempfile::tempdir().unwrap(), body());
    let whole = body.clone();
    let server = Server::start(move |request| match request.from {
        None if request.earlier == 0 => Answer::whole(&whole).cut(5000),
        None => Answer::whole(&whole),
        Some(_) => Answer::status(416, b""),
    });
    let path = fetch(&cache, &download(&server, &body)).unwrap();
    assert_eq!(fs::read(path).unwrap(), body);
}

#[test]
fn a_complete_partial_file_needs_no_request() {
    let (cache, body) = (tempfile::tempdir().unwrap(), body());
    let server = Server::start(|_| Answer::not_found());
    let wanted = download(&server, &body);
    fetcher(&cache).prepare().unwrap();
    fs::write(partial(&cache, &wanted), &body).unwrap();
    let path = fetch(&cache, &wanted).unwrap();
    assert_eq!(fs::read(path).unwrap(), body);
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn a_complete_object_of_unknown_size_is_recognised_by_the_servers_refusal() {
    let (cache, body) = (tempfile::tempdir().unwrap(), body());
    let whole = body.clone();
    let server = Server::start(move |request| Answer::honest(request, &whole));
    let wanted = Download { size: None, ..download(&server, &body) };
    fetcher(&cache).prepare().unwrap();
    fs::write(partial(&cache, &wanted), &body).unwrap();
    assert_eq!(fs::read(fetch(&cache, &wanted).unwrap()).unwrap(), body);
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn rubbish_of_an_earlier_run_is_thrown_away() {
    let (cache, body) = (tempfile::tempdir().unwrap(), body());
    let whole = body.clone();
    let server = Server::start(move |request| Answer::honest(request, &whole));
    for rubbish in [100, body.len(), body.len() + 100] {
        let wanted = download(&server, &body);
        fetcher(&cache).prepare().unwrap();
        fs::write(partial(&cache, &wanted), vec![7; rubbish]).unwrap();
        let path = fetch(&cache, &wanted).unwrap();
        assert_eq!(fs::read(&path).unwrap(), body);
        fs::remove_file(path).unwrap();
    }
}

#[test]
fn tampered_bytes_are_refused_and_leave_nothing() {
    let (cache, body) = (tempfile::tempdir().unwrap(), body());
    let mut whole = body.clone();
    whole[12_345] ^= 1;
    let got = Digest::of(&whole);
    let server = Server::start(move |request| Answer::honest(request, &whole));
    let wanted = download(&server, &body);
    let error = fetch(&cache, &wanted).unwrap_err();
    assert!(error.to_string().contains(&format!("its SHA-256 is {got}, expected {}", wanted.sha256)), "{error}");
    assert!(error.hint().unwrap().contains("tampered"));
    assert_eq!(server.requests().len(), 1);
    assert!(is_empty(&cache.path().join("downloads/partial")));
    assert!(is_empty(&cache.path().join("downloads/sha256")));
}

#[test]
fn a_tampered_mirror_is_not_papered_over_by_the_next_one() {
    let (cache, body) = (tempfile::tempdir().unwrap(), body());
    let (good, bad) = (body.clone(), vec![7; body.len()]);
    let server =
        Server::start(move |request| Answer::honest(request, if request.path == "/good" { &good } else { &bad }));
    let wanted = Download { urls: vec![server.url("/bad"), server.url("/good")], ..download(&server, &body) };
    assert!(matches!(cause(fetch(&cache, &wanted).unwrap_err()), Cause::Mismatch { .. }));
}

#[test]
fn a_body_longer_than_it_should_be_is_stopped_on_the_way() {
    let (cache, body) = (tempfile::tempdir().unwrap(), body());
    let mut longer = body.clone();
    longer.extend_from_slice(b"and more");
    // Once with an honest length, once until the connection closes.
    for headers in [vec![format!("Content-Length: {}", longer.len())], vec![]] {
        let body = longer.clone();
        let server =
            Server::start(move |_| Answer { status: 200, headers: headers.clone(), body: body.clone(), stall: false });
        let wanted = download(&server, &longer[..longer.len() - 8]);
        assert!(matches!(cause(fetch(&cache, &wanted).unwrap_err()), Cause::TooLong { .. }));
        assert!(!partial(&cache, &wanted).exists());
    }
}

#[test]
fn a_body_shorter_than_its_length_says_is_not_taken_for_whole() {
    let (cache, body) = (tempfile::tempdir().unwrap(), body());
    let short = body[..1000].to_vec();
    // The answer looks complete, but it is not the whole object.
    let server = Server::start(move |request| match request.from {
        None => Answer::whole(&short),
        Some(_) => Answer::status(500, b""),
    });
    let wanted = download(&server, &body);
    assert!(matches!(cause(fetch(&cache, &wanted).unwrap_err()), Cause::Status { status: 500 }));
    assert_eq!(fs::read(partial(&cache, &wanted)).unwrap(), body[..1000]);
}

#[test]
fn a_missing_object_is_asked_for_once_and_then_elsewhere() {
    let (cache, body) = (tempfile::tempdir().unwrap(), body());
    let whole = body.clone();
    let server = Server::start(move |request| match request.path.as_str() {
        "/snapshot" => Answer::honest(request, &whole),
        _ => Answer::not_found(),
    });
    let gone = Download { urls: vec![server.url("/mirror")], ..download(&server, &body) };
    let error = fetch(&cache, &gone).unwrap_err();
    assert!(error.hint().unwrap().contains("imgbuild lock --update"));
    assert!(matches!(cause(error), Cause::NotFound { status: 404 }));
    assert_eq!(server.requests().len(), 1);

    let told = Told::default();
    let saved = Download { urls: vec![server.url("/mirror"), server.url("/snapshot")], ..gone };
    fetcher(&cache).fetch_all(&[saved], &told).unwrap();
    let warnings = told.warnings.lock().unwrap();
    assert!(warnings[0].contains("not found") && warnings[0].ends_with("/snapshot"), "{warnings:?}");
}

#[test]
fn a_busy_server_is_asked_again() {
    let (cache, body) = (tempfile::tempdir().unwrap(), body());
    let whole = body.clone();
    let server = Server::start(move |request| match request.earlier {
        0 => Answer::status(503, b""),
        1 => Answer::status(429, b""),
        _ => Answer::honest(request, &whole),
    });
    fetch(&cache, &download(&server, &body)).unwrap();
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn a_server_that_falls_silent_is_left() {
    let (cache, body) = (tempfile::tempdir().unwrap(), body());
    let whole = body.clone();
    let server = Server::start(move |request| {
        let answer = Answer::honest(request, &whole);
        if request.earlier == 0 { answer.stalled(3000) } else { answer }
    });
    let patience =
        Patience { connect: Duration::from_secs(5), stall: Duration::from_secs(1), pause: Duration::from_millis(1) };
    let fetcher = Fetcher::with_patience(cache.path(), Some(patience));
    let paths = fetcher.fetch_all(&[download(&server, &body)], &Silent).unwrap();
    assert_eq!(fs::read(&paths[0]).unwrap(), body);
    assert_eq!(server.requests()[1].from, Some(3000));
}

#[test]
fn a_server_that_stays_silent_is_given_up() {
    let (cache, body) = (tempfile::tempdir().unwrap(), body());
    let whole = body.clone();
    // A part at first, then nothing more.
    let server = Server::start(move |request| match request.earlier {
        0 => Answer::whole(&whole).stalled(3000),
        _ => Answer::honest(request, &whole).stalled(0),
    });
    let patience =
        Patience { connect: Duration::from_secs(5), stall: Duration::from_secs(1), pause: Duration::from_millis(1) };
    let fetcher = Fetcher::with_patience(cache.path(), Some(patience));
    let error = fetcher.fetch_all(&[download(&server, &body)], &Silent).unwrap_err();
    assert!(error.to_string().contains("no bytes for 1 s"), "{error}");
    let asked: Vec<_> = server.requests().into_iter().map(|request| request.from).collect();
    assert_eq!(asked, [None, Some(3000), Some(3000), Some(3000)]);
}

#[test]
fn a_damaged_object_of_the_cache_is_fetched_again() {
    let (cache, body) = (tempfile::tempdir().unwrap(), body());
    let whole = body.clone();
    let server = Server::start(move |request| Answer::honest(request, &whole));
    let wanted = download(&server, &body);
    let path = fetch(&cache, &wanted).unwrap();
    fs::write(&path, vec![7; body.len()]).unwrap();
    let told = Told::default();
    fetcher(&cache).fetch_all(std::slice::from_ref(&wanted), &told).unwrap();
    assert_eq!(fs::read(&path).unwrap(), body);
    assert!(told.warnings.lock().unwrap()[0].contains("damaged"));
}

#[test]
fn offline_takes_what_is_there_and_names_what_is_not() {
    let (cache, body) = (tempfile::tempdir().unwrap(), body());
    let whole = body.clone();
    let server = Server::start(move |request| Answer::honest(request, &whole));
    let (here, missing) = (download(&server, &body), download(&server, b"other"));
    fetch(&cache, &here).unwrap();
    let offline = Fetcher::new(cache.path(), true);
    assert!(offline.is_offline());
    offline.fetch_all(std::slice::from_ref(&here), &Silent).unwrap();
    let error = offline.fetch_all(&[here, missing], &Silent).unwrap_err();
    assert_eq!(error.to_string(), "offline, and not in the cache: parcel 1.0");
    assert!(error.hint().unwrap().contains("--offline"));
    assert!(matches!(offline.fetch_fresh("x", &server.url("/x"), 10), Err(FetchError::Offline { .. })));
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn two_fetchers_that_want_the_same_object_download_it_once() {
    let (cache, body) = (tempfile::tempdir().unwrap(), body());
    let whole = body.clone();
    let server = Server::start(move |request| Answer::honest(request, &whole));
    let wanted = download(&server, &body);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(fs::read(fetch(&cache, &wanted).unwrap()).unwrap(), body));
        }
    });
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn sizes_that_no_object_has_are_no_more_than_wrong() {
    let cache = tempfile::tempdir().unwrap();
    let server = Server::start(|request| Answer::honest(request, b"short"));
    let endless = |path: &str| Download {
        size: Some(u64::MAX),
        urls: vec![server.url(path)],
        ..download(&server, path.as_bytes())
    };
    let error = fetcher(&cache).fetch_all(&[endless("/a"), endless("/b")], &Silent).unwrap_err();
    assert!(matches!(error, FetchError::Unavailable { .. }), "{error}");
}

/// Puts something at the second path that may lead to the first.
type Put = fn(&Path, &Path);

#[test]
fn what_is_no_file_in_the_place_of_a_partial_one_is_taken_away_and_nothing_is_written_through_it() {
    let body = body();
    let whole = body.clone();
    let server = Server::start(move |request| Answer::honest(request, &whole));
    let wanted = download(&server, &body);
    let others: [(&str, Put); 3] = [
        ("a link to a file", |victim, place| std::os::unix::fs::symlink(victim, place).unwrap()),
        ("a link to nothing", |_, place| std::os::unix::fs::symlink("nothing", place).unwrap()),
        ("a pipe", |_, place| {
            let mode = rustix::fs::Mode::RWXU;
            rustix::fs::mknodat(rustix::fs::CWD, place, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        }),
    ];
    for (what, put) in others {
        let cache = tempfile::tempdir().unwrap();
        let victim = cache.path().join("victim");
        fs::write(&victim, "theirs").unwrap();
        let place = partial(&cache, &wanted);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        put(&victim, &place);
        assert_eq!(fs::read(fetch(&cache, &wanted).unwrap()).unwrap(), body, "{what}");
        assert_eq!(fs::read_to_string(&victim).unwrap(), "theirs", "{what}");
        assert!(!place.with_file_name("nothing").exists(), "{what}");
    }
}

#[test]
fn a_pipe_in_the_place_of_an_object_is_an_error() {
    let (cache, body) = (tempfile::tempdir().unwrap(), body());
    let server = Server::start(|_| Answer::not_found());
    let wanted = download(&server, &body);
    let place = cache.path().join("downloads/sha256").join(wanted.sha256.to_string());
    fs::create_dir_all(place.parent().unwrap()).unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, &place, rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0).unwrap();
    let error = fetch(&cache, &wanted).unwrap_err();
    let cause = std::error::Error::source(&error).map(ToString::to_string);
    assert_eq!(cause.as_deref(), Some("it is a pipe, socket or device, not a file"), "{error}");
}

#[test]
fn a_fresh_text_is_bounded_and_never_cached() {
    let cache = tempfile::tempdir().unwrap();
    let server = Server::start(|request| match request.earlier {
        0 => Answer::whole(b"first").cut(2),
        count => Answer::whole(format!("text {count}").as_bytes()),
    });
    let fetcher = fetcher(&cache);
    assert_eq!(fetcher.fetch_fresh("text", &server.url("/text"), 6).unwrap(), b"text 1");
    assert_eq!(fetcher.fetch_fresh("text", &server.url("/text"), 6).unwrap(), b"text 2");
    let error = fetcher.fetch_fresh("text", &server.url("/text"), 5).unwrap_err();
    assert!(matches!(cause(error), Cause::TooLong { limit: 5 }));
}

#[test]
fn a_cache_that_cannot_be_made_is_named() {
    let cache = tempfile::tempdir().unwrap();
    fs::write(cache.path().join("downloads"), "a file").unwrap();
    let error = Fetcher::new(cache.path(), false).prepare().unwrap_err();
    assert!(error.to_string().contains("downloads/sha256"), "{error}");
}

#[test]
fn a_password_in_a_url_is_not_in_an_error() {
    let server = Server::start(|_| Answer::whole(b"other bytes"));
    let cache = tempfile::tempdir().unwrap();
    let url = server.url("/parcel").replace("://", "://me:PASS-WORD@");
    let wanted = Download { urls: vec![url.clone()], ..download(&server, b"the bytes") };
    let errors = [fetch(&cache, &wanted).unwrap_err(), fetcher(&cache).fetch_fresh("text", &url, 3).unwrap_err()];
    for error in errors {
        let text = error.to_string();
        assert!(text.contains("/parcel") && !text.contains("PASS-WORD"), "{text}");
    }
}
