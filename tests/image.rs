//! Tests with images that public tools made and copied: umoci, skopeo, tar, gzip and zstd. Most of these images contain Debian's busybox for
//! s390x.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use support::Case;

const PROGRAM: &str = env!("CARGO_BIN_EXE_hpsb-audit");

fn must(command: &mut Command) -> String {
    let output =
        command.output().unwrap_or_else(|error| panic!("{command:?}: {error}; tests/run installs what is missing"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A new, empty folder.
fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("image").join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Debian's busybox for s390x, which `tests/run` installs.
fn busybox() -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/s390x/busybox");
    assert!(
        path.is_file(),
        "{} is missing. From the top of the repository run `tests/tools/s390x-busybox target/s390x` (it loads Debian's busybox-static \
         with apt-get), or tests/run, which does it",
        path.display()
    );
    path
}

/// An OCI layout `layout` with the image `v1`, made by umoci.
fn umoci_image(folder: &Path) {
    let umoci = || {
        let mut command = Command::new("umoci");
        command.current_dir(folder);
        command
    };
    must(umoci().args(["init", "--layout", "layout"]));
    must(umoci().args(["new", "--image", "layout:v1"]));
    must(umoci().args([
        "config",
        "--image",
        "layout:v1",
        "--architecture",
        "s390x",
        "--os",
        "linux",
        "--config.cmd",
        "/bin/busybox",
    ]));
    must(umoci().args(["insert", "--image", "layout:v1", "--rootless"]).arg(busybox()).arg("/bin/busybox"));
}

fn skopeo(folder: &Path, arguments: &[&str]) -> String {
    must(Command::new("skopeo").current_dir(folder).arg("--insecure-policy").args(arguments))
}

fn sha256(path: &Path) -> String {
    format!("sha256:{}", must(Command::new("sha256sum").arg(path)).split(' ').next().unwrap())
}

/// Writes a bundle to `folder` whose log reports a push of this manifest, and returns the arguments to audit it.
fn bundle(folder: &Path, manifest: &Path) -> Vec<String> {
    let document: Value = serde_json::from_slice(&fs::read(manifest).unwrap()).unwrap();
    let id = document["config"]["digest"].as_str().unwrap()["sha256:".len()..][..12].to_owned();
    let size = fs::metadata(manifest).unwrap().len();
    let case = Case::good("made", "").pushed_as(&sha256(manifest), size.try_into().unwrap(), &id);
    write(folder, case)
}

fn write(folder: &Path, case: Case) -> Vec<String> {
    let mut bundle = String::new();
    for (name, bytes) in case.make() {
        let name = name.split_once('/').unwrap().1.to_owned();
        fs::write(folder.join(&name), bytes).unwrap();
        if name.ends_with(".sig.tbz") {
            bundle = name;
        }
    }
    ["audit", &bundle, "--key", "key.pem", "--now", "2026-03-10T00:00:00Z"].map(str::to_owned).to_vec()
}

fn run(folder: &Path, arguments: &[String], more: &[&str]) -> (Output, Value) {
    let output = Command::new(PROGRAM)
        .current_dir(folder)
        .args(arguments)
        .args(more)
        .args(["--format", "json"])
        .output()
        .unwrap();
    let report = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{more:?}: {error}: {}", String::from_utf8_lossy(&output.stderr)));
    (output, report)
}

fn finding<'r>(report: &'r Value, check: &str) -> &'r Value {
    report["reports"][0]["findings"].as_array().unwrap().iter().find(|finding| finding["check"] == check).unwrap()
}

fn statuses(report: &Value) -> Vec<(String, String)> {
    let findings = report["reports"][0]["findings"].as_array().unwrap();
    let image = findings.iter().filter(|finding| finding["group"] == "image" && finding["check"] != "image-tag");
    image
        .map(|finding| (finding["check"].as_str().unwrap().to_owned(), finding["status"].as_str().unwrap().to_owned()))
        .collect()
}

