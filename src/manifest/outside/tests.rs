use std::fmt::Write as _;

use super::*;
use crate::manifest::dockerfile::read_whole;

fn of_file(text: &str) -> Vec<String> {
    let mut inputs = Inputs::new();
    inputs.read_file(&read_whole(text.as_bytes()).unwrap());
    inputs.lines()
}

/// The lines reported for a RUN step, without the step itself.
fn of_run(step: &str) -> Vec<String> {
    let lines = of_file(&format!("FROM scratch\nRUN {step}\n"));
    let shown = |line: String| {
        let line = line.split(": RUN").next().unwrap_or_default().to_owned();
        line.replace("a RUN step that uses the network ", "fetches ").replace("may use the network: ", "? ")
    };
    lines.into_iter().map(shown).collect()
}

fn assert_lines(found: &[String], starts: &[&str]) {
    assert_eq!(found.len(), starts.len(), "{found:#?}");
    for (line, start) in found.iter().zip(starts) {
        assert!(line.starts_with(start), "{line:?} begins with {start:?}");
    }
}

#[test]
fn inputs_that_the_commit_does_not_pin_are_listed_once() {
    let digest = "sha256:5a1c1f3b7d0f0c6e4d9a2b8e7f6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b8c";
    let instructions = [
        "ARG VERSION=1 REVISION",
        "FROM --platform=linux/s390x docker.io/library/node:19 AS build",
        "FROM build AS test",
        "FROM scratch AS nginx:1",
        "FROM nginx:1",
        &format!("FROM nginx@{digest}"),
        "FROM debian@sha256:${DIGEST}",
        "FROM \"debian:12\" AS Quoted",
        "COPY --from=build --chown=1 a b",
        "COPY --from=0 a b",
        "COPY --from=99 a b",
        "COPY --from=QUOTED a b",
        "COPY --chown=1 --from=busybox:1 a b",
        "ADD --from=alpine:3 a b",
        "RUN --mount=type=bind,from=tools:2,target=/t true",
        "RUN --mount='type=bind,\"FROM=quoted:2\"' true",
        "RUN --mount=type=cache,target=/root/.cache --mount=type=secret,id=token --mount=type=ssh true",
        "FROM scratch",
        "ADD local /",
        "RUN apt-get update && apt-get -y install curl",
        "RUN ./configure",
        "RUN [\"/usr/bin/curl\", \"-O\"]",
        "ARG VERSION=1",
    ];
    let mut inputs = Inputs::new();
    inputs.read_steps(instructions.into_iter());
    let starts = [
        "base image docker.io/library/node:19, specified by tag, not by digest",
        "base image nginx:1",
        "base image debian@sha256:${DIGEST}, specified with a variable",
        "base image debian:12,",
        "files from the image 99",
        "files from the image QUOTED",
        "files from the image busybox:1",
        "files from the image alpine:3",
        "files from the image tools:2",
        "files from the image quoted:2",
        "a RUN step that uses the network (apt-get update, apt-get install): RUN apt",
        "a RUN step that uses the network (curl): RUN [",
        "a builder cache mounted in a RUN step: /root/.cache",
        "a builder secret mounted in a RUN step: token",
        "the builder's SSH agent mounted in a RUN step",
        "build argument VERSION=1: the commit does not record the value used",
        "build argument REVISION: the commit",
        "may use the network: ./configure",
    ];
    assert_lines(&inputs.lines(), &starts);
}

#[test]
fn log_lines_without_step_numbers_are_listed() {
    let digest = "sha256:5a1c1f3b7d0f0c6e4d9a2b8e7f6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b8c";
    let of_log = |lines: &[&str]| {
        let text: String =
            lines.iter().map(|line| format!("2026-03-02 10:15:30,123  root       INFO    run: {line}\n")).collect();
        let mut inputs = Inputs::new();
        inputs.read_log(&BuildLog::from_bytes(text.as_bytes(), &crate::base::limits::Limits::default()).unwrap());
        inputs.lines()
    };
    let kit = [
        &format!("#7 FROM docker.io/library/evil:1@{digest}"),
        &format!("#6 [tools 1/1] FROM docker.io/library/debian:12@{digest}"),
        &format!("#6 [pinned 1/1] FROM docker.io/library/debian@{digest}"),
        "#5 [stage-1 2/4] RUN curl x",
        "#5 [stage-1 3/4] COPY --from=evil:1 a b",
        "#5 [stage-1 4/4] COPY --from=tools a b",
    ];
    let starts = [
        "base image docker.io/library/debian:12, resolved",
        "files from the image docker.io/library/evil:1, resolved",
        "files from the image evil:1, specified by tag",
        "a RUN step that uses the network (curl)",
    ];
    assert_lines(&of_log(&kit), &starts);
    let podman = ["[1/2] STEP 1/1: FROM evil AS a", "[2/2] STEP 1/3: FROM a", "[2/2] STEP 2/3: RUN curl x"];
    let lines = ["base image evil,", "a RUN step that uses the network (curl)"];
    assert_lines(&of_log(&podman), &lines);
    assert_lines(&of_log(&["STEP 1: FROM evil", "STEP 2: RUN curl x"]), &lines);
    assert_lines(&of_log(&["Step 1/1 : FROM scratch", "# Executing 1 build trigger"]), &["ONBUILD instructions"]);
}

