//! Least privilege: before a command reads any input, the process drops the privileges that the command does not need. If hostile input
//! takes over a parser, the parser can still read files and report wrong results. It cannot write outside the command's output folders
//! and the terminal, and it can use the network or start programs only if the command needs to do so.
//!
//! Privileges are dropped only on Linux, with Landlock and, on x86_64 and aarch64, with seccomp; none are dropped if a credential helper was
//! requested. The restrictions are best effort, because a verdict must not depend on the kernel. With `--verbose`, the restrictions, and to what
//! extent each is enforced, are printed on standard error. This information is not part of any report.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::base::escape::for_terminal;
use crate::base::system::slashed;
use crate::cli::args::admit::ContractCommand;
use crate::cli::args::key_record::KeyCommand;
use crate::cli::args::{AuditArguments, Command, NetworkArguments};
use crate::image::Source;

/// The privileges that a command needs in addition to reading files.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Needs {
    /// Files and folders that the command writes or creates.
    writes: Vec<PathBuf>,
    network: bool,
    /// Whether the command starts other programs.
    programs: bool,
    /// Whether the command signs: the passphrase of the signing key may have to be read from the terminal.
    terminal: bool,
}

impl Needs {
    pub(super) fn of(command: &Command) -> Self {
        let mut needs = Self { terminal: signs(command), ..Self::default() };
        let mut write = |paths: &mut dyn Iterator<Item = &PathBuf>| needs.writes.extend(paths.cloned());
        match command {
            Command::Audit(arguments) => return Self::of_audit(arguments),
            Command::Extract(arguments) => write(&mut [&arguments.to].into_iter()),
            Command::Image(arguments) => needs.ask([&arguments.source], &arguments.network),
            Command::Compare(arguments) => needs.ask([&arguments.one, &arguments.other], &arguments.network),
            Command::Seal(arguments) => {
                write(&mut arguments.output.iter().chain(&arguments.tsq));
                // The time-stamp authority's response is added to the case.
                if arguments.tsr.is_some() {
                    write(&mut arguments.paths.iter());
                }
            }
            Command::SignOff(arguments) => write(&mut [&arguments.case].into_iter()),
            Command::Report(arguments) => {
                write(&mut arguments.output.iter());
            }
            Command::SelfTest(arguments) => write(&mut arguments.report.iter()),
            Command::Admit(arguments) => write(&mut arguments.reports.iter().map(|(_, path)| path)),
            Command::Reconcile(arguments) => write(&mut arguments.reports.iter().map(|(_, path)| path)),
            Command::Key(KeyCommand::Enroll(arguments)) => {
                write(&mut [arguments.to.as_ref().unwrap_or(&arguments.key)].into_iter());
            }
            Command::Key(KeyCommand::Countersign(arguments)) => write(&mut [&arguments.record].into_iter()),
            Command::Man { dir } => write(&mut [dir].into_iter()),
            #[cfg(feature = "fetch")]
            Command::Fetch(arguments) => {
                write(&mut [&arguments.to].into_iter());
                needs.network = true;
                needs.programs = arguments.outside.credential_helpers;
            }
            #[cfg(feature = "serve")]
            Command::Serve(_) => needs.network = true,
            #[cfg(not(feature = "fetch"))]
            Command::Fetch(_) => {}
            #[cfg(not(feature = "serve"))]
            Command::Serve(_) => {}
            Command::Verify(_)
            | Command::Inspect(_)
            | Command::Source(_)
            | Command::Trust(_)
            | Command::VerifyStatement(_)
            | Command::Contract(ContractCommand::Images(_))
            | Command::Key(KeyCommand::Show { .. })
            | Command::Policy(_)
            | Command::Checks { .. }
            | Command::Explain { .. }
            | Command::Completions { .. } => {}
        }
        needs
    }