#[test]
fn image_forms_that_keep_the_bytes_are_accepted_with_the_same_statuses() {
    let folder = folder("oci");
    umoci_image(&folder);
    skopeo(&folder, &["copy", "oci:layout:v1", "oci-archive:archive.tar"]);
    skopeo(&folder, &["copy", "oci:layout:v1", "dir:directory"]);
    let arguments = bundle(&folder, &folder.join("directory/manifest.json"));
    let mut seen = None;
    for source in ["oci:layout:v1", "layout", "oci-archive:archive.tar", "archive.tar", "dir:directory", "directory"] {
        let (output, report) = run(&folder, &arguments, &["--image", source, "--offline"]);
        assert_eq!(output.status.code(), Some(0), "{source}: {report:#}");
        for check in ["image-digest", "image-config", "image-layers"] {
            assert_eq!(finding(&report, check)["status"], "pass", "{source}: {check}");
        }
        let statuses = statuses(&report);
        assert_eq!(*seen.get_or_insert_with(|| statuses.clone()), statuses, "{source}");
    }
    // The whole layout is found next to the bundle without a flag.
    fs::rename(folder.join("layout"), folder.join("image")).unwrap();
    let (output, report) = run(&folder, &arguments, &[]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(finding(&report, "image-digest")["status"], "pass");
}

#[test]
fn dir_keeps_dockers_manifest_and_oci_converts_it_as_the_report_states() {
    let folder = folder("docker");
    umoci_image(&folder);
    skopeo(&folder, &["copy", "--format", "v2s2", "oci:layout:v1", "dir:pushed"]);
    let arguments = bundle(&folder, &folder.join("pushed/manifest.json"));
    let (output, _) = run(&folder, &arguments, &["--image", "dir:pushed"]);
    assert_eq!(output.status.code(), Some(0));

    skopeo(&folder, &["copy", "dir:pushed", "oci:converted:v1"]);
    skopeo(&folder, &["copy", "dir:pushed", "oci-archive:converted.tar"]);
    for source in ["oci:converted", "oci-archive:converted.tar"] {
        let (output, report) = run(&folder, &arguments, &["--image", source]);
        assert_eq!(output.status.code(), Some(1), "{source}");
        let digest = finding(&report, "image-digest");
        assert_eq!(digest["status"], "fail");
        let text = digest.to_string();
        assert!(text.contains("converting with skopeo") && text.contains("skopeo copy --preserve-digests"), "{text}");
        assert_eq!(finding(&report, "image-layers")["status"], "pass");
    }
    // With --preserve-digests, skopeo writes docker's own manifest into the layout.
    skopeo(&folder, &["copy", "--preserve-digests", "dir:pushed", "oci:kept:v1"]);
    skopeo(&folder, &["copy", "--preserve-digests", "dir:pushed", "oci-archive:kept.tar"]);
    for source in ["oci:kept:v1", "oci-archive:kept.tar"] {
        let (output, report) = run(&folder, &arguments, &["--image", source]);
        assert_eq!(output.status.code(), Some(0), "{source}: {report:#}");
    }

    skopeo(&folder, &["copy", "dir:pushed", "docker-archive:saved.tar:docker.io/acme/wallet:v1"]);
    for source in [
        "docker-archive:saved.tar",
        "docker-archive:saved.tar:acme/wallet:v1",
        "docker-archive:saved.tar:@0",
        "saved.tar",
    ] {
        let (output, report) = run(&folder, &arguments, &["--image", source]);
        assert_eq!(output.status.code(), Some(1), "{source}");
        let digest = finding(&report, "image-digest");
        assert_eq!(digest["status"], "unknown", "{source}");
        assert!(digest.to_string().contains("48 bits"), "{digest}");
        assert_eq!(finding(&report, "image-config")["status"], "unknown");
        assert_eq!(finding(&report, "image-layers")["status"], "pass");
    }
}

/// Tools other than skopeo also write layouts. If such a tool copies docker's files unchanged, their digests are preserved.
#[test]
fn a_layout_written_blob_by_blob_keeps_dockers_manifest() {
    let folder = folder("blobs");
    umoci_image(&folder);
    skopeo(&folder, &["copy", "--format", "v2s2", "oci:layout:v1", "dir:pushed"]);
    let arguments = bundle(&folder, &folder.join("pushed/manifest.json"));
    let blobs = folder.join("image/blobs/sha256");
    fs::create_dir_all(&blobs).unwrap();
    for entry in fs::read_dir(folder.join("pushed")).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, blobs.join(&sha256(&path)["sha256:".len()..])).unwrap();
    }
    let manifest = folder.join("pushed/manifest.json");
    let descriptor = serde_json::json!({
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "digest": sha256(&manifest), "size": fs::metadata(&manifest).unwrap().len(),
    });
    let index = serde_json::json!({"schemaVersion": 2, "manifests": [descriptor]});
    fs::write(folder.join("image/index.json"), index.to_string()).unwrap();
    fs::write(folder.join("image/oci-layout"), "{\"imageLayoutVersion\":\"1.0.0\"}").unwrap();
    let (output, report) = run(&folder, &arguments, &["--require", "image"]);
    assert_eq!(output.status.code(), Some(0), "{report:#}");
    // This is the state after `fetch --no-layers`: the layers have no evidence. The bundle is rejected for this only if
    // the image is supplied with `--image` or the group `image` is required.
    for layer in fs::read_dir(&blobs).unwrap().map(|entry| entry.unwrap()) {
        if layer.metadata().unwrap().len() > 100_000 {
            fs::remove_file(layer.path()).unwrap();
        }
    }
    let (output, report) = run(&folder, &arguments, &[]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(finding(&report, "image-layers")["reason"], "no-evidence");
    assert_eq!(run(&folder, &arguments, &["--image", "oci:image"]).0.status.code(), Some(1));
}

#[test]
fn layers_of_gzip_and_zstd_unpack_to_the_digest_of_sha256sum() {
    let folder = folder("layers");
    let shell = |script: &str| must(Command::new("bash").current_dir(&folder).args(["-euc", script]));
    fs::create_dir(folder.join("files")).unwrap();
    fs::copy(busybox(), folder.join("files/busybox")).unwrap();
    shell(
        "tar -cf layer files; gzip -9k layer; zstd -q -19 layer -o layer.zst; zstd -q --ultra -20 --long=25 layer -o long.zst; cat layer.gz layer.gz >two.gz; cat layer.zst layer.zst >two.zst",
    );
    for (file, same_as) in [
        ("layer", "cat layer"),
        ("layer.gz", "cat layer"),
        ("layer.zst", "cat layer"),
        ("long.zst", "cat layer"),
        ("two.gz", "cat layer layer"),
        ("two.zst", "cat layer layer"),
    ] {
        let diff_id = format!("sha256:{}", shell(&format!("{same_as} | sha256sum | cut -d' ' -f1")));
        let image = folder.join(format!("image-{file}"));
        fs::create_dir(&image).unwrap();
        let layer = sha256(&folder.join(file));
        let size = fs::metadata(folder.join(file)).unwrap().len();
        fs::copy(folder.join(file), image.join(&layer["sha256:".len()..])).unwrap();
        let config = serde_json::json!({"architecture": "s390x", "os": "linux", "rootfs": {"type": "layers", "diff_ids": [diff_id]}});
        fs::write(image.join("config"), config.to_string()).unwrap();
        let config = sha256(&image.join("config"));
        fs::rename(image.join("config"), image.join(&config["sha256:".len()..])).unwrap();
        let manifest = serde_json::json!({"schemaVersion": 2, "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": config,
            "size": fs::metadata(image.join(&config["sha256:".len()..])).unwrap().len()},
            "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": layer, "size": size}]});
        fs::write(image.join("manifest.json"), manifest.to_string()).unwrap();
        let output = Command::new(PROGRAM).arg("image").arg(&image).args(["--format", "json"]).output().unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["contradictions"], serde_json::json!([]), "{file}");
        assert_eq!(output.status.code(), Some(0));
    }
}