#[test]
fn every_address_that_add_downloads_is_listed() {
    for source in [
        "https://example.com/a",
        "\"https://example.com/a\"",
        "local https://example.com/a",
        "HTTPS://EXAMPLE.COM/a",
        "ssh://git@example.com/a",
        "git://example.com/a",
        "ftp://example.com/a",
        "git@example.com:a/b",
        "example.com:a/b",
        "example.com/a.git",
        "example.com/a.git#v1:sub",
        "github.com/a/b",
        "https://$HOST/a",
        "${URL}",
        "h${REST}",
        "--checksum=sha256:ab https://example.com/a",
        "--checksum=5a1c1f3b7d0f0c6e4d9a2b8e7f6c5d4e3f2a1b0c https://example.com/a.git",
        "--chown=1:1 https://example.com/a",
    ] {
        assert_eq!(of_file(&format!("FROM scratch\nADD {source} /x\n")).len(), 1, "{source}");
    }
    assert_lines(
        &of_file(
            "FROM scratch\nADD [\"a\", \"https://example.com/a b\", \"/x\"]\nONBUILD ADD https://example.com/c /\n",
        ),
        &["ADD of https://example.com/a b", "ADD of https://example.com/c"],
    );
    let pinned =
        "--checksum=sha256:5a1c1f3b7d0f0c6e4d9a2b8e7f6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b8c https://example.com/a";
    for source in ["local", "./a:b", "dir/${NAME}", "/${NAME}", "<<EOF", pinned, ".git"] {
        let end = if source == "<<EOF" { "https://example.com\nEOF\n" } else { "" };
        assert_eq!(of_file(&format!("FROM scratch\nADD {source} /x\n{end}")), [""; 0], "{source}");
    }
}

#[test]
fn a_syntax_directive_specifies_the_frontend() {
    let line = ["frontend docker/dockerfile:1, specified by tag, not by digest"];
    assert_eq!(of_file("# syntax=docker/dockerfile:1\nFROM scratch\n"), line);
    assert_eq!(of_file("#!/usr/bin/env x\n# check=skip=all\n#\tSyntax = docker/dockerfile:1 x\nFROM scratch\n"), line);
    assert_eq!(of_file("# a comment\n# syntax=docker/dockerfile:1\nFROM scratch\n"), [""; 0]);
    let pinned = "# syntax=a@sha256:5a1c1f3b7d0f0c6e4d9a2b8e7f6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b8c";
    assert_eq!(of_file(&format!("{pinned}\nFROM scratch\n")), [""; 0]);
    assert_lines(
        &of_file("# escape=`\nFROM scratch\nRUN true && `\n# why\n\n curl x\n"),
        &["a RUN step that uses the network (curl)"],
    );
}

#[test]
fn here_documents_are_read() {
    let fetches = "a RUN step that uses the network (curl)";
    for step in [
        "<<EOF\nset -e\ncurl x\nEOF",
        "<<-\"EOF\"\n\tcurl x\n\tEOF",
        "bash <<EOF\ncurl x\nEOF",
        "<<EOF\n#!/bin/bash -e\ncurl x\nEOF",
        "cat <<A > a && sh <<B\ntext\nA\ncurl x\nB",
        "cat <<EOF\n$(curl x)\nEOF",
        "<<EOF\ncat <<X\nwget\nX\ncurl x\nEOF",
        "[ -f x ] && cat <<EOF && curl x\ntext\nEOF",
    ] {
        assert_lines(&of_file(&format!("FROM scratch\nRUN {step}\nUSER x\n")), &[fetches]);
    }
    assert_lines(
        &of_file("FROM scratch\nRUN <<EOF\n#!/usr/bin/env python3\nimport x\nEOF\n"),
        &["may use the network: python3"],
    );
    for quiet in
        ["RUN cat <<'EOF' > x\ncurl $(curl x)\nEOF", "COPY <<EOF /x\ncurl\nEOF", "ADD <<EOF <<B /x\ncurl\nEOF\ncurl\nB"]
    {
        assert_eq!(of_file(&format!("FROM scratch\n{quiet}\n")), [""; 0], "{quiet}");
    }
    // A builder without here-document support runs these lines as instructions.
    assert_lines(&of_file("FROM scratch\nRUN cat <<CMD\nRUN curl x\nCMD\n"), &["a RUN step that cannot be analysed"]);
    // A log shows only the instruction's first line.
    let mut inputs = Inputs::new();
    inputs.read_steps(["RUN bash <<EOF"].into_iter());
    assert_lines(&inputs.lines(), &["a RUN step that cannot be analysed (a here-document"]);
}

