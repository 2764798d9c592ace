//! Programs that use the network, run other programs, or run scripts. Review the rows against the programs' manuals.
//!
//! Sources, as of 2026-11-28: the programs' manual pages in Debian 12 and 13 and Alpine 3.20, and their `--help` output; for language package
//! managers, their command references (docs.npmjs.com, pnpm.io, yarnpkg.com, bun.sh, docs.deno.com, pip.pypa.io, docs.astral.sh/uv,
//! python-poetry.org, doc.rust-lang.org/cargo, go.dev/ref/mod, getcomposer.org, bundler.io, maven.apache.org, docs.gradle.org,
//! learn.microsoft.com/dotnet); the POSIX shell command language. A sub-command that is not in any list is treated as unknown.
//!
//! A sub-command that can use the network in some case is in `fetches`; one that runs code of the project, such as a hook or a build file, is in
//! `scripts`. The lists leave out what any sub-command may do: a toolchain manager behind a program's name, and plugins in configuration files.

use super::programs::Rule::{
    Address, Always, By, Host, Options, Script, Scripts, Shell, Special, Text, Windows, Wraps,
};
use super::programs::{Row, Special as Own, Wrapper};

const fn row(names: &'static str, rule: super::programs::Rule) -> Row {
    Row { names, rule }
}

const fn by(names: &'static str, fetches: &'static str, scripts: &'static str, local: &'static str) -> Row {
    row(names, By { fetches, scripts, local })
}

const fn wraps(names: &'static str, flags: &'static str, values: &'static str, skip: usize) -> Row {
    row(names, Wraps(Wrapper { flags, values, skip }))
}