#[test]
fn memory_does_not_grow_with_a_layers_size() {
    let folder = folder("memory");
    let script = "head -c 200M /dev/zero | tee >(sha256sum | cut -d' ' -f1 >id) | zstd -q -19 --long=25 >layer; while ! [ -s id ]; do :; done";
    must(Command::new("bash").current_dir(&folder).args(["-euc", script]));
    let mut command = Command::new("bash");
    let script = format!("ulimit -v 130000; exec {PROGRAM} image . --format json");
    fs::write(
        folder.join("config"),
        serde_json::json!({"architecture": "s390x", "os": "linux", "rootfs": {"type": "layers",
        "diff_ids": [format!("sha256:{}", fs::read_to_string(folder.join("id")).unwrap().trim())]}})
        .to_string(),
    )
    .unwrap();
    let blob = |name: &str| {
        let digest = sha256(&folder.join(name));
        let size = fs::metadata(folder.join(name)).unwrap().len();
        fs::rename(folder.join(name), folder.join(&digest["sha256:".len()..])).unwrap();
        (digest, size)
    };
    let ((config, config_size), (layer, layer_size)) = (blob("config"), blob("layer"));
    let manifest = serde_json::json!({"schemaVersion": 2,
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": config, "size": config_size},
        "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar+zstd", "digest": layer, "size": layer_size}]});
    fs::write(folder.join("manifest.json"), manifest.to_string()).unwrap();
    let report: Value = serde_json::from_str(&must(command.current_dir(&folder).args(["-c", &script]))).unwrap();
    assert_eq!(report["contradictions"], serde_json::json!([]));
    assert!(report.to_string().contains("(209715200 bytes)"), "{report:#}");
}

#[test]
fn an_offline_audit_opens_no_socket() {
    let folder = folder("offline");
    umoci_image(&folder);
    skopeo(&folder, &["copy", "oci:layout:v1", "dir:directory"]);
    let arguments = bundle(&folder, &folder.join("directory/manifest.json"));
    let traced = |more: &[&str]| {
        let trace = folder.join("trace");
        let status = Command::new("strace")
            .current_dir(&folder)
            .args(["-f", "-e", "trace=%network", "-o"])
            .arg(&trace)
            .arg(PROGRAM)
            .args(&arguments)
            .args(more)
            .output()
            .expect("strace; tests/run installs it")
            .status;
        let calls = fs::read_to_string(&trace).unwrap();
        assert!(calls.contains("exited with"), "strace recorded nothing: {calls}");
        (status.code(), calls.lines().filter(|line| line.contains("socket(") || line.contains("connect(")).count())
    };
    assert_eq!(traced(&["--offline", "--image", "oci:layout", "--base", "dir:directory"]), (Some(0), 0));
    assert_eq!(traced(&["--offline", "--image", "docker://127.0.0.1:9/acme/wallet:v1"]), (Some(2), 0));
    // Without --offline, the same command opens a socket, which strace reports.
    if cfg!(feature = "fetch") {
        let (code, sockets) = traced(&["--image", "docker://127.0.0.1:9/acme/wallet:v1"]);
        assert!(code == Some(3) && sockets > 0, "{code:?}, {sockets} calls");
    }
}