    fn of_audit(arguments: &AuditArguments) -> Self {
        let reports = arguments.reports.iter().map(|(_, path)| path);
        let files = reports.chain(&arguments.report_dir).chain(&arguments.scale.state).chain(&arguments.summary.attach);
        let terminal = arguments.summary.sign_key.is_some();
        let mut needs = Self { writes: files.cloned().collect(), terminal, ..Self::default() };
        needs.ask(arguments.image.iter().chain(&arguments.bases), &arguments.network);
        needs
    }

    /// Notes the privileges that are needed to read these images: the network if one of the images is in a registry, and other programs if credential
    /// helpers may run.
    fn ask<'a>(&mut self, sources: impl IntoIterator<Item = &'a Source>, network: &NetworkArguments) {
        self.network = !network.offline && sources.into_iter().any(|source| matches!(source, Source::Registry(_)));
        #[cfg(feature = "fetch")]
        {
            self.programs = self.network && network.outside.credential_helpers;
        }
    }

    /// The folders that the command writes into: for each target, the nearest folder that exists.
    fn folders(&self) -> Vec<PathBuf> {
        let nearest = |path: &PathBuf| {
            let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
            path.ancestors().find(|folder| folder.is_dir()).map(Path::to_path_buf)
        };
        let mut folders: Vec<PathBuf> = self.writes.iter().filter_map(nearest).collect();
        folders.sort();
        folders.dedup();
        folders
    }
}

/// Whether a command other than `audit` reads a signing key.
fn signs(command: &Command) -> bool {
    match command {
        Command::Seal(arguments) => arguments.sign_key.is_some(),
        Command::SignOff(_) | Command::Key(KeyCommand::Enroll(_) | KeyCommand::Countersign(_)) => true,
        _ => false,
    }
}

/// The restrictions on this process, and to what extent each is enforced.
#[derive(Debug)]
pub(super) struct Confinement {
    needs: Needs,
    landlock: Held,
    seccomp: Held,
}

/// How much of a restriction is enforced.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
enum Held {
    Yes,
    Partly,
    No,
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Yes => "enforced",
            Self::Partly => "partly enforced: the kernel does not support all restrictions",
            Self::No => "not enforced: not supported by the kernel or this build",
        })
    }
}

impl fmt::Display for Confinement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.needs.programs {
            return f.write_str(
                "may       do everything that its user may do: a credential helper would inherit any restriction",
            );
        }
        if !cfg!(target_os = "linux") {
            return f.write_str("may       do everything that its user may do: a process is confined only on Linux");
        }
        let folders = self.needs.folders();
        let folders: Vec<String> = folders.iter().map(|path| for_terminal(&slashed(path))).collect();
        let below = format!("only below {}", folders.join(", "));
        let writes = match (folders.is_empty(), self.needs.terminal) {
            (true, false) => "nowhere".into(),
            (true, true) => "only to the terminal".into(),
            (false, false) => below,
            (false, true) => format!("{below} and to the terminal"),
        };
        let network = if self.needs.network { "yes" } else { "none" };
        writeln!(f, "may       read files, write {writes}; network: {network}; other programs: none")?;
        write!(f, "Landlock  {}\nseccomp   {}", self.landlock, self.seccomp)
    }
}

