//! Private database servers, from Debian's binaries.
#![allow(dead_code, reason = "each binary uses a part of it")]

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use pool::Settings;

/// A server that ends with this value, or with the process, however that ends: the shell that has started it
/// reads its commands from a pipe, and stops the server when the pipe closes.
pub(crate) struct Server {
    shell: Child,
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    kind: &'static Kind,
    port: u16,
}

/// A kind of server that Debian has a package of.
pub(crate) struct Kind {
    name: &'static str,
    /// Where its binaries are: this folder, or the newest of its versions.
    folder: &'static str,
    /// One of the binaries.
    binary: &'static str,
    /// Who runs it, for it refuses to be run by root.
    user: &'static str,
    /// The functions `create` and `serve`, which know `$bin`, `$dir`, `$port` and, of a standby, the primary's
    /// port `$of`; and `stop`.
    script: &'static str,
    /// The URL before and after the port.
    url: [&'static str; 2],
}

pub(crate) const POSTGRES: Kind = Kind {
    name: "PostgreSQL",
    folder: "/usr/lib/postgresql",
    binary: "initdb",
    user: "postgres",
    script: r#"
        create() {
            case $of in
                '') "$bin/initdb" -D "$dir/data" -U postgres -A trust -N ;;
                *) "$bin/pg_basebackup" -D "$dir/data" -d "host=127.0.0.1 port=$of user=postgres" -c fast -N -R ;;
            esac
        }
        serve() {
            "$bin/pg_ctl" start -w -D "$dir/data" -l "$dir/log" -o "-p $port -c listen_addresses=127.0.0.1 \
                -c unix_socket_directories= -c fsync=off -c max_connections=300"
        }
        stop() { "$bin/pg_ctl" stop -m immediate -D "$dir/data"; }
    "#,
    url: ["postgres://postgres@127.0.0.1:", "/postgres"],
};

pub(crate) const MARIADB: Kind = Kind {
    name: "MariaDB",
    folder: "/usr/sbin",
    binary: "mariadbd",
    user: "mysql",
    script: r#"
        create() {
            mariadb-install-db --no-defaults --datadir="$dir/data" --skip-test-db \
                --auth-root-authentication-method=normal
        }
        serve() {
            "$bin/mariadbd" --no-defaults --datadir="$dir/data" --port="$port" --bind-address=127.0.0.1 \
                --socket="$dir/socket" --innodb-flush-log-at-trx-commit=0 </dev/null >"$dir/log" 2>&1 &
            server=$!
            for attempt in $(seq 300); do
                mariadb-admin --no-defaults --protocol=tcp -h 127.0.0.1 -P "$port" -u root ping && return
                kill -0 "$server" && sleep 0.1 || return 1
            done
            return 1
        }
        stop() { kill -9 "$server"; wait "$server"; true; }
    "#,
    url: ["mysql://root@127.0.0.1:", "/mysql"],
};

/// Creates and starts the server, then does as it is told.
const SCRIPT: &str = r#"
    for fd in 3 4 5 6 7 8 9; do eval "exec $fd>&-"; done
    exec 3>&1 >/dev/null 2>&1
    bin=$1 port=$2 of=$3 dir=$(mktemp -d)
    eval "$4"
    create >"$dir/log" 2>&1 && serve && echo ready >&3 || { tail -3 "$dir/log" >&3; exit 1; }
    while read -r command; do
        case $command in
            stop) stop ;;
            start) serve ;;
        esac
        echo "$command" >&3
    done
    stop
    rm -rf "$dir"
"#;

impl Server {
    /// Starts a server, or says why it cannot. Several that start at once may be in each other's way, over a
    /// port for one, so that it tries more than once.
    pub(crate) fn start(kind: &'static Kind) -> Result<Self, String> {
        Self::start_of(kind, "")
    }

    /// Starts a copy of a PostgreSQL server, which follows it and takes no writes.
    pub(crate) fn standby_of(primary: &Self) -> Result<Self, String> {
        Self::start_of(primary.kind, &primary.port.to_string())
    }