#[test]
fn compare_names_the_files_that_differ() {
    let folder = folder("compare");
    let shell = |script: &str| must(Command::new("bash").current_dir(&folder).args(["-euc", script]));
    shell(
        "mkdir -p one/bin two/bin; echo same >one/bin/same; cp one/bin/same two/bin/; echo a >one/bin/tool; echo b >two/bin/tool; echo x >two/bin/new; ln -s tool one/bin/link; ln -s same two/bin/link; chmod 755 one/bin/same",
    );
    for name in ["one", "two"] {
        shell(&format!(
            "umoci init --layout {name}-image; umoci new --image {name}-image:v1; umoci config --image {name}-image:v1 --config.label built={name}"
        ));
        // umoci omits the end of its archives, so tar makes the layer, and the manifest is written by hand.
        shell(&format!("tar --sort=name --mtime=@0 --owner=0 --group=0 -C {name} -cf {name}.tar bin"));
        let image = folder.join(format!("{name}-saved"));
        fs::create_dir(&image).unwrap();
        let diff_id = sha256(&folder.join(format!("{name}.tar")));
        fs::copy(folder.join(format!("{name}.tar")), image.join("layer.tar")).unwrap();
        let config = serde_json::json!({"architecture": "s390x", "os": "linux", "config": {"Labels": {"built": name}, "User": name, "Env": ["A_TOKEN=hunter2"], "Hostname": ""},
            "rootfs": {"type": "layers", "diff_ids": [diff_id]}});
        fs::write(image.join("config.json"), config.to_string()).unwrap();
        fs::write(image.join("manifest.json"), r#"[{"Config":"config.json","RepoTags":[],"Layers":["layer.tar"]}]"#)
            .unwrap();
        shell(&format!("tar -C {name}-saved -cf {name}-saved.tar layer.tar config.json manifest.json"));
    }
    let compare = |one: &str, other: &str| {
        let output = Command::new(PROGRAM).current_dir(&folder).args(["compare", one, other]).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, text) = compare("one-saved.tar", "docker-archive:two-saved.tar");
    assert_eq!(code, Some(1), "{text}");
    for line in [
        "bin/tool: content differs",
        "bin/new: only in B",
        "bin/link: content differs",
        "bin/same: mode 755 in A, 644 in B",
        "label built",
        "setting User",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    assert!(text.contains("Only an identical independent rebuild corroborates it"));
    let shown = must(Command::new(PROGRAM).current_dir(&folder).args(["image", "one-saved.tar"]));
    assert!(shown.contains("Env=[\"A_TOKEN=***\"]") && !shown.contains("hunter2"), "{shown}");
    let (code, text) = compare("one-saved.tar", "one-saved.tar");
    assert_eq!(code, Some(0), "{text}");
    let (code, text) = compare("oci:one-image", "oci:two-image");
    assert_eq!(code, Some(1), "{text}");
}

#[test]
fn compare_lists_differences_between_bundles_and_with_an_image() {
    let folder = folder("bundles");
    umoci_image(&folder);
    let name = |arguments: &[String]| arguments[1].clone();
    skopeo(&folder, &["copy", "oci:layout:v1", "dir:directory"]);
    let one = name(&bundle(&folder, &folder.join("directory/manifest.json")));
    fs::create_dir(folder.join("other")).unwrap();
    let other =
        write(&folder.join("other"), Case::good("other", "").text("git/wallet/README.md", |text| text + "more\n"));
    let other = format!("other/{}", name(&other));
    let compare = |arguments: &[&str]| {
        let output = Command::new(PROGRAM).current_dir(&folder).arg("compare").args(arguments).output().unwrap();
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr),
        )
    };
    let (code, text) = compare(&[&one, "oci:layout:v1", "--key", "key.pem"]);
    assert_eq!(code, Some(0), "{text}");
    let (code, text) = compare(&[&one, &other, "--key", "key.pem"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("README.md: differs") && text.contains("DIFFERS       image digest"), "{text}");
    assert!(text.contains("same          commit\n") && text.contains("same          tree\n"), "{text}");
    assert!(text.contains("b0398d3eeb1921c4b063ea213713c42e0c584a70"), "{text}");
    assert_eq!(compare(&[&one, &other]).0, Some(2), "without a key");
    let wrong = folder.join("wrong.pem");
    fs::write(&wrong, support::keys::Named::Other.public_pem()).unwrap();
    assert_eq!(compare(&[&one, &other, "--key", "wrong.pem"]).0, Some(1), "with a key that signed neither");
}

/// Only the log states which image was pushed: the image next to a bundle may be any image.
#[test]
fn compare_states_whether_the_image_next_to_a_bundle_is_that_of_its_log() {
    const STATED: [&str; 7] = ["digest: ", "signed", "Signing", "Finished", "keyid=", "publickey=", "image keyid"];
    let folder = folder("tied");
    let wallet = support::image::Image::wallet();
    let without_digest = |text: String| {
        let kept = text.lines().filter(|line| !STATED.iter().any(|word| line.contains(word)));
        kept.map(|line| format!("{line}\n")).collect()
    };
    let equal = "The two images are identical, byte for byte.";
    let own = wallet.digest();
    for (name, case, code, row, says) in [
        ("tied", Case::good("made", "").image(&wallet), 0, ("same", "same"), ""),
        (
            "without",
            Case::good("made", "").log(without_digest),
            0,
            ("one side only", "same"),
            " The log of A has no digest: it is not shown that the image next to A is the one that was pushed.",
        ),
        (
            "other",
            Case::good("made", ""),
            1,
            ("DIFFERS", "same"),
            " The image next to A is not the one in its log: A contradicts itself.",
        ),
    ] {
        let at = folder.join(name);
        fs::create_dir_all(at.join("image")).unwrap();
        let bundle = write(&at, case.hand_over(&[], &wallet.layout()))[1].clone();
        must(Command::new("tar").current_dir(&at).args(["-xf", "image.tar", "-C", "image"]));
        let compare = |other: &str, format: &str| {
            let line = ["compare", &bundle, other, "--key", "key.pem", "--format", format];
            let output = Command::new(PROGRAM).current_dir(&at).args(line).output().unwrap();
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned() + &error)
        };
        let (found, text) = compare("oci-archive:image.tar", "json");
        assert_eq!(found, Some(code), "{name}: {text}");
        let document: Value = serde_json::from_str(&text).unwrap();
        let left_out = if name == "without" { " Not compared: image digest." } else { "" };
        assert_eq!(document["conclusion"], format!("{equal}{says}{left_out}"), "{name}");
        assert_eq!(document["not_compared"].as_array().unwrap().is_empty(), left_out.is_empty(), "{name}");
        let answer = |part: &str| {
            let mut rows = document["rows"].as_array().unwrap().iter();
            rows.find(|one| one["part"] == part).unwrap().clone()
        };
        assert_eq!(answer("image digest")["answer"], row.0.to_lowercase(), "{name}: {document:#}");
        assert_eq!((&answer("manifest")["answer"], &answer("manifest")["a"]), (&row.1.into(), &own.clone().into()));
        // Compared with itself, the bundle has no differences: only the contradiction sets the exit code.
        let (found, text) = compare(&bundle, "text");
        assert_eq!(found, Some(code), "{name}: {text}");
        assert!(text.contains(&format!("{equal}{says}")), "{name}: {text}");
        assert!(text.contains(&says.replace(" A ", " B ").replace(" A:", " B:")), "{name}: {text}");
    }
}

