//! Command lines put together from parts, always the same.

/// Chooses without chance: a linear congruential generator (Knuth's MMIX).
struct Draw(u64);

impl Draw {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        usize::try_from(self.0 >> 33).unwrap() % end
    }

    fn of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.below(all.len())]
    }
}

const PATHS: &[&str] = &[
    "f", "f2", "g6", "h1", "h2", "l", "ld", "lx", "d", "d/", "e", "e/", "n", "s", "t", "x", "none/x", "d/f", "d/x",
    "d/sub", "d/sub/g", "d/l", "d/ld", "d/ld/", "d/gone", "ld/f", "ld/sub", "ld/", "l/", "n/m", "n/m/o", "t/f", "t/d",
    "e/../f", "f/..", "./f", "d/.", "s/y", "e/y", "t/f/x", "'a b'", "pipe",
];

const MODES: &[&str] = &[
    "644",
    "0755",
    "2755",
    "4755",
    "1777",
    "00700",
    "u=rwX,go=",
    "a+rX",
    "go-w",
    "+x",
    "+s",
    "g+s",
    "o=",
    "=r",
    "u=g",
    "g=u-w",
    "a=r,u+w",
    "+t",
    "u+s,o-x",
    "ug=rw",
];

const OWNERS: &[&str] =
    &["mail", "12:13", ":adm", "mail:", "root:staff", "8", "daemon.bin", "+3:+4", "www-data:www-data"];

/// `count` command lines.
pub fn lines(count: usize) -> Vec<String> {
    let mut draw = Draw(14);
    (0..count).map(|_| line(&mut draw)).collect()
}

fn line(draw: &mut Draw) -> String {
    let umask = draw.of(&["", "", "", "umask 077; ", "umask 002; "]);
    let commands = 1 + draw.below(3);
    let commands: Vec<String> = (0..commands).map(|_| command(draw)).collect();
    format!("{umask}{}", commands.join("; "))
}

fn command(draw: &mut Draw) -> String {
    let (one, other, third) = (draw.of(PATHS), draw.of(PATHS), draw.of(PATHS));
    match draw.below(14) {
        0 => format!("rm {} {one} {other}", draw.of(&["", "-f", "-r", "-rf", "-d", "-df"])),
        1 => format!("chmod {} {} {one} {other}", draw.of(&["", "-R", "-f"]), draw.of(MODES)),
        2 => format!("chown {} {} {one} {other}", draw.of(&["", "-R", "-h", "-RH", "-R -h"]), draw.of(OWNERS)),
        3 => format!("mkdir {} {one} {other}/q", draw.of(&["", "-p", "-m 750", "-p -m 2711", "-pm u=rwx,g=rx,o="])),
        4 | 5 => format!("mv {} {one} {other}", draw.of(&["", "-f", "-T", "-v"])),
        6 => format!("mv {one} {other} {third}"),
        7 => format!("ln {} {one} {other}", draw.of(&["-s", "-sf", "-sfn", "-sT", "-sr", "-srf"])),
        8 => format!("ln {} {one} {other}", draw.of(&["", "-f", "-T", "-fn"])),
        9 | 10 => format!(
            "cp {} {one} {other}",
            draw.of(&[
                "",
                "-a",
                "-r",
                "-p",
                "-d",
                "-rT",
                "-f",
                "-P",
                "-n",
                "-rp",
                "--remove-destination",
                "-rL",
                "-RH",
                "-rl",
                "-rd"
            ])
        ),
        11 => format!("cp {} {one} {other} {third}", draw.of(&["", "-a", "-r", "-rp"])),
        12 => {
            let mode = draw.of(&["", "-m 640", "-m 4755", "-o mail", "-g adm -m 2755", "-D", "-T"]);
            format!("install {mode} {one} {other}")
        }
        _ => format!(
            "{} {one}",
            draw.of(&["rmdir", "rmdir -p", "touch", "readlink -f", "readlink -m", "install -d", "realpath -e"])
        ),
    }
}