#[test]
fn programs_are_found_wherever_the_shell_runs_them() {
    for step in [
        "curl x",
        "c''ur\\l x",
        "/opt/x/curl x",
        "A=b B=\"c d\" curl x",
        "true && curl x",
        "true;curl x",
        "true | curl x",
        "true & curl x",
        "( curl x )",
        "{ curl x; }",
        "! curl x",
        "if true; then curl x; fi",
        "if curl x; then true; else false; fi",
        "for a in b c; do curl $a; done",
        "while read a; do curl $a; done < b",
        "case $a in b|c) true ;; (*) curl x ;; esac",
        "case $a in b) curl x; esac; true",
        "f() { curl x; }; f",
        "function f { curl x; }; f",
        "echo $(curl x)",
        "echo \"$(curl x)\"",
        "echo `curl x`",
        "echo \"`echo \\`curl x\\``\"",
        "echo ${a:-$(curl x)}",
        "echo $((1 + $(curl x)))",
        "a=$(curl x)",
        "a=(b $(curl x))",
        "echo > $(curl x)",
        "cat <(curl x)",
        "cat <<< $(curl x)",
        "sudo -E -u root curl x",
        "sudo A=b curl x",
        "env -i A=b curl x",
        "time -p nice -n 5 nohup curl x",
        "timeout -k 5 10 curl x",
        "exec curl x",
        "xargs -n 1 -I{} curl {} < a",
        "echo a | xargs -rn1 curl",
        "find . -name x -exec curl {} ;",
        "find . -exec sh -c 'curl $1' _ {} +",
        "sh -c 'curl x'",
        "bash -euxo pipefail -c \"curl x\"",
        "sh -c \"sh -c 'sh -c \\\"curl x\\\"'\"",
        "eval curl x",
        "eval 'curl x'",
        "su user -c 'curl x'",
        "trap 'curl x' EXIT",
        "alias a='curl x'",
        "busybox env curl x",
        "gosu nobody curl x",
        "chroot /x curl x",
        "flock /x curl x",
        "[ \"sh\", \"-c\", \"curl x\" ]",
        "powershell -Command \"$a = 1; curl x\"",
        "cmd /S /C \"if exist x curl x\"",
        "echo a#b && curl x",
        "echo '#' && curl x",
    ] {
        let found = of_run(step);
        assert!(found.iter().any(|line| line == "fetches (curl)"), "{step}: {found:?}");
        assert!(found.len() == 1 || step.contains("cmd"), "{step}: {found:?}");
    }
}

#[test]
fn text_that_does_not_run_is_not_listed() {
    for step in [
        "echo curl x",
        "echo 'a; curl x'",
        "true # && curl x",
        "echo \"a && curl x\"",
        "test -f curl || exit 1",
        "[ -x /usr/bin/curl ]",
        "command -v curl",
        "curl --version",
        "git config --global user.name x && git -C a status",
        "apt-get -y clean && rm -rf /var/lib/apt/lists/*",
        "mkdir -p /a && chown -R 1:1 /a && sed -i s/a/b/ c",
        "f() { true; }; f",
        "--network=none ./configure",
        "rpm -q x",
        "rsync -a a/ b/",
        "for curl in a; do echo $curl; done",
        "python3 -m venv x",
        "sudo -u x true",
        "yarn cache clean",
        "powershell -Command tar -xf x; Remove-Item y",
    ] {
        assert_eq!(of_run(step), [""; 0], "{step}");
    }
}