    fn start_of(kind: &'static Kind, of: &str) -> Result<Self, String> {
        const TRIES: usize = 3;
        let again = || Self::try_start(kind, of);
        (1..TRIES).fold(again(), |outcome, _| outcome.or_else(|_| again()))
    }

    fn try_start(kind: &'static Kind, of: &str) -> Result<Self, String> {
        let none = format!("no {} in {}", kind.binary, kind.folder);
        let bin = binaries(kind).ok_or(none)?;
        let free = TcpListener::bind(("127.0.0.1", 0)).map_err(|error| error.to_string())?;
        let port = free.local_addr().map_err(|error| error.to_string())?.port();
        drop(free);
        let is_root = std::fs::metadata("/proc/self")
            .is_ok_and(|of| std::os::unix::fs::MetadataExt::uid(&of) == 0);
        let mut command = Command::new(if is_root { "runuser" } else { "sh" });
        if is_root {
            command.args(["-u", kind.user, "--", "sh"]);
        }
        command.args(["-c", SCRIPT, "sh"]).arg(bin).args([&port.to_string(), of, kind.script]);
        command.current_dir("/").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut shell = command.spawn().map_err(|error| error.to_string())?;
        let commands = shell.stdin.take();
        let answers = BufReader::new(shell.stdout.take().expect("it is piped"));
        let mut server = Self { shell, commands, answers, kind, port };
        match server.answer().as_str() {
            "ready" => Ok(server),
            other => Err(format!("{} does not start: {other}", kind.name)),
        }
    }

    pub(crate) fn url(&self) -> String {
        let [before, after] = self.kind.url;
        format!("{before}{}{after}", self.port)
    }

    /// Stops it at once, as a crash does; or starts it again.
    pub(crate) fn tell(&mut self, command: &str) {
        writeln!(self.commands.as_mut().expect("it runs"), "{command}").unwrap();
        assert_eq!(self.answer(), command);
    }

    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        String::from(line.trim())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.commands.take());
        let _ = self.shell.wait();
    }
}

/// The folder itself, or `bin` in that of the newest version.
fn binaries(kind: &Kind) -> Option<PathBuf> {
    let folder = Path::new(kind.folder);
    let versions = std::fs::read_dir(folder).ok()?;
    let mut folders: Vec<_> =
        versions.flatten().map(|version| version.path().join("bin")).collect();
    folders.push(folder.to_owned());
    folders.retain(|folder| folder.join(kind.binary).exists());
    folders.sort();
    folders.pop()
}

/// No step ends late, however slow the machine is; and there is no maintenance that the test does not ask for.
pub(crate) fn patient(settings: &mut Settings) {
    const LONG: Duration = Duration::from_secs(300);
    settings.maintenance_every = None;
    settings.acquire_timeout = LONG;
    settings.connect_timeout = LONG;
    settings.check_timeout = LONG;
    settings.clean_timeout = LONG;
    settings.hooks.before_connect = LONG;
    settings.hooks.after_connect = LONG;
    settings.hooks.before_acquire = LONG;
    settings.hooks.after_release = LONG;
}

/// Until it is so; how long that takes is the machine's business.
pub(crate) async fn until(what: impl AsyncFn() -> bool) {
    let begun = Instant::now();
    while !what().await {
        assert!(begun.elapsed() < Duration::from_secs(300), "it never happens");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Says so past the test harness, which keeps to itself what tests that pass print.
pub(crate) fn skipped(what: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "SKIPPED: {what}").unwrap();
}

/// A server for all tests of a binary: one that a variable names, or a private one.
pub(crate) enum Shared {
    Named(String),
    Private(Server),
}

impl Shared {
    /// `None`, after it has said why, where there is neither.
    pub(crate) fn start(kind: &'static Kind, variable: &str) -> Option<Self> {
        if let Ok(url) = std::env::var(variable) {
            return Some(Self::Named(url));
        }
        match Server::start(kind) {
            Ok(server) => Some(Self::Private(server)),
            Err(why) => {
                let name = kind.name;
                skipped(&format!("the tests on {name}: {why}, and {variable} is not set"));
                None
            }
        }
    }

    pub(crate) fn url(&self) -> String {
        match self {
            Self::Named(url) => url.clone(),
            Self::Private(server) => server.url(),
        }
    }
}
