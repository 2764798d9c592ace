//! Tests that commands in the pages print what the pages show, and that the policies in the pages are valid.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::{PROGRAM, blocks, pages, read, root, run, scratch};

/// A command with the output that the page shows.
struct Shown {
    line: usize,
    command: String,
    output: Vec<String>,
    exit: Option<i32>,
}

/// Reads `$ command`, continued by lines with `> `, and the output that follows. `$ echo $?` and a number show the command's exit code.
fn shown(first_line: usize, block: &[String]) -> Vec<Shown> {
    let mut all: Vec<Shown> = Vec::new();
    for (at, line) in block.iter().enumerate() {
        if let Some(command) = line.strip_prefix("$ ") {
            all.push(Shown { line: first_line + at, command: command.into(), output: Vec::new(), exit: None });
        } else if let Some(more) = line.strip_prefix("> ").filter(|_| all.last().unwrap().output.is_empty()) {
            all.last_mut().unwrap().command.push_str(&format!("\n{more}"));
        } else {
            all.last_mut().expect("a block begins with a command").output.push(line.clone());
        }
    }
    let mut commands: Vec<Shown> = Vec::new();
    for command in all {
        if command.command == "echo $?" {
            commands.last_mut().unwrap().exit = Some(command.output[0].parse().unwrap());
        } else {
            commands.push(command);
        }
    }
    commands
}

/// Whether the lines appear in the output in this order, with gaps only at a line `...`.
fn agree(shown: &[String], printed: &str) -> Result<(), String> {
    let mut rest: Vec<&str> = printed.trim_end().lines().collect();
    let mut gap = false;
    for line in shown {
        if line.trim() == "..." {
            gap = true;
            continue;
        }
        let at = rest.iter().position(|found| found == line).filter(|at| gap || *at == 0);
        let Some(at) = at else {
            return Err(format!("expected: {line}\nfound:    {}", rest.first().unwrap_or(&"the end")));
        };
        rest.drain(..=at);
        gap = false;
    }
    if gap || rest.is_empty() { Ok(()) } else { Err(format!("not shown: {}", rest[0])) }
}

/// Pages in docs/generated/ whose commands are also run.
const BY_HAND: [&str; 2] = ["docs/generated/worked-example.md", "docs/generated/case-by-hand.md"];

#[test]
fn commands_print_what_the_pages_show() {
    let programs = Path::new(PROGRAM).parent().unwrap();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let mut faults = Vec::new();
    let mut count = 0;
    for page in pages().into_iter().chain(BY_HAND.map(|page| root().join(page))) {
        let name = page.file_name().unwrap().to_string_lossy().into_owned();
        let folder = scratch(&format!("docs-{name}"));
        for (line, block) in blocks(&read(&page), "console") {
            for shown in shown(line, &block) {
                count += 1;
                let command = shown.command.replace("cargo run --release -- ", "hpsb-audit ");
                let output = Command::new("bash")
                    .args(["-c", &format!("exec 2>&1\n{command}")])
                    .current_dir(&folder)
                    .env("PATH", &path)
                    .output()
                    .unwrap();
                let printed = String::from_utf8_lossy(&output.stdout);
                let exit = (shown.exit.unwrap_or(0), output.status.code().unwrap_or(101));
                let code = if exit.0 == exit.1 { Ok(()) } else { Err(format!("exit code {}", exit.1)) };
                if let Err(fault) = agree(&shown.output, &printed).and(code) {
                    faults.push(format!("{name}:{}: {}\n{fault}", shown.line, shown.command));
                }
            }
        }
    }
    assert!(count > 10, "only {count} commands were found");
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}

/// Every TOML block of three pages is a policy, or the continuation of the two lines that each policy needs.
#[test]
fn policies_in_the_pages_are_valid() {
    let folder = scratch("docs-policies");
    fs::create_dir(folder.join("keys")).unwrap();
    for (from, name) in [
        ("good-rsa-2048/key.pem", "a.pem"),
        ("good-rsa-2048/key.pem", "cosign.pub"),
        ("inputs/trust/simple-signing/ada.asc", "ada.asc"),
        ("inputs/trust/sigstore/root.json", "trusted_root.json"),
    ] {
        fs::copy(root().join("fixtures").join(from), folder.join("keys").join(name)).unwrap();
    }
    let mut count = 0;
    for page in ["README.md", "docs/policy.md", "docs/trust.md"].map(|page| root().join(page)) {
        for (line, block) in blocks(&read(&page), "toml") {
            let mut policy = block.join("\n");
            if !policy.contains("version = ") {
                policy = format!("version = 1\nrequire = [\"manifest\"]\n{policy}");
            }
            fs::write(folder.join("policy.toml"), policy).unwrap();
            let read = run(&["policy", "check", "policy.toml"], &folder);
            assert!(read.status.success(), "{}:{line}: {}", page.display(), String::from_utf8_lossy(&read.stderr));
            count += 1;
        }
    }
    assert!(count > 4, "only {count} policies were found");
}
