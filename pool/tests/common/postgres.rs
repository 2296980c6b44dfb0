//! A private PostgreSQL server, from Debian's binaries.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A server that ends with this value, or with the process, however that ends: the shell that has started it
/// reads its commands from a pipe, and stops the server when the pipe closes.
pub(crate) struct Server {
    shell: Child,
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    pub(crate) port: u16,
}

const SCRIPT: &str = r#"
for fd in 3 4 5 6 7 8 9; do eval "exec $fd>&-"; done
dir=$(mktemp -d)
serve() {
    "$1/pg_ctl" start -w -D "$dir" -l "$dir/log" \
        -o "-p $2 -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off" >&2
}
"$1/initdb" -D "$dir" -U postgres -A trust -N >&2 && serve "$@" && echo ready || { cat "$dir/log" >&2; exit 1; }
while read -r command; do
    case $command in
        stop) "$1/pg_ctl" stop -m immediate -D "$dir" >&2 ;;
        start) serve "$@" ;;
    esac
    echo "$command"
done
"$1/pg_ctl" stop -m immediate -D "$dir" >&2
rm -rf "$dir"
"#;

impl Server {
    /// Starts a server, or says why it cannot.
    pub(crate) fn start() -> Result<Self, String> {
        let bin = binaries().ok_or("no PostgreSQL binaries in /usr/lib/postgresql/*/bin")?;
        let free = TcpListener::bind(("127.0.0.1", 0)).map_err(|error| error.to_string())?;
        let port = free.local_addr().map_err(|error| error.to_string())?.port();
        drop(free);
        // The server refuses to run as root.
        let is_root = std::fs::metadata("/proc/self")
            .is_ok_and(|of| std::os::unix::fs::MetadataExt::uid(&of) == 0);
        let mut command = Command::new(if is_root { "runuser" } else { "sh" });
        if is_root {
            command.args(["-u", "postgres", "--", "sh"]);
        }
        let shell =
            command.args(["-c", SCRIPT, "sh"]).arg(bin).arg(port.to_string()).current_dir("/");
        let shell =
            shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut shell = shell.map_err(|error| error.to_string())?;
        let commands = shell.stdin.take();
        let answers = BufReader::new(shell.stdout.take().expect("it is piped"));
        let mut server = Self { shell, commands, answers, port };
        match server.answer().as_str() {
            "ready" => Ok(server),
            other => Err(format!("PostgreSQL does not start: {other}")),
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
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

fn binaries() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut folders: Vec<_> =
        versions.flatten().map(|version| version.path().join("bin")).collect();
    folders.retain(|folder| Path::new(folder).join("initdb").exists());
    folders.sort();
    folders.pop()
}