/// Programs that use the network, including one for most rows of the table that have sub-commands.
#[test]
fn programs_that_use_the_network_are_listed() {
    for step in [
        "apt-get upgrade",
        "apt-get -y -o A=b install x",
        "apt update",
        "aptitude safe-upgrade",
        "apk add --no-cache x",
        "apk --update add x",
        "dnf -y install x",
        "yum --setopt=a=b update",
        "microdnf install x",
        "tdnf install x",
        "zypper -n in x",
        "pacman -Syu x",
        "rpm -i https://x/y.rpm",
        "rpm --import https://x/y",
        "git clone x",
        "git -C status clone x",
        "git pull",
        "git submodule update --init",
        "git lfs pull",
        "hg clone x",
        "svn co x",
        "go install x@latest",
        "go build ./...",
        "go mod download",
        "go get x",
        "/usr/local/go/bin/go build",
        "go1.21 build",
        "npm i",
        "npm ci",
        "npm --prefix x install",
        "npx x",
        "pnpm i",
        "pnpm",
        "yarn",
        "yarn install",
        "yarn add x",
        "yarn workspaces focus",
        "bun install",
        "bunx x",
        "deno cache x",
        "dotnet restore",
        "dotnet build -c Release",
        "./gradlew build",
        "gradle build",
        "mvn package",
        "./mvnw package",
        "uv sync",
        "uv pip install x",
        "pip install x",
        "pip3.11 install x",
        "python3 -m pip install x",
        "python -m pip install -r a",
        "pipx install x",
        "poetry install",
        "pdm sync",
        "pipenv install",
        "conda install x",
        "mamba create x",
        "cargo build",
        "cargo +nightly build",
        "cargo install x",
        "rustup target add x",
        "gem install x",
        "bundle",
        "bundle install",
        "composer install",
        "composer.phar install",
        "wget x",
        "aria2c x",
        "ftp x",
        "scp a:b c",
        "rsync a:b c",
        "ssh a",
        "nc a 1",
        "docker pull x",
        "podman pull x",
        "skopeo copy x",
        "helm pull x",
        "terraform init",
        "kubectl apply",
        "ansible-galaxy install x",
        "cpanm x",
        "pecl install x",
        "sbt compile",
        "nix-shell x",
        "gpg --recv-keys x",
        "gpg --batch --keyserver x --recv-keys y",
        "apt-key adv --recv-keys x",
        "openssl s_client x",
        "R -e x; curl x",
        "exec 3<>/dev/tcp/a/80",
        "docker-php-ext-install x",
        "add-apt-repository x",
        "nvm install 1",
        "sdk install x",
        "aws s3 cp a b",
        "powershell Invoke-WebRequest x",
        "pwsh -c \"iwr x -OutFile y\"",
        "Invoke-WebRequest x",
        "certutil -urlcache -f x",
        "corepack prepare x",
    ] {
        let found = of_run(step);
        assert!(found.first().is_some_and(|line| line.starts_with("fetches")), "{step}: {found:?}");
    }
    let lines = of_file(
        "FROM scratch\nSHELL [\"powershell\", \"-Command\", \"$a = 'Stop';\"]\nRUN Remove-Item x; Invoke-RestMethod y\nFROM scratch\nRUN true\n",
    );
    assert_lines(&lines, &["a RUN step that uses the network (invoke-restmethod)"]);
}

#[test]
fn a_name_is_that_of_a_function_only_after_its_definition() {
    assert_lines(&of_run("f() { true; }; f"), &[]);
    assert_lines(&of_run("f; f() { true; }"), &["? f"]);
    assert_lines(&of_run("{ f; }; f() { true; }; f"), &["? f"]);
}

#[test]
fn unknown_programs_and_steps_are_listed() {
    for (step, lines) in [
        ("./configure && ./configure --x", &["? ./configure"][..]),
        ("frobnicate", &["? frobnicate"]),
        ("./cat x", &["? ./cat"]),
        ("/opt/bin/cat x", &["? /opt/bin/cat"]),
        ("$A x", &["? $A"]),
        ("c$A x", &["? c$A"]),
        ("\"${A}\"/x", &["? ${A}/x"]),
        ("{curl,x}", &["? {curl,x}"]),
        ("git frobnicate", &["? git frobnicate"]),
        ("git $A", &["? git $A"]),
        ("apt-get $A x", &["? apt-get $A"]),
        ("make all", &["? make, which runs a script"]),
        ("python3 x.py", &["? python3, which"]),
        ("sh x.sh", &["? sh x.sh, which"]),
        ("echo x | sh", &["? sh, which"]),
        (". /x", &["? ., which"]),
        ("npm run build", &["? npm run, which"]),
        ("eval $A", &["? eval $A, which"]),
        ("sudo --frob curl x", &["? sudo --frob"]),
        ("xargs git < a", &["? xargs git"]),
        ("rpm -i $A", &["? rpm -i", "? rpm $A"]),
        ("tar --to-command=x -xf a", &["? tar --to-command=x"]),
        ("awk 'BEGIN { system(\"x\") }'", &["? awk, which"]),
        ("false && f() { true; }; f", &["? f"]),
        ("(f() { true; }); f", &["? f"]),
        ("f() { true; }; unset -f f; f", &["? f"]),
        ("f() { true; }; env f", &["? f"]),
        ("echo 'a", &["a RUN step that cannot be analysed (an unterminated quote)"]),
        ("echo $(a", &["a RUN step that cannot be analysed (an incomplete script)", "? a"]),
        ("echo )", &["a RUN step that cannot be analysed (unbalanced parentheses)"]),
        ("sh -c \"echo $A\"", &["a RUN step that cannot be analysed (a variable in a shell script)"]),
        ("[\"curl\", x]", &["a RUN step that cannot be analysed (malformed JSON array in exec form)", "? [curl,"]),
    ] {
        assert_lines(&of_run(step), lines);
    }
    let lines = of_file("FROM scratch\nSHELL [\"fish\", \"-c\"]\nRUN curl x\n");
    assert_lines(&lines, &["may use the network: fish, which"]);
    let lines = of_file("FROM scratch\nSHELL x\nONBUILD FROM y\n");
    assert_lines(&lines, &["unknown shell: SHELL x", "unknown instruction: ONBUILD FROM y"]);
}