/// Drops the privileges that are not needed, for this thread and all threads that it starts; no other thread may exist yet. If a credential helper
/// was requested, no privilege is dropped: the helper is the user's program and obtains its secrets from files and sockets that are not known here.
pub(super) fn confine(needs: Needs) -> Confinement {
    if needs.programs {
        return Confinement { needs, landlock: Held::No, seccomp: Held::No };
    }
    let landlock = linux::landlock(&needs).unwrap_or(Held::No);
    let seccomp = linux::seccomp(&needs).unwrap_or(Held::No);
    Confinement { needs, landlock, seccomp }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::error::Error;

    use landlock::{
        ABI, Access as _, AccessFs, AccessNet, PathBeneath, PathFd, Ruleset, RulesetAttr as _, RulesetCreatedAttr as _,
        RulesetStatus, Scope,
    };

    use super::{Held, Needs};

    /// Linux 6.12: restricts files, TCP, and signals and abstract-socket connections to other processes. An older kernel enforces what it supports.
    const KNOWN: ABI = ABI::V6;

    pub(super) fn landlock(needs: &Needs) -> Result<Held, Box<dyn Error>> {
        let mut rules = Ruleset::default().handle_access(AccessFs::from_all(KNOWN))?.scope(Scope::from_all(KNOWN))?;
        if !needs.network {
            rules = rules.handle_access(AccessNet::from_all(KNOWN))?;
        }
        let read = AccessFs::ReadFile | AccessFs::ReadDir;
        let mut rules = rules.create()?.add_rule(PathBeneath::new(PathFd::new("/")?, read))?;
        let write = AccessFs::from_write(KNOWN)
            & !(AccessFs::MakeChar | AccessFs::MakeBlock | AccessFs::MakeFifo | AccessFs::MakeSock);
        for folder in needs.folders() {
            // If the folder no longer exists or cannot be opened, the command reports this later.
            if let Ok(folder) = PathFd::new(folder) {
                rules = rules.add_rule(PathBeneath::new(folder, write))?;
            }
        }
        if needs.terminal {
            // The terminal is opened by name, because standard input may be a file; IoctlDev is needed to turn the echo off.
            let asked = AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::IoctlDev;
            if let Ok(terminal) = PathFd::new("/dev/tty") {
                rules = rules.add_rule(PathBeneath::new(terminal, asked))?;
            }
        }
        Ok(match rules.restrict_self()?.ruleset {
            RulesetStatus::FullyEnforced => Held::Yes,
            RulesetStatus::PartiallyEnforced => Held::Partly,
            RulesetStatus::NotEnforced => Held::No,
        })
    }

    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    pub(super) fn seccomp(needs: &Needs) -> Result<Held, seccompiler::Error> {
        seccompiler::apply_filter(&filter(needs)?)?;
        Ok(Held::Yes)
    }

    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    pub(super) fn filter(needs: &Needs) -> Result<seccompiler::BpfProgram, seccompiler::Error> {
        use seccompiler::{SeccompAction, SeccompFilter};
        // No confined command needs these system calls, which start programs or give access to other processes' memory or to large kernel interfaces.
        let mut calls = vec![
            libc::SYS_ptrace,
            libc::SYS_process_vm_readv,
            libc::SYS_process_vm_writev,
            libc::SYS_bpf,
            libc::SYS_io_uring_setup,
            libc::SYS_userfaultfd,
            libc::SYS_perf_event_open,
            libc::SYS_mount,
            libc::SYS_unshare,
            libc::SYS_setns,
            libc::SYS_keyctl,
            libc::SYS_execve,
            libc::SYS_execveat,
        ];
        if !needs.network {
            calls.push(libc::SYS_socket);
        }
        #[cfg(target_arch = "x86_64")]
        calls.extend(x32(&calls));
        let refused = u32::try_from(libc::EPERM).map_or(SeccompAction::KillProcess, SeccompAction::Errno);
        let calls = calls.into_iter().map(|call| (call, Vec::new())).collect();
        let filter = SeccompFilter::new(calls, SeccompAction::Allow, refused, std::env::consts::ARCH.try_into()?)?;
        Ok(filter.try_into()?)
    }

    /// The same system calls by their x32 numbers, which some kernels accept from any program. An x32 number is the x86_64 number
    /// or, for five of the calls, a number that exists only in x32, with one more bit set (Linux, arch/x86/entry/syscalls/syscall_64.tbl).
    #[cfg(target_arch = "x86_64")]
    fn x32(calls: &[i64]) -> Vec<i64> {
        /// `__X32_SYSCALL_BIT`
        const BIT: i64 = 0x4000_0000;
        /// The numbers of execve, ptrace, process_vm_readv, process_vm_writev and execveat.
        const OWN: [i64; 5] = [520, 521, 539, 540, 545];
        calls.iter().chain(&OWN).map(|call| BIT | call).collect()
    }

    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    pub(super) fn seccomp(_: &Needs) -> Result<Held, std::convert::Infallible> {
        Ok(Held::No)
    }
}