/// A log whose steps cannot be read names no base image, so two such logs do not show that the base is the same.
#[test]
fn compare_does_not_call_unknown_bases_the_same() {
    let folder = folder("bases");
    let repeated = |text: String| text.replace("Step 4/9", "Step 3/9");
    let other_base = move |text: String| repeated(text).replace("golang:1.24-bookworm", "evil/golang:1.24");
    let bundle = |name: &str, case: Case| {
        fs::create_dir(folder.join(name)).unwrap();
        format!("{name}/{}", write(&folder.join(name), case)[1])
    };
    let one = bundle("one", Case::good("made", "").log(repeated));
    let other = bundle("other", Case::good("made", "").log(other_base));
    let readable = bundle("readable", Case::good("made", ""));
    let compare = |one: &str, other: &str, format: &str| {
        let line = ["compare", one, other, "--key", "one/key.pem", "--format", format];
        let output = Command::new(PROGRAM).current_dir(&folder).args(line).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned() + &error)
    };
    for (second, says) in
        [(&other, "No difference that counts was found. Not compared: base."), (&readable, "Not compared: base.")]
    {
        let (code, text) = compare(&one, second, "json");
        assert_eq!(code, Some(0), "{text}");
        let document: Value = serde_json::from_str(&text).unwrap();
        assert!(document["conclusion"].as_str().unwrap().ends_with(says), "{document:#}");
        assert_eq!(document["not_compared"], serde_json::json!(["base"]));
        let row = document["rows"].as_array().unwrap().iter().find(|row| row["part"] == "base").unwrap();
        assert_eq!((&row["answer"], &row["a"]), (&"not known".into(), &Value::Null), "{row}");
        assert!(row["not_known"]["a"].as_str().unwrap().contains("follows step"), "{row}");
    }
    let (_, text) = compare(&one, &other, "text");
    assert!(text.contains("not known     base\n            A not known: step"), "{text}");
    let (_, text) = compare(&readable, &readable, "text");
    assert!(text.contains("same          base\n"), "{text}");
    // Anyone with a compromised key could have signed the bundle.
    let key = "version = 1\nrequire = [\"manifest\"]\n[[keys]]\nname = \"k\"\nfile = \"one/key.pem\"\n";
    for (reason, code) in [("superseded", Some(0)), ("compromised", Some(1))] {
        let policy = format!("{key}revoked = {{ at = 2026-04-01T00:00:00Z, reason = \"{reason}\" }}\n");
        fs::write(folder.join("policy.toml"), policy).unwrap();
        let line = ["compare", &readable, &readable, "--policy", "policy.toml"];
        let output = Command::new(PROGRAM).current_dir(&folder).args(line).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), code, "{text}");
        assert_eq!(text.contains("the policy revokes the key of"), code == Some(1), "{text}");
    }
}

/// The diff_id of an encrypted layer cannot be computed, so equal diff_ids in two configurations do not show that the layer is the same.
#[test]
fn compare_does_not_call_encrypted_layers_the_same() {
    let folder = folder("encrypted");
    let wallet = support::image::Image::wallet();
    let mut encrypted = wallet.clone();
    let diff_ids: Vec<String> = wallet.layers.iter().map(|layer| support::image::digest(&layer.content)).collect();
    encrypted.config["rootfs"] = serde_json::json!({"type": "layers", "diff_ids": diff_ids});
    let mut plain = wallet;
    plain.config = encrypted.config.clone();
    encrypted.layers[1].media_type = "application/vnd.oci.image.layer.v1.tar+gzip+encrypted";
    encrypted.layers[1].blob = (0..5000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8 | 0x80).collect();
    for (name, image) in [("plain", &plain), ("encrypted", &encrypted)] {
        fs::create_dir(folder.join(name)).unwrap();
        write(&folder.join(name), Case::good("made", "").hand_over(&[], &image.layout()));
    }
    let program = |arguments: &[&str]| {
        let output = Command::new(PROGRAM).current_dir(&folder).args(arguments).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, text) = program(&["compare", "plain/image.tar", "encrypted/image.tar"]);
    assert!(text.contains("same          layer 1\n") && text.contains("not known     layer 2\n"), "{text}");
    assert!(text.contains("(according to their documents: layer 2 of B: it is encrypted"), "{text}");
    assert!(text.contains("Not compared: layer 2."), "{text}");
    assert_eq!(code, Some(1), "the manifests differ: {text}");
    // Layers with the same stored bytes are the same layer.
    let (code, text) = program(&["compare", "encrypted/image.tar", "encrypted/image.tar"]);
    assert!(code == Some(0) && text.contains("same          layer 2\n"), "{text}");
    assert!(text.contains("(as stored)") && text.contains("identical, byte for byte.\n"), "{text}");
    let (_, text) = program(&["image", "encrypted/image.tar"]);
    assert!(text.contains("(5000 bytes, encrypted), it is encrypted, so its diff_id cannot be computed"), "{text}");
}