pub(super) const FETCHING: &[Row] = &[
    // File transfer and network tools.
    row("curl wget wget2 aria2c axel lftp ftp ncftp ncftpget tftp sftp ssh slogin telnet nc ncat netcat socat", Always),
    row("http https httpie xh curlie lynx links elinks w3m yt-dlp youtube-dl gdown rclone gsutil s3cmd azcopy", Always),
    row("ssh-keyscan ssh-copy-id dig nslookup host whois ping traceroute nmap ntpdate rdate", Always),
    row("scp rcp rsync", Host),
    row("mount", Special(Own::Mount)),
    row("distcc icecc", Always),
    by(
        "getent",
        "hosts ahosts ahostsv4 ahostsv6 networks netgroup",
        "",
        "passwd group shadow gshadow protocols services rpc ethers aliases initgroups -",
    ),
    by("ip", "", "netns vrf", "link l addr a address route r rule neigh n maddr mroute tunnel tuntap monitor xfrm -"),
    row(
        "certutil certutil.exe",
        Options("^-url ^-URL ^-Url ^-verify ^-ping ^-syncWithWU ^-syncwithwu ^-generateSSTFromWU ^-generatesstfromwu"),
    ),
    row("keytool", Options("^-sslserver")),
    row("dism dism.exe", Always),
    row("Invoke-WebRequest iwr Invoke-RestMethod irm Start-BitsTransfer Install-Module Install-Package", Always),
    row("Install-PackageProvider Install-Script Install-WindowsFeature Save-Module Update-Module Update-Help", Always),
    row("invoke-webrequest invoke-restmethod start-bitstransfer install-module install-package", Always),
    row("install-packageprovider install-script install-windowsfeature save-module update-module update-help", Always),
    row(
        "Find-Module find-module Find-Package find-package Add-WindowsCapability add-windowscapability add-windowsfeature",
        Always,
    ),
    row("bitsadmin", Always),
    row("choco scoop winget vs_buildtools vs_BuildTools", Always),
    // System packages.
    by(
        "apt-get apt aptitude",
        "update upgrade dist-upgrade full-upgrade safe-upgrade install reinstall build-dep source download satisfy changelog dselect-upgrade remove purge -f --fix-broken",
        "edit-sources",
        "autoremove autopurge auto-remove clean autoclean auto-clean distclean dist-clean check list show search policy indextargets markauto unmarkauto hold unhold moo depends rdepends -",
    ),
    by("apt-file", "update", "", "search list show find"),
    row(
        "apt-fast apt-add-repository add-apt-repository extrepo debootstrap mmdebstrap cdebootstrap netselect-apt mk-build-deps",
        Always,
    ),
    row("unattended-upgrade unattended-upgrades apt-clone", Always),
    by("apt-key", "adv update net-update", "", "add del list finger export exportall"),
    row(
        "gpg gpg2 gpg1",
        Options(
            "--recv…-keys --rece…ive-keys --fetch-keys --ref…resh-keys --search-keys --sen…d-keys --loc…ate-keys --locate-…external-keys --auto-key-l…ocate --auto-key-r…etrieve --keys…erver --keyserver-options --card-edit --edit-card",
        ),
    ),
    row(
        "apk",
        By {
            fetches: "add update upgrade fetch fix cache version search policy info list del dot stats",
            scripts: "",
            local: "audit verify manifest index -",
        },
    ),
    by(
        "dnf dnf5 yum",
        "install localinstall reinstall update upgrade update-minimal upgrade-minimal distro-sync distrosync downgrade groupinstall groupupdate group groups module makecache builddep build-dep download copr check-update check-upgrade swap upgrade-to update-to list info search provides whatprovides repoquery repolist debuginfo-install system-upgrade offline-upgrade environment advisory reposync repoinfo needs-restarting repo-pkgs repo-packages repository-packages config-manager/addrepo versionlock/add versionlock/exclude history/undo history/redo history/rollback history/replay",
        "shell",
        "remove erase autoremove clean config-manager/* config-manager/- versionlock/list versionlock/clear versionlock/delete versionlock/- mark history/list history/info history/summary history/userinstalled history/stats history/- alias help check -",
    ),
    by(
        "microdnf tdnf",
        "install reinstall update upgrade distro-sync distrosync downgrade module makecache download swap info list search provides whatprovides repoquery repolist reposync check-update update-to upgrade-to updateinfo remove erase autoremove autoerase leaves",
        "",
        "clean help -",
    ),
    row("yum-config-manager", Options("--add-…repo")),
    row("yum-builddep yumdownloader reposync debuginfo-install yum-debug-restore repoquery", Always),
    by(
        "zypper",
        "in install up update dup dist-upgrade patch ref refresh si source-install inr install-new-recommends verify ve lu list-updates se search if info download dl packages pa patches patterns products what-provides wp list-patches lp addrepo ar rm remove locks ll purge-kernels",
        "shell sh",
        "cc clean removerepo rr modifyrepo mr repos lr renamerepo nr addlock al removelock rl ps -",
    ),
    row("pacman", Options("-S -U --sync --upgrade -F --files")),
    row(
        "yay paru pacstrap pacman-key reflector emerge equo xbps-install swupd snap pkgin pkg_add pkg opkg flatpak brew guix nix-env nix-shell nix-build nix nix-channel nixos-install port slackpkg tlmgr",
        Always,
    ),
    row("rpm rpmkeys rpm2cpio xmllint xsltproc pandoc convert identify mogrify magick montage sox", Address),
    row("update-rc.d", Text),
    row("setup-timezone", Always),
    row("rpm-ostree ostree bootc", Always),
    row(
        "freshclam geoipupdate subscription-manager unminimize clean-install gdebi download-mibs confluent-hub meteor salt-run steamcmd steamcmd.sh",
        Always,
    ),
    // Version control.
    by(
        "git",
        "clone fetch pull submodule ls-remote remote-https remote-http fetch-pack push lfs svn subtree send-pack backfill",
        "credential bisect filter-branch rebase difftool mergetool hook maintenance p4",
        "init add commit config checkout switch restore reset rev-parse rev-list log show diff status tag branch apply am clean rm mv merge cherry-pick describe ls-files ls-tree cat-file hash-object write-tree gc prune stash update-index symbolic-ref show-ref worktree sparse-checkout format-patch notes blame grep archive bundle reflog repack fsck count-objects version help var check-ignore check-attr name-rev merge-base diff-tree diff-index read-tree remote shortlog revert update-ref -",
    ),
    row("git-clone git-lfs hub gh glab svn bzr fossil repo gclient cvs darcs", Always),
    by("hg", "clone pull incoming identify update revert", "", "init add commit log status version -"),
    // Images and clusters.
    row(
        "docker podman nerdctl buildah skopeo crane regctl oras ctr crictl docker-compose podman-compose img kaniko cosign umoci dive trivy grype syft notation",
        Always,
    ),
    row(
        "kubectl oc helm helmfile kustomize k3s k3d kind minikube kubeadm krew kubectl-krew istioctl flux argocd velero",
        Always,
    ),
    row(
        "terraform tofu terragrunt packer vagrant pulumi ansible ansible-galaxy ansible-playbook ansible-pull puppet chef-client knife salt-call salt-minion",
        Always,
    ),
    row("aws az gcloud ibmcloud doctl hcloud vault consul nomad op doppler sops", Always),
    // JavaScript.
    by(
        "npm cnpm",
        "install i in ins inst insta instal isnt isnta isntal isntall add ci clean-install ic install-clean isntall-clean install-test it install-ci-test cit update up upgrade udpate exec x audit outdated view info show v link ln init create innit publish pack search ping dedupe ddp fund doctor login adduser whoami access team star dist-tag unpublish deprecate token profile prune uninstall un unlink remove rm r shrinkwrap cache/add",
        "run run-script rum urn test t tst start stop restart rebuild rb version config/edit c/edit",
        "config/* config/- c/* c/- set get cache/clean cache/clear cache/rm cache/verify cache/ls ls list ll la root prefix bin help help-search explain why pkg completion -",
    ),
    by(
        "pnpm",
        "install i add update up upgrade import dlx create fetch link ln audit outdated publish deploy env self-update setup install-test it dedupe prune remove rm uninstall un unlink patch patch-commit patch-remove server store/add -",
        "run exec test t start rebuild rb pack -r --recursive recursive *",
        "config c get set store/prune store/path store/status list ls la ll why root bin licenses help cache/list cache/list-registries cache/view cache/delete",
    ),
    by(
        "yarn yarnpkg",
        "install add up upgrade upgrade-interactive global dlx create import link outdated audit publish info set up-interactive npm plugin dedupe workspaces self-update policies rebuild remove unlink list why licenses check - *",
        "run exec node test start build workspace pack",
        "config cache/clean cache/dir cache/list bin autoclean help versions generate-lock-entry",
    ),
    by(
        "bun",
        "install i add a update x create upgrade link outdated publish audit init c remove rm unlink pm/whoami pm/view",
        "run test build exec pm/trust pm/pack pm/version *",
        "pm/ls pm/bin pm/cache pm/hash pm/hash-string pm/hash-print pm/untrusted pm/default-trusted completions",
    ),
    by(
        "deno",
        "install i add cache run compile test bundle eval vendor info outdated update upgrade jupyter serve bench check doc task x create deploy lint uninstall remove clean/--except",
        "repl -",
        "fmt types coverage completions clean/- clean/*",
    ),
    row(
        "npx pnpx bunx tnpm jspm bower corepack nvm fnm volta n nodenv lerna playwright cypress ncu electron-rebuild degit tiged",
        Always,
    ),
    // Python.
    by(
        "pip*",
        "install download wheel index search lock sync list -r *",
        "config/edit",
        "uninstall freeze show check config/* config/- cache hash debug inspect completion help -",
    ),
    by(
        "uv",
        "sync add pip run tool lock python build publish init remove self tree export venv auth version",
        "",
        "cache/clean cache/prune cache/dir cache/size help generate-shell-completion -",
    ),
    by(
        "pipx",
        "install install-all inject upgrade upgrade-all upgrade-shared run runpip reinstall reinstall-all list uninstall uninstall-all uninject",
        "",
        "ensurepath environment completions pin unpin -",
    ),
    by(
        "poetry",
        "install add update lock sync self build publish remove source init search new export show env/use",
        "run shell",
        "config check env/info env/list env/remove env/activate version about cache/clear cache/list list help -",
    ),
    by(
        "pdm",
        "install add update sync lock build publish self remove init search outdated show use export import venv/create",
        "run",
        "config cache/clear cache/list cache/info cache/remove info list venv/list venv/remove venv/purge venv/activate fix completion -",
    ),
    by(
        "pipenv",
        "install sync update lock upgrade uninstall check clean",
        "run shell",
        "graph requirements scripts verify -",
    ),
    by(
        "conda* mamba* micromamba",
        "install create update env upgrade search build repoquery self-update develop index notices remove uninstall rename compare info/*",
        "run shell",
        "clean config init info/- list activate deactivate export package shell-hook help -",
    ),
    row(
        "uvx easy_install* hatch flit rye pixi pyenv pip-compile pip-sync pip-audit huggingface-cli hf spacy nltk.downloader get-pip.py buildout dvc kaggle build",
        Always,
    ),
    // Go, Rust.
    by(
        "go*",
        "install build get mod run test generate list vet work tool telemetry fmt fix doc clean bug env version",
        "",
        "help -",
    ),
    row(
        "glide dep govendor godep gobrew gvm goreleaser ko xcaddy golangci-lint goimports mage gox staticcheck govulncheck gotestsum setup-envtest xx-go xx-cargo xx-apk xx-apt xx-apt-get",
        Always,
    ),
    by(
        "cargo",
        "install build b run r test t check c bench fetch update add publish doc d vendor search generate-lockfile metadata rustc rustdoc fix package tree clippy binstall chef nextest zigbuild xwin auditable deb component deny audit ndk udeps tarpaulin leptos make xtask cross miri hack pgrx sqlx watch cbuild cinstall build-bpf build-sbf contract remove rm login yank owner clean/-p clean/--package",
        "",
        "clean/* clean/- init new fmt version help uninstall logout locate-project verify-project read-manifest pkgid report config -",
    ),
    by(
        "rustup",
        "update toolchain target component install self default check upgrade show which doc man override/set override/add",
        "run",
        "override/list override/unset override/remove set completions help -",
    ),
    row(
        "rustup-init rustup-init.sh sh.rustup.rs wasm-pack trunk cross cargo-binstall cargo-chef cargo-install",
        Always,
    ),
    // Java and other JVM languages.
    row(
        "mvn mvnw mvnd gradle gradlew gradle.bat gradlew.bat mvnw.cmd sbt sbtx lein boot clojure clj mill coursier cs jbang bazel bazelisk buck buck2 pants please sdk jenv sdkmanager grails grailsw spring activator",
        Always,
    ),
    // .NET.
    by(
        "dotnet dotnet.exe",
        "restore build publish run test pack add tool new workload nuget watch package msbuild ef msbuild.exe list store",
        "exec vstest fsi clean reference remove sln solution user-secrets *",
        "--info --version --list-sdks --list-runtimes help dev-certs -",
    ),
    row("nuget nuget.exe paket msbuild xbuild dotnet-install.sh dotnet-install.ps1", Always),
    // Ruby, PHP, Perl, Haskell, OCaml, Erlang, R, Swift, Dart and other languages.
    by(
        "gem",
        "install i update fetch outdated search push sources exec signin mirror pristine unpack owner yank",
        "rdoc build open",
        "uninstall list environment env cleanup contents specification which help cert check dependency info lock server stale -",
    ),
    by(
        "bundle bundler",
        "install update add outdated lock package pack cache inject gem plugin fund remove pristine -",
        "exec e console open check clean list show info binstubs doctor viz platform env",
        "config init help version",
    ),
    by(
        "composer composer.phar",
        "install i update u upgrade require r req create-project global self-update selfupdate diagnose outdated audit show info search reinstall remove rm uninstall prohibits suggests fund browse home archive status init",
        "run-script run exec dump-autoload dumpautoload",
        "config validate clear-cache clearcache cc licenses depends why check-platform-reqs about list help -",
    ),
    row(
        "pecl pear pickle cpan cpanm cpanp cpm carton plenv phpbrew phive pie symfony install-php-extensions docker-php-ext-install docker-php-ext-configure drush wp",
        Always,
    ),
    row(
        "cabal stack ghcup opam esy rebar rebar3 mix hex elm raco luarocks shards nimble zef vcpkg conan install2.r installGithub.r install.r installBioc.r installDeps.r pub dart flutter fvm pod carthage swift spm fpm dub alr roswell quicklisp qlot xrepo zig tinygo haxelib",
        Always,
    ),
    row(
        "asdf mise rtx rbenv ruby-build ruby-install rvm chruby-exec goenv tfenv tgenv jabba proto pkgx aqua eget bin ubi webi arkade fisher antigen zinit devbox direnv",
        Always,
    ),
    row("texhash mktexlsr updmap-sys fmtutil-sys kpsewhich", Text),
    // Programs that run a program that their arguments specify.
    wraps(
        "sudo",
        "-A -b -E -H -i -K -k -n -P -S -s --preserve-env --login --set-home --non-interactive --stdin --shell --background",
        "-C -D -g -h -p -R -r -t -T -U -u --user --group --chdir --host --prompt --close-from --role --type",
        0,
    ),
    wraps("doas", "-n -s", "-u -C", 0),
    wraps("env", "-i -0 -v - --ignore-environment --null --debug", "-u -C --unset --chdir", 0),
    wraps("time", "-p -v --verbose --portability -a --append", "-f -o --format --output", 0),
    wraps("nice", "-0 -1 -2 -3 -4 -5 -6 -7 -8 -9", "-n --adjustment", 0),
    wraps(
        "nohup builtin chronic ifne nocache eatmydata ccache sccache catchsegv busybox toybox linux32 linux64 with-contenv noglob",
        "",
        "",
        0,
    ),
    wraps("command", "-p -v -V", "", 0),
    wraps("ssh-agent", "-c -D -d -k -s", "-a -E -O -P -t", 0),
    wraps("chpst", "-v -V -P -0 -1 -2", "-u -U -b -e -/ -n -l -L -m -d -o -p -f -c -r -t", 0),
    wraps("exec", "-c -l", "-a", 0),
    wraps("setsid", "-c -f -w --ctty --fork --wait", "", 0),
    wraps("stdbuf", "", "-i -o -e --input --output --error", 0),
    wraps("timeout", "--preserve-status --foreground -v --verbose", "-k -s --kill-after --signal", 1),
    wraps(
        "xargs",
        "-0 -r -t -p -x -o --null --no-run-if-empty --verbose --interactive --exit --open-tty",
        "-a -d -E -I -L -n -P -s --max-args --max-procs --max-chars --max-lines --delimiter --arg-file --replace --eof",
        0,
    ),
    wraps("chroot", "--skip-chdir", "--userspec --groups", 1),
    wraps("gosu su-exec s6-setuidgid faketime", "", "", 1),
    wraps("flock", "-s -x -n -u -o -e --shared --exclusive --nonblock --close", "-w -E --timeout", 1),
    wraps("tini", "-s -g -v -w --", "-p -e", 0),
    wraps("dumb-init", "-c -v --single-child --verbose --", "--rewrite -r", 0),
    wraps("ionice", "-t --ignore", "-c -n -p --class --classdata", 0),
    wraps("xvfb-run", "-a --auto-servernum", "-s -n -e -f --server-args --server-num --error-file", 0),
    wraps("fakeroot dbus-run-session", "-u --", "", 0),
    row("eval", Special(Own::Eval)),
    row("alias", Special(Own::Alias)),
    row("trap", Special(Own::Trap)),
    row("su runuser", Special(Own::Su)),
    row("find fd fdfind", Special(Own::Find)),
    row("sh bash ash dash ksh ksh93 mksh zsh rbash", Shell),
    row("powershell powershell.exe pwsh pwsh.exe pwsh-preview cmd cmd.exe CMD", Windows),
    // Programs that run a script, a build file or another program's output.
    row("python* pypy* micropython", Special(Own::Python)),
    row(
        "make gmake bmake nmake cmake cmake3 ctest cpack ninja ninja-build samu meson scons waf ant rake premake4 premake5 just task tup xmake dpkg-buildpackage debuild rpmbuild abuild makepkg configure autogen.sh bootstrap buildconf qmake pyinstaller",
        Script,
    ),
    row(
        "perl* ruby* node nodejs lua* luajit* php* tclsh* wish* expect Rscript R julia* groovy scala* kotlin java java.exe jshell guile* racket sbcl clisp runhaskell runghc erl elixir iex escript ocaml octave* gdb lldb qemu-system-x86_64 wine wine64 mono osascript csh tcsh fish nu xonsh elvish",
        Script,
    ),
    row(
        "source . jupyter ipykernel unittest mysql mariadb psql mongo mongosh redis-cli sqlcmd firefox chromium google-chrome resty",
        Script,
    ),
    row(
        "gulp grunt webpack vite ng vue-cli-service nx turbo rollup parcel tsx ts-node next nuxt gatsby hugo jekyll mkdocs sphinx-build jest mocha karma rspec phpunit pytest py.test tox nox behave nosetests invoke fab rails artisan manage.py django-admin flask alembic craco react-scripts expo pm2 nodemon forever astro eslint prettier eleventy storybook lint-staged husky",
        Script,
    ),
    row(
        "parallel watch script unshare nsenter strace ltrace valgrind systemd-run machinectl setpriv setarch capsh start-stop-daemon runit runsv s6-svscan supervisord supervisorctl service systemctl initctl rc-service openrc init cron crond at batch mysqld mysqld_safe mariadbd postgres pg_ctl pg_ctlcluster mongod redis-server nginx apache2 httpd apachectl",
        Script,
    ),
    row(
        "docker-entrypoint.sh entrypoint.sh help2man timeit rename nvprof newgrp vipw runcon dh_clean dpkg-preconfigure phpize",
        Script,
    ),
    // Builders and compilers that run code of the project: shell fragments, macros, plugins.
    row("libtool libtoolize ghc* hsc2hs kotlinc scalac ocamlfind erlc fsc", Script),
    // A shell built-in that edits and repeats commands.
    row("fc", Script),
    row("tar bsdtar cpio", Special(Own::Archive)),
    row("awk gawk mawk nawk original-awk", Scripts("system( getline /inet print…| -f --file -i --include -l --load")),
    row("sed gsed", Special(Own::Sed)),
    row(
        "vim vi nvim emacs ed ex vidir pee m4 sqlite3 gpg-agent autoconf autoheader automake* aclocal* autoreconf",
        Script,
    ),
    row(
        "openssl",
        By {
            fetches: "s_client ocsp cmp s_time",
            scripts: "-",
            local: "version req x509 rsa rsautl genrsa genpkey pkey pkcs12 pkcs8 pkcs7 dgst enc rand dhparam ecparam ec ca verify crl sha1 sha256 sha512 md5 base64 passwd prime list ciphers speed ts cms smime rehash pkeyutl fipsinstall",
        },
    ),
];
