//! Programs that do not use the network, except that some can read an address in an argument. A program whose name is not in any table is treated
//! as unknown.
//!
//! Sources, as of 2026-11-28: the program lists of GNU coreutils, diffutils, findutils, util-linux, procps and shadow; BusyBox's applets except those
//! for the network; the built-in commands of POSIX, dash, bash, PowerShell and cmd.exe; for all other programs, their manual pages.

use super::programs::{
    Row,
    Rule::{Never, Text},
};

const fn row(names: &'static str) -> Row {
    Row { names, rule: Never }
}

const fn text(names: &'static str) -> Row {
    Row { names, rule: Text }
}

pub(super) const LOCAL: &[Row] = &[
    // GNU coreutils.
    text(
        "[ arch b2sum base32 base64 basename basenc cat chcon chgrp chmod chown cksum comm cp csplit cut date dd df dir dircolors dirname du echo",
    ),
    text(
        "expand expr factor false fmt fold groups head hostid id install join kill link ln logname ls md5sum mkdir mkfifo mknod mktemp mv nl nproc",
    ),
    text(
        "numfmt od paste pathchk pinky pr printenv printf ptx pwd readlink realpath rm rmdir seq sha1sum sha224sum sha256sum sha384sum sha512sum",
    ),
    text(
        "shred shuf sleep sort split stat stty sum sync tac tail tee test touch tr true truncate tsort tty uname unexpand uniq unlink uptime users vdir",
    ),
    text("wc who whoami yes shasum md5 gsha256sum greadlink"),
    // Shell built-ins.
    text(
        ": [[ bg break cd compgen complete continue declare dirs disown enable exit export fg getopts hash help history jobs let local logout mapfile",
    ),
    text(
        "popd pushd read readarray readonly return set setopt shift shopt suspend times type typeset ulimit umask unalias unset unsetopt wait which",
    ),
    text("autoload emulate print whence hostname"),
    // Programs for text, files and archives.
    text("csvtool ar ranlib"),
    text("grep egrep fgrep zgrep rg ag diff diff3 sdiff cmp patch dos2unix unix2dos iconv jq yq col colrm column rev"),
    text(
        "look more less gzip gunzip zcat bzip2 bunzip2 bzcat xz unxz xzcat lzma unlzma lzip lz4 unlz4 zstd unzstd zstdcat pigz unpigz",
    ),
    text(
        "pbzip2 lbzip2 pixz brotli zip unzip zipinfo 7z 7za 7zr 7zz p7zip unrar rar jar unar cabextract uncompress compress innoextract",
    ),
    text("file tree locate updatedb envsubst gettext msgfmt xxd hexdump strings which.debianutils crudini cloc b3sum"),
    text("sponge ts dasel rdfind fdupes hardlink jdupes"),
    // Programs for users, permissions, devices and the kernel.
    text(
        "adduser addgroup deluser delgroup useradd usermod userdel groupadd groupmod groupdel gpasswd passwd chpasswd chage chsh chfn pwconv",
    ),
    text(
        "pwunconv grpconv grpunconv getcap setcap getfacl setfacl chattr lsattr umount losetup mkswap swapon swapoff fallocate",
    ),
    text(
        "mkfs mkfs.ext4 mkfs.vfat resize2fs blkid lsblk fdisk parted sfdisk findmnt mountpoint modprobe depmod insmod lsmod sysctl dmesg free ps pgrep",
    ),
    text(
        "pkill pidof top htop vmstat lscpu lsof fuser killall ipcs ipcrm ifconfig route iptables iptables-save ip6tables setcap.local restorecon semanage",
    ),
    text(
        "chkconfig update-alternatives alternatives update-ca-certificates update-ca-trust c_rehash trust ldconfig ldd locale locale-gen localedef",
    ),
    text(
        "update-locale dpkg-reconfigure dpkg dpkg-query dpkg-deb dpkg-divert dpkg-architecture dpkg-statoverride dpkg-split debconf-set-selections",
    ),
    text(
        "debconf-show apt-mark apt-config apt-cache apt-sortpkgs apt-ftparchive dpkg-scanpackages dpkg-source deb-systemd-helper",
    ),
    text(
        " policy-rc.d systemd-tmpfiles systemd-sysusers systemd-machine-id-setup timedatectl hwclock tzselect zic zdump tput reset clear",
    ),
    text(
        "infocmp tic fc-cache fc-list mkfontscale mkfontdir update-desktop-database update-mime-database gtk-update-icon-cache glib-compile-schemas",
    ),
    text("ssh-keygen ssh-add gpgconf gpgv gpg-connect-agent htpasswd mkpasswd uuidgen pwgen update-crypto-policies"),
    text(
        "a2enmod a2dismod a2ensite a2dissite a2enconf a2disconf phpenmod phpdismod docker-php-ext-enable docker-php-source php-config pg_config",
    ),
    text(
        "mysql_config xml2-config pkg-config pkgconf lsb_release architecture dpkg-vendor dpkg-buildflags getconf mkcert echo_supervisord_conf rpmdb xattr mandb makewhatis apxs apxs2",
    ),
    text("initdb mysql_install_db mysql_tzinfo_to_sql postconf newaliases nologin sa-compile"),
    text(
        "pg_createcluster pg_dropcluster pg_lsclusters setup-proxy fix-permissions fix-perms execstack paxctl prelink scanelf",
    ),
    // Compilers and their tools.
    text(
        "gcc* g++* cc c++ clang* clang++* cpp* ld ld.gold ld.lld lld* mold gold as nm objcopy objdump size strip readelf elfedit gcov* gprof addr2line",
    ),
    text(
        "c++filt dwp llvm-config* llvm-strip* llvm-ar* gfortran* nasm yasm ragel bison flex swig gperf protoc protoc-gen-go thrift flatc capnp tsc esbuild",
    ),
    text("rustc rustdoc rustfmt gofmt javac ocamlopt ocamlc mcs csc luac* cython* patchelf chrpath"),
    text("autopoint intltoolize gettextize gtkdocize upx install-info"),
    text("makeinfo texi2any dtc mkimage xorriso genisoimage mksquashfs unsquashfs sass terser uglifyjs"),
    text("black flake8 isort mypy ruff pylint pycodestyle shellcheck shfmt checkmake yamllint markdownlint compileall"),
    text(
        "venv ensurepip zipfile tarfile json.tool grpc_tools.protoc golint gofumpt addlicense xx-info xx-verify xx-clang xx-cc site sysconfig py_compile platform this pyclean py3compile pycompile",
    ),
    text("nvcc cuobjdump nvidia-smi ldconfig.real jlink jdeps jmod jcmd"),
    text("checksec circo neato optipng jpegoptim"),
    // Programs that read files; some of them read URLs.
    row(
        "xmlstarlet html2text asciidoctor tidy createrepo createrepo_c qemu-img postmap javadoc cleancss xmlsec1 rsvg-convert jps jstack",
    ),
    // PowerShell and cmd.exe, which can read network shares.
    row(
        "remove-item move-item copy-item new-item get-item get-childitem set-location push-location pop-location write-host write-output write-error",
    ),
    row(
        "expand-archive compress-archive set-itemproperty get-itemproperty new-itemproperty remove-itemproperty test-path join-path split-path resolve-path get-content",
    ),
    row(
        "set-content add-content out-file out-null out-string select-string select-object where-object foreach-object sort-object measure-object group-object",
    ),
    row(
        "get-filehash start-sleep wait-process stop-process get-process get-service set-service stop-service get-command convertto-json convertfrom-json convertto-securestring",
    ),
    row(
        "set-executionpolicy get-date get-location set-variable get-variable set-psdebug set-strictmode get-acl set-acl new-localuser add-localgroupmember",
    ),
    row("rename-item format-table format-list get-member write-verbose write-warning write-debug exit-pssession"),
    row(
        "del erase rd md copy move ren xcopy robocopy attrib icacls takeown setx reg rem title ver vol path prompt pushd.cmd verify cls color",
    ),
    row(" wevtutil tasklist taskkill sc where findstr sc.exe reg.exe icacls.exe net.exe schtasks"),
];