#[test]
fn the_report_states_what_the_history_was_compared_with() {
    let folder = folder("history");
    let wallet = support::image::Image::wallet();
    let case = || Case::good("made", "").image(&wallet).hand_over(&[], &wallet.layout());
    let image = ["--image", "image.tar"];
    let (output, report) = run(&folder, &write(&folder, case()), &image);
    assert_eq!(output.status.code(), Some(0), "{report:#}");
    assert!(finding(&report, "image-history")["message"].as_str().unwrap().contains("of the proved Dockerfile"));
    let without_dockerfile = case().image_policy("[expect]\ndockerfile = \"docker/Dockerfile\"\n");
    let mut arguments = write(&folder, without_dockerfile);
    arguments.extend(["--policy", "policy.toml"].map(str::to_owned));
    let (_, report) = run(&folder, &arguments, &image);
    let history = finding(&report, "image-history");
    assert_eq!(history["status"], "pass");
    assert!(history["details"].to_string().contains("compared with the log only"), "{history}");
}

#[test]
fn the_audit_and_image_commands_select_among_several_images_in_the_same_way() {
    let folder = folder("several");
    let wallet = support::image::Image::wallet();
    let mut other = wallet.clone();
    other.config["created"] = "other".into();
    let named = |image: &support::image::Image, name: &str| {
        let mut descriptor = image.descriptor();
        descriptor["annotations"] = serde_json::json!({"org.opencontainers.image.ref.name": name});
        descriptor
    };
    let mut entries = support::image::layout_of(&[named(&other, "evil"), named(&wallet, "v1")]);
    let mut seen = std::collections::BTreeSet::new();
    let manifests = [&other, &wallet].map(|image| support::image::blob(image.manifest_bytes()));
    entries.extend(manifests.into_iter().chain(wallet.blobs()).chain(other.blobs()));
    entries.retain(|entry| seen.insert(entry.path.clone()));
    let case = || Case::good("made", "").image(&wallet).hand_over(&[], &entries);
    let arguments = write(&folder, case());
    let evil = format!("evil {}", other.digest());
    let image = |source: &str| Command::new(PROGRAM).current_dir(&folder).args(["image", source]).output().unwrap();

    // The signed digest selects the image; the command `image` has no log from which to select.
    let (output, report) = run(&folder, &arguments, &["--image", "image.tar"]);
    assert_eq!((output.status.code(), &finding(&report, "image-digest")["status"]), (Some(0), &"pass".into()));
    assert!(finding(&report, "image-digest")["details"].to_string().contains(&evil), "{report:#}");
    let refused = image("image.tar");
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(2), "{said}");
    for part in [evil.as_str(), &format!("v1 {}", wallet.digest()), "oci:PATH:REF", "sha256:DIGEST"] {
        assert!(said.contains(part), "{part}: {said}");
    }

    // With a name or digest, both commands select that image and list the other.
    for reference in ["v1", &wallet.digest()] {
        let source = format!("oci-archive:image.tar:{reference}");
        let (output, report) = run(&folder, &arguments, &["--image", &source]);
        assert_eq!(output.status.code(), Some(0), "{source}");
        assert!(finding(&report, "image-digest")["details"].to_string().contains(&evil), "{report:#}");
        let shown = image(&source);
        assert_eq!(shown.status.code(), Some(0), "{source}");
        assert!(String::from_utf8_lossy(&shown.stdout).contains(&evil), "{source}");
    }

    // Without a digest in the log, the answer is unknown, with a hint on how to select an image.
    let without = case()
        .log(|text| text.split_inclusive('\n').filter(|line| !line.contains(": digest: sha256:")).collect::<String>());
    let arguments = write(&folder, without);
    let (output, report) = run(&folder, &arguments, &["--image", "image.tar"]);
    let digest = finding(&report, "image-digest");
    assert_eq!((output.status.code(), &digest["status"]), (Some(1), &"unknown".into()), "{report:#}");
    assert!(digest["message"].as_str().unwrap().contains("records no digest"), "{digest}");
    assert!(digest["found"].as_str().unwrap().contains(&evil), "{digest}");
    assert!(digest["details"].to_string().contains("oci:PATH:REF"), "{digest}");
}