#[cfg(not(target_os = "linux"))]
mod linux {
    use std::convert::Infallible;

    use super::{Held, Needs};

    pub(super) fn landlock(_: &Needs) -> Result<Held, Infallible> {
        Ok(Held::No)
    }

    pub(super) fn seccomp(_: &Needs) -> Result<Held, Infallible> {
        Ok(Held::No)
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::fs;
    use std::io::ErrorKind;
    use std::net::{TcpListener, TcpStream};
    use std::process::Command;

    use super::*;

    /// Runs in a separate thread, because the restrictions cannot be undone.
    #[test]
    fn unneeded_privileges_are_refused() {
        let top = std::env::temp_dir().join(format!("hpsb-audit-confine-{}", std::process::id()));
        fs::create_dir_all(top.join("reports")).unwrap();
        fs::write(top.join("bundle"), "bytes").unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let needs = Needs { writes: vec![top.join("reports/report.json")], ..Needs::default() };
        let (place, confinement) = (top.clone(), move || confine(needs));
        std::thread::spawn(move || {
            let confinement = confinement();
            assert_eq!(fs::read(place.join("bundle")).unwrap(), b"bytes");
            fs::write(place.join("reports/.partial"), "report").unwrap();
            fs::rename(place.join("reports/.partial"), place.join("reports/report.json")).unwrap();
            let refused = |kind: ErrorKind| assert_eq!(kind, ErrorKind::PermissionDenied);
            if matches!(confinement.landlock, Held::Yes) {
                refused(fs::write(place.join("bundle"), "other").unwrap_err().kind());
                refused(fs::write(place.join("new"), "").unwrap_err().kind());
                refused(fs::create_dir(place.join("folder")).unwrap_err().kind());
                refused(fs::remove_file(place.join("bundle")).unwrap_err().kind());
            }
            if matches!(confinement.landlock, Held::Yes) || matches!(confinement.seccomp, Held::Yes) {
                refused(TcpStream::connect(address).unwrap_err().kind());
                refused(TcpListener::bind("127.0.0.1:0").unwrap_err().kind());
                refused(Command::new("true").status().unwrap_err().kind());
            }
        })
        .join()
        .unwrap();
        assert_eq!(fs::read(top.join("bundle")).unwrap(), b"bytes");
        fs::remove_dir_all(top).unwrap();
    }

    /// Few kernels accept x32 numbers, so the test inspects the filter itself.
    #[test]
    #[cfg(target_arch = "x86_64")]
    fn x32_call_numbers_are_filtered_too() {
        let names =
            |needs: &Needs, call: u32| linux::filter(needs).unwrap().iter().any(|step| step.k == 0x4000_0000 | call);
        let [offline, online] = [false, true].map(|network| Needs { network, ..Needs::default() });
        // The system call numbers of socket and mount, and the x32-only numbers of execve, ptrace, process_vm_readv, process_vm_writev and execveat.
        for call in [41, 165, 520, 521, 539, 540, 545] {
            assert!(names(&offline, call), "{call}");
        }
        assert!(!names(&online, 41) && names(&online, 520));
    }

    #[test]
    fn the_nearest_existing_folders_are_writable() {
        let top = std::env::temp_dir().canonicalize().unwrap();
        let missing = top.join("hpsb-audit-missing");
        let needs = Needs {
            writes: vec![missing.join("a/b"), missing.join("c"), top.join("hpsb-audit-none")],
            ..Needs::default()
        };
        assert_eq!(needs.folders(), std::slice::from_ref(&top));
        assert_eq!(Needs { writes: vec![top.clone()], ..Needs::default() }.folders(), [top]);
    }
}