#[test]
fn arguments_that_run_a_program_or_use_the_network_are_listed() {
    let mut silent: Vec<&str> = Vec::new();
    let mut loud: Vec<Vec<String>> = Vec::new();
    for step in [
        "ssh-agent curl x",
        "chpst -u a curl x",
        "catchsegv curl x",
        "sort --compress-program=curl x",
        "sort --comp curl x",
        "ip netns exec a curl x",
        "pee 'curl x'",
        "gcc -wrapper curl x.c",
        "gcc-12 -B/x y.c",
        "gcc @x",
        "sed 'e curl x' f",
        "sed -f x f",
        "sed 's/a/b/e' f",
        "sed \"s/a/$A/\" f",
        "sqlite3 a '.shell curl x'",
        "sqlite3 a < b",
        "m4 a",
        "rpm --eval '%(curl x)'",
        "rpm -E x",
        "split --filter='curl x' a",
        "zip -TT 'curl x' a b",
        "zip --unzip-command=curl a",
        "install -s --strip-program=curl a b",
        "protoc --plugin=curl x",
        "tar --checkpoint-act=exec=curl x",
        "tar --rsh-comm=curl x",
        "tar xIf curl a",
        "cpio --rsh-command=curl -i",
        "git -c a.b=c status",
        "git --config-env=a=b status",
        "git --exec-path=/x status",
        "git diff --ext-diff",
        "git config alias.x '!curl'",
        "hash -p /x ls",
        "mapfile -C 'curl x' a",
        "enable -f x y",
        "BASH_ENV=x bash -c true",
        "ENV=x sh -c true",
        "LD_PRELOAD=x ls",
        "LD_LIBRARY_PATH=x ls",
        "PATH=/x ls",
        "PYTHONSTARTUP=x true",
        "GIT_SSH_COMMAND=curl git status",
        "export LD_PRELOAD=x",
        "env PATH=/x ls",
        "PS4=x",
        "/x/sh -c true",
        "/x/sudo true",
        "git remote update",
        "git remote add -f a b",
        "git remote show a",
        "git remote prune a",
        "git -C a remote set-head a",
        "git archive --remote=a b",
        "git archive --rem a b",
        "gpg --refresh",
        "gpg --refresh-keys",
        "gpg --keyserver-options x",
        "tar -xf host:/a",
        "tar xzf host:/a",
        "tar --file=host:/a -x",
        "tar -x --fi host:/a",
        "tar -xfhost:/a",
        "tar -xf $A",
        "cpio -i -F h:a",
        "html2text https://x",
        "html2text $URL",
        "javadoc -link \"$URL\"",
        "xmlstarlet sel --net=$A",
        "qemu-img info $(cat a)",
        "montage -texture=$A b",
        "rsync --files-from=$A b c",
        "tar -xf\"$A\"",
        "cpio -i -F$A",
        "mount --source=$A b",
        "cat < \"$f\"",
        "cat < $d/80",
        "cat < \"$(cat a)\"",
        "cat < /dev/$p/h/80",
        "cat < /d$p",
        "cat < /dev/tcp/$h/80",
        "while read a; do echo $a; done < $f",
        "exec 3> $f",
        "command exec 3>> \"$f\"",
        "cat <&1 > $f",
        "{ cat < /dev/stdout; } > $f",
        "read -u 3 a 3> $f",
        "sh -c 'cat <&1' > $f",
        "help2man ./a",
        "python3 -m venv --upgrade-deps a",
        "mypy --install-types a",
        "setup-timezone -z UTC",
        "qemu-img convert https://x y",
        "distcc gcc",
        "getent hosts x",
        "mount //h/x /y",
        "mount -t cifs a b",
        "mount -t nfs4 a b",
        "mount h:/x /y",
        "mount -a",
        "mount $A b",
        "dpkg -i a.deb",
        "dpkg --configure -a",
        "dpkg --unpack a",
        "rpm -Uvh a.rpm",
        "rpm --install a.rpm",
        "exec 3<>/dev/$p/h/80",
        "f=/dev/tcp/h/80",
        "exec 3<>$f",
        "openssl x509 -in https://x",
        "awk -f a",
        "awk \"$A\" b",
        "autoreconf -i",
        "cmd /c @curl x",
        "cmd /c \"%COMSPEC% /c curl x\"",
        "powershell -c copy-item //h/s/a b",
        "powershell -enc x",
        "powershell /e x",
        "powershell -ep bypass -File x",
        "powershell -c \"& $a\"",
        "powershell -c ./a.exe",
        "powershell -frob curl x",
    ] {
        silent.extend(of_run(step).is_empty().then_some(step));
    }
    for step in [
        "sort -u a",
        "gcc -O2 -Wall a.c",
        "sed -i -e 's/a/b/' -e '/c/d' x",
        "sed -i '$d' x",
        "zip -r a b",
        "install -s -m 755 a b",
        "tar -xzf a.tar -C /opt/INSTALL --strip-components=1",
        "tar xf a -C /b c:d",
        "tar --owner=a:b -cf x y",
        "cpio -idm -R 0:0",
        "cpio -i -F a",
        "git switch -c a",
        "git config --global user.name x",
        "git remote add a https://b",
        "git archive HEAD",
        "hash -r",
        "A=b ls",
        "export PATH=/x:$PATH",
        "gpg --batch --import a",
        "echo https://x",
        "grep //x a",
        "getent passwd x",
        "mount -t tmpfs a b",
        "mount --bind a b",
        "dpkg --print-architecture",
        "dpkg --add-architecture s390x",
        "ssh-agent",
        "ip link",
        "cmd /c @echo x",
        "powershell -Command \"tar -xf C:/a.tar\"",
        "exec 3>&1",
        "awk '{print $1}' \"$A\"",
        "cat < $d/requirements.txt",
        "cat < /tmp/$f",
        "cat < '$f'",
        "cat < \"$d/$(basename a).txt\"",
        "echo a > $f",
        "echo a >> \"$f\" 2>&1",
        "cat > \"$f\" < /x",
        "html2text ./$A",
        "html2text -o /x/$A",
        "unzip \"$A\"",
        "gcc $CFLAGS -o $out x.c",
        "useradd -u $uid a",
        "montage ./$A b",
    ] {
        loud.extend(Some(of_run(step)).filter(|lines| !lines.is_empty()));
    }
    assert!(silent.is_empty() && loud.is_empty(), "{silent:?} {loud:?}");
    let starts = ["may use the network: programs run with the variable BASH_ENV", "may use the network: /x/sh"];
    assert_lines(&of_file("FROM scratch\nENV A=b BASH_ENV=/x\nSHELL [\"/x/sh\", \"-c\"]\nRUN true\n"), &starts);
    let share =
        "FROM scratch\nSHELL [\"powershell\", \"-Command\"]\nRUN Copy-Item \\\\\\\\host\\\\share\\\\a b\nRUN @curl x\n";
    assert_lines(&of_file(share), &["a RUN step that uses the network", "a RUN step that uses the network"]);
}