#[test]
fn one_image_cannot_be_used_for_many_bundles() {
    let folder = folder("many");
    let first = write(&folder, Case::good("one", ""));
    fs::create_dir(folder.join("two")).unwrap();
    write(&folder.join("two"), Case::good("two", ""));
    let mut arguments = first.clone();
    arguments[1] = ".".into();
    let (output, report) = run(&folder, &arguments, &["--image", "oci:anything"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(report["error"]["code"], "usage");
}

/// Two images as `docker save` writes them, each with one layer and one empty layer; `second` determines the content of the first layer.
const SAVED_BY_PYTHON: &str = r#"
import hashlib, io, json, sys, tarfile
def layer(second):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        def add(name, kind, data=b"", mode=0o644, **more):
            member = tarfile.TarInfo(name)
            member.type, member.size, member.mode = kind, len(data), mode
            for field, value in more.items():
                setattr(member, field, value)
            tar.addfile(member, io.BytesIO(data))
        add("./", tarfile.DIRTYPE, mode=0o700 if second else 0o755)
        add("/etc//motd", tarfile.REGTYPE, b"hello" if second else b"hullo")
        add("dev/null", tarfile.CHRTYPE, mode=0o666, devmajor=1, devminor=5 if second else 3)
        add("run/pipe", tarfile.FIFOTYPE, mode=0o600)
    # Without the end that a strict reader requires.
    return out.getvalue()[:4 * 512 + 512]
for name, second in (("one.tar", False), ("two.tar", True)):
    content = layer(second)
    empty = b""
    ids = ["sha256:" + hashlib.sha256(part).hexdigest() for part in (content, empty)]
    config = json.dumps({"os": "linux", "architecture": "s390x", "rootfs": {"type": "layers", "diff_ids": ids}}).encode()
    config_name = hashlib.sha256(config).hexdigest() + ".json"
    saved = json.dumps([{"Config": config_name, "RepoTags": None, "Layers": ["a/layer.tar", "b/layer.tar"]}]).encode()
    with tarfile.open(name, "w") as tar:
        for path, data in ((config_name, config), ("a/layer.tar", content), ("b/layer.tar", empty), ("manifest.json", saved)):
            member = tarfile.TarInfo(path)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
"#;

#[test]
fn layers_are_compared_as_engines_unpack_them() {
    let folder = folder("engines");
    must(Command::new("python3").current_dir(&folder).args(["-c", SAVED_BY_PYTHON]));
    let program = |arguments: &[&str]| {
        let output = Command::new(PROGRAM).current_dir(&folder).args(arguments).output().unwrap();
        let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
        (output.status.code(), text.concat())
    };
    for name in ["one.tar", "two.tar"] {
        let (code, text) = program(&["image", name]);
        assert_eq!(code, Some(0), "{text}");
    }
    let (code, text) = program(&["compare", "one.tar", "two.tar"]);
    assert_eq!(code, Some(1), "{text}");
    for line in
        ["/ (the layer's root): mode 755 in A, 700 in B", "etc/motd: content differs", "dev/null: content differs"]
    {
        assert!(text.contains(line), "{line}: {text}");
    }
    assert!(!text.contains("run/pipe") && !text.contains("one side only"), "{text}");
    // An unpacked archive is reported as unpacked.
    must(Command::new("mkdir").current_dir(&folder).arg("unpacked"));
    must(Command::new("tar").current_dir(&folder).args(["-xf", "one.tar", "-C", "unpacked"]));
    let (code, text) = program(&["compare", "unpacked", "two.tar"]);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("an unpacked docker-archive") && text.contains("tar -cf image.tar"), "{text}");
    // The tools compress the whole archive. A bare path to a bzip2 file is treated as a bundle.
    for (tool, suffix) in [("gzip", "gz"), ("zstd", "zst"), ("bzip2", "bz2"), ("xz", "xz")] {
        must(Command::new(tool).current_dir(&folder).args(["-k", "-q", "one.tar"]));
        let (code, text) = program(&["compare", "one.tar", &format!("docker-archive:one.tar.{suffix}")]);
        match tool {
            "xz" => assert!(code == Some(1) && text.contains("xz compression is not supported"), "{text}"),
            _ => assert!(code == Some(0) && text.contains("same configuration and content"), "{tool}: {text}"),
        }
    }
    let (code, text) = program(&["image", "one.tar.xz"]);
    assert!(code == Some(1) && text.contains("NOT SUPPORTED") && !text.contains("CONTRADICTION"), "{text}");
}

/// Pairs of images, each with one layer. An entry is NAME, or NAME=CONTENT, NAME->LINK, NAME=>HARD LINK, or NAME/ for a directory, perhaps with
/// `@MODE`.
const PAIRS: &str = r#"
import hashlib, io, json, re, sys, tarfile
def layer(entries, time, tail):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for text in entries:
            text, _, mode = text.partition("@")
            name, sign, rest = re.fullmatch("(.*?)(->|=>|=|$)(.*)", text).groups()
            member = tarfile.TarInfo(name)
            member.mode, member.mtime, member.uid = int(mode or "644", 8), time, time
            if name.endswith("/"): member.type = tarfile.DIRTYPE
            elif sign == "->": member.type, member.linkname = tarfile.SYMTYPE, rest
            elif sign == "=>": member.type, member.linkname = tarfile.LNKTYPE, rest
            else: member.size = len(rest)
            tar.addfile(member, io.BytesIO(rest.encode()))
    return out.getvalue() + tail.encode()
for name, entries, time, tail in json.loads(sys.argv[1]):
    content = layer(entries.split(), time, tail)
    ids = ["sha256:" + hashlib.sha256(content).hexdigest()]
    config = json.dumps({"os": "linux", "architecture": "s390x", "rootfs": {"type": "layers", "diff_ids": ids}}).encode()
    saved = json.dumps([{"Config": "c.json", "RepoTags": None, "Layers": ["layer.tar"]}]).encode()
    with tarfile.open(name, "w") as tar:
        for path, data in (("c.json", config), ("layer.tar", content), ("manifest.json", saved)):
            member = tarfile.TarInfo(path)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
"#;

const SAME_FILES: &str = "the same files; only times, owners, attributes, or the archive's order or format differ";
const LAST_ENTRIES: &str = "no difference was found in the last entry of each path";

/// GNU tar and container engines unpack different files from the two layers of most of these pairs.
#[test]
fn compare_says_the_same_files_only_if_every_entry_was_compared() {
    let folder = folder("pairs");
    let depends = "what is unpacked at PATH, which depends on the order of the entries or on lower layers";
    let at = |path: &str| depends.replace("PATH", path);
    let plain = |entries: &'static str| (entries, "");
    // The entries and the bytes after the end of the two layers, and the expected lines: differences, and what was not compared.
    let pairs = [
        // Usual layers: other times and another order.
        (
            plain("bin/ bin/a=1 bin/b=>bin/a l->bin .wh.old"),
            plain("l->bin .wh.old bin/ bin/a=1 bin/b=>bin/a"),
            SAME_FILES,
            String::new(),
        ),
        (plain("bin/ bin/a=1 bin/@755 bin/a=1"), plain("bin/@755 bin/a=1"), SAME_FILES, String::new()),
        // Every entry is the same, in the same order.
        (plain("a=1 b=>a a=2 d->x d/f=1"), plain("a=1 b=>a a=2 d->x d/f=1"), SAME_FILES, String::new()),
        (("a=1", "tail"), ("a=1", "tail"), SAME_FILES, String::new()),
        (plain("a=1"), ("a=1", "\0\0\0\0"), SAME_FILES, String::new()),
        // The content of a hard link is that of its target at that moment.
        (
            plain("a=good b=>a a=same"),
            plain("a=evil b=>a a=same"),
            "b: content differs",
            "in A and B: the earlier entries of a".into(),
        ),
        (plain("a=1 b=>a"), plain("b=>a a=1"), "b: content differs", format!("in B: {}", at("b"))),
        (
            plain("a=1 b=>a c=>b"),
            plain("a=2 b=>a c=>b"),
            "a: content differs\n  b: content differs\n  c: content differs",
            String::new(),
        ),
        (
            plain("a=1 a=3 b=1 b=3"),
            plain("a=2 a=3 b=3"),
            LAST_ENTRIES,
            "in A: the earlier entries of a and 1 more path\n  not compared in B: the earlier entries of a".into(),
        ),
        // A link is passed through, and perhaps replaced.
        (
            plain("d->x d/f=1 d->z"),
            plain("d->y d/f=1 d->z"),
            LAST_ENTRIES,
            format!("in A and B: the earlier entries of d; {}", at("d")),
        ),
        (plain("d->x d/f=1"), plain("d/f=1 d->x"), LAST_ENTRIES, format!("in A and B: {}", at("d"))),
        (plain("d->x d-e=1 h=>d/f"), plain("h=>d/f d-e=1 d->x"), LAST_ENTRIES, format!("in A and B: {}", at("h"))),
        // Engines apply a whiteout when they come to it, and set the mode of a hard link on its target.
        (plain("e/.wh.x e/x/f=1"), plain("e/x/f=1 e/.wh.x"), LAST_ENTRIES, format!("in A and B: {}", at("e/x"))),
        (
            plain("a=1@755 b=>a c=>a@600"),
            plain("a=1@755 c=>a@600 b=>a"),
            LAST_ENTRIES,
            format!(
                "in A and B: {} and 1 more path{}",
                "what is unpacked at b", ", which depends on the order of the entries or on lower layers"
            ),
        ),
        (("a=1", "hidden payload"), plain("a=1"), LAST_ENTRIES, "in A: 8206 bytes after the end of the archive".into()),
    ];
    let mut images = Vec::new();
    for (number, (one, two, ..)) in pairs.iter().enumerate() {
        images.push(serde_json::json!([format!("{number}-a.tar"), one.0, 1, one.1]));
        images.push(serde_json::json!([format!("{number}-b.tar"), two.0, 2, two.1]));
    }
    let images = serde_json::Value::from(images).to_string();
    must(Command::new("python3").current_dir(&folder).args(["-c", PAIRS, &images]));
    for (number, (one, two, lines, not_compared)) in pairs.iter().enumerate() {
        let compare = |format: &str| {
            let (one, other) = (format!("{number}-a.tar"), format!("{number}-b.tar"));
            let line = ["compare", &one, &other, "--format", format];
            let output = Command::new(PROGRAM).current_dir(&folder).args(line).output().unwrap();
            (output.status.code(), String::from_utf8(output.stdout).unwrap())
        };
        let (code, text) = compare("text");
        let not_compared = match not_compared.as_str() {
            "" => String::new(),
            parts => format!("  not compared {parts}\n"),
        };
        let expected = format!("\nlayer 1\n  {lines}\n{not_compared}\nThe contents of the two images differ.");
        assert!(code == Some(1) && text.contains(&expected), "{one:?} {two:?}: {expected}\n{text}");
        let report: serde_json::Value = serde_json::from_str(&compare("json").1).unwrap();
        let files = &report["files"][0];
        let shown = |part: &serde_json::Value, before: &str| -> String {
            part.as_array().unwrap().iter().map(|line| format!("  {before}{}\n", line.as_str().unwrap())).collect()
        };
        let found = [shown(&files["files"], ""), shown(&files["not_compared"], "not compared ")].concat();
        assert_eq!(found, format!("  {lines}\n{not_compared}"), "{files}");
    }
}

/// For a `docker save` archive with several platforms, an engine loads the image in manifest.json,
/// so that image is read without a platform option.
#[test]
fn manifest_json_selects_the_image_of_a_saved_index() {
    let saved = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/image-saved-platforms/image.tar");
    let text = must(Command::new(PROGRAM).arg("image").arg(format!("docker-archive:{}", saved.display())));
    assert!(text.contains("linux/s390x") && !text.contains("CONTRADICTION"), "{text}");
}