#[test]
fn a_stage_inherits_the_shell_of_its_base_stage() {
    for (shell, step) in [
        (r#"["cmd", "/S", "/C"]"#, "echo Don't stop & curl x -o y"),
        (r#"["cmd", "/S", "/C"]"#, r#"echo ^" & curl x & echo ^""#),
        (r#"["powershell", "-Command"]"#, r#"& "$env:TEMP\setup.exe""#),
        (r#"["powershell", "-Command"]"#, "& ($x)"),
        (r#"["powershell", "-Command"]"#, "Write-Host `' ; iwr x; Write-Host `'"),
    ] {
        let lines = of_file(&format!("# escape=`\nFROM scratch\nSHELL {shell}\nRUN {step}\n"));
        assert!(!lines.is_empty(), "{step}");
    }
    let text = "FROM scratch AS a\nSHELL [\"fish\", \"-c\"]\nFROM a\nRUN curl x\nFROM scratch\nRUN true\n";
    assert_lines(&of_file(text), &["may use the network: fish, which"]);
}

#[test]
fn the_list_is_limited_and_the_omitted_entries_are_counted() {
    let mut text = String::from("FROM scratch\n");
    for number in 0..200 {
        let _ = writeln!(text, "ARG A{number}\nARG A{number}\nRUN curl x{number}");
    }
    let lines = of_file(&text);
    assert_eq!(lines.len(), 2 * (SHOWN + 1));
    assert!(lines.contains(&"RUN steps that use the network: 150 more".to_owned()), "{lines:#?}");
    assert!(lines.contains(&"build arguments: 150 more".to_owned()), "{lines:#?}");
    assert!(of_run(&"x".repeat(100_000)).iter().all(|line| line.chars().count() < 200));
}

#[test]
fn work_grows_no_faster_than_the_text() {
    // Quadratic work, or rereading once per nesting level, would make these cases run far too long.
    let stage = |number| [format!("ARG A{number}"), format!("FROM base{number} AS stage{number}")];
    let instructions: Vec<String> = (0..300_000).flat_map(stage).collect();
    let mut inputs = Inputs::new();
    inputs.read_steps(instructions.iter().map(String::as_str));
    assert_lines(&inputs.lines()[..1], &["instructions beyond the first 2 MiB are not read"]);
    let long = "x ".repeat(400);
    let shells = (0..1_000).map(|_| format!("SHELL [\"sh\", \"-c\", \"{long}\"]\nRUN {long}\n"));
    assert!(!of_file(&format!("FROM scratch\n{}", shells.collect::<String>())).is_empty());
    for step in [
        "a;".repeat(50_000),
        "$(".repeat(200_000),
        "\"$(".repeat(200_000),
        "${a:-".repeat(200_000),
        "`".repeat(200_001),
        "((".repeat(200_000),
        "$((".repeat(100_000),
        "case a in ".repeat(50_000),
        "sudo ".repeat(100_000),
        "sudo -E ".repeat(100_000),
        format!("git {}", "-a ".repeat(200_000)),
        format!("echo {}", "=".repeat(400_000)),
        "eval ".repeat(30_000),
        "sh -c \"eval 'x $a'\";".repeat(5_000),
        "cat <<A <<B\n".repeat(50_000),
    ] {
        let mut inputs = Inputs::new();
        inputs.read_steps([format!("RUN {step}").as_str()].into_iter());
        assert!(inputs.lines().len() < 200);
    }
}

/// Lists the steps for which the first line does not begin with the text.
fn assert_each_begins(steps: &[&str], start: &str) {
    let other = |step: &&&str| !of_run(step).first().is_some_and(|line| line.starts_with(start));
    let other: Vec<&&str> = steps.iter().filter(other).collect();
    assert!(other.is_empty(), "not listed with {start:?}: {other:#?}");
}

#[test]
fn sub_commands_that_can_use_the_network_are_listed() {
    let steps = "apt-get remove x|apt-get -yf remove x|apt-get --fix-broken check|apk del x|microdnf remove x|tdnf remove x|dnf history undo 1|\
        dnf -y history undo last|yum versionlock add x|dnf repo-pkgs x install|dnf config-manager addrepo --from-repofile=x|yum-config-manager --add-repo x|\
        zypper rm x|zypper remove x|hg update|npm uninstall x|npm un x|npm unlink x|npm remove x|npm rm x|npm r x|npm prune --omit=dev|\
        npm shrinkwrap|npm cache add x|npm --quiet cache add x|pnpm prune|pnpm remove x|pnpm rm x|pnpm uninstall x|pnpm un x|pnpm unlink x|pnpm patch x|\
        pnpm patch-commit x|pnpm store add x|yarn remove x|yarn unlink x|yarn list|yarn why x|yarn licenses list|yarn check|bun remove x|bun rm x|\
        bun unlink x|deno lint|deno uninstall x|deno remove x|pip list|pip list -o|pip-sync|pip-sync requirements.txt|uv version --bump minor|poetry export -o x|\
        poetry show|poetry env use 3|pdm show x|pdm venv create|pdm use 3|pipenv uninstall x|pipenv check|conda remove x|conda uninstall x|\
        conda rename a b|conda compare x|conda info x|go env GOPATH|go version|go fmt ./...|go fix ./...|go doc x|go clean ./...|cargo remove x|cargo rm x|cargo login|cargo owner -l|\
        cargo yank x|cargo clean -p x|cargo clean --package=x|rustup show|rustup which cargo|rustup override set nightly|\
        rustup --quiet override set nightly|rustup override add nightly|dotnet list package|dotnet store --manifest x|gem pristine x|gem unpack x|gem owner x|\
        gem yank x|bundle pristine|bundle remove x|composer archive x|composer status|composer init|goimports -l .|certutil -urlfetch x|certutil -URL x|\
        certutil -syncWithWU x|certutil -generateSSTFromWU x";
    assert_each_begins(&steps.split('|').collect::<Vec<_>>(), "fetches");
}

#[test]
fn programs_and_sub_commands_that_run_code_are_listed() {
    let steps = "npm version minor|npm config edit|pnpm pack|yarn pack|bun pm trust x|bun --silent pm trust x|deno|dotnet fsi x.fsx|dotnet clean|\
        dotnet reference add x|dotnet remove x package y|dotnet sln list|dotnet user-secrets list|gem build x|gem open x|bundle check|\
        bundle clean|bundle list|bundle show|bundle info x|bundle binstubs x|bundle doctor|bundle viz|bundle platform|bundle env|\
        composer dump-autoload -o|composer dumpautoload|openssl|python -m timeit x|rename 's/a/b/; system(\"curl x\")' f|\
        libtool --mode=execute curl x|nvprof curl x|fc x|kotlinc -script x.kts|runcon a curl x|newgrp x|hsc2hs x|ghc x.hs|phpize|sudo -s|sudo -i|sudo -iu x|\
        sudo --shell|sudo --login|sudo -u x -s|doas -s|su|su - x|sudo su|chroot /x|chroot --userspec=a /x|fakeroot|linux32";
    let quiet = |step: &&str| !of_run(step).iter().any(|line| line.ends_with(", which runs a script"));
    let quiet: Vec<&str> = steps.split('|').filter(quiet).collect();
    assert!(quiet.is_empty(), "{quiet:#?}");
    assert_lines(&of_run("echo x | openssl"), &["? openssl, which runs a script"]);
    assert_lines(&of_run("echo x | deno"), &["? deno, which runs a script"]);
    assert_lines(&of_run("echo 'curl x' | sudo -s"), &["? sudo, which runs a script"]);
    for quiet in
        ["sudo -k", "sudo true", "doas true", "busybox", "toybox", "setsid", "env", "su -c true", "fakeroot true"]
    {
        assert_eq!(of_run(quiet), [""; 0], "{quiet}");
    }
}

#[test]
fn a_sub_command_that_is_only_known_with_its_own_sub_commands_is_otherwise_unknown() {
    for (step, line) in [
        ("npm cache frob", "? npm cache frob"),
        ("npm cache", "? npm cache"),
        ("npm --prefix cache frob", "? npm cache frob"),
        ("npm cache $A", "? npm cache $A"),
        ("npm $A cache clean", "? npm $A"),
        ("npm cache/clean", "? npm cache/clean"),
        ("npm config/edit", "? npm config/edit"),
        ("pnpm store frob", "? pnpm store frob"),
        ("yarn cache frob", "? yarn cache frob"),
        ("bun pm migrate", "? bun pm migrate"),
        ("rustup override", "? rustup override"),
        ("rustup --verbose override frob", "? rustup override frob"),
        ("dnf history frob", "? dnf history frob"),
        ("poetry env frob", "? poetry env frob"),
        ("pdm venv frob", "? pdm venv frob"),
    ] {
        assert_lines(&of_run(step), &[line]);
    }
    let steps = "npm cache clean --force|npm cache --force clean|npm --loglevel silent cache verify|npm --force cache clean|npm config set a b|npm config|npm c get a|npm ls|\
        pnpm store prune|pnpm store path|yarn cache clean --all|yarn cache dir|bun pm ls|bun pm cache rm|rustup override list|rustup override unset|\
        rustup set profile minimal|dnf config-manager --set-enabled crb|dnf -y config-manager --save --setopt=a=b|dnf config-manager setopt a=b|dnf history list|dnf history|\
        yum versionlock list|yum-config-manager --enable x|conda config --set a b|conda info|conda info --envs|conda clean -afy|poetry cache clear x|poetry env info|\
        poetry config a b|pdm venv list|pip config set a b|pip cache purge|uv cache clean|uv cache prune|cargo clean|cargo clean --target x|npm cache --help|composer config a b|bundle config set a b|bundle version|gem list|gem environment|gem cleanup|dotnet help|dotnet --info|\
        pip freeze|apt-get autoremove -y|apt-get clean|deno clean|openssl req -x509";
    let loud: Vec<Vec<String>> = steps.split('|').map(of_run).filter(|lines| !lines.is_empty()).collect();
    assert!(loud.is_empty(), "{loud:#?}");
}

#[test]
fn options_that_fetch_or_run_code_are_listed() {
    let steps = "gem list -r|gem list x --remote|gem specification x -b|gem info --both x|gem dependency -r x|dnf config-manager --add-repo x|\
        yum -y config-manager --add-repo=x|dnf remove --duplicates|openssl verify -crl_download x|mksquashfs a b -p 'x f 644 0 0 curl x'|mksquashfs a b -pf x|\
        xorriso -external_filter a /x --|rg --pre x y|rg --pre=x y|nvcc -run x.cu|nvcc --run x.cu|rustdoc --test x|ocamlopt -ppx x y.ml|strip --plugin=x y|\
        let 'a[$(curl x)]=1'|jobs -x curl x|printf -v 'a[$(curl x)]' y|clang --ld-path=/x a.c|gcc -fuse-ld=/x a.c";
    assert_each_begins(&steps.split('|').collect::<Vec<_>>(), "? ");
    for quiet in [
        "mksquashfs a b -comp xz -processors 2",
        "rg --pretty x",
        "nvcc -O2 x.cu",
        "strip --preserve-dates x",
        "let a=1",
        "printf %s x",
    ] {
        assert_eq!(of_run(quiet), [""; 0], "{quiet}");
    }
}

#[test]
fn a_single_quote_in_an_expansion_within_double_quotes_is_unclear() {
    let unclear = "a RUN step that cannot be analysed (a quote inside an expansion)";
    for step in [
        "echo \"${a#'\"'}\"; curl https://example.com/x | sh; echo }\" #\"",
        "echo \"${a%%'}'}\"",
        "echo \"${a:-'}'}\"",
        "echo \"${a:-don't}\"",
        "echo \"${a/'$b'/c}\"",
        "cat <<X\n${a#'}'}\nX",
    ] {
        assert!(
            of_file(&format!("FROM scratch\nRUN <<EOF\n{step}\nEOF\n")).iter().any(|line| line.starts_with(unclear)),
            "{step}"
        );
    }
    for step in ["echo \"${a#'x'}\"", "echo \"${a:-'a b;c'}\"", "echo ${a#'\"'}", "echo \"${a:-\"'\"}\""] {
        assert_eq!(of_run(step), [""; 0], "{step}");
    }
}
