//! Tests `admit` with Kubernetes resources. Inputs that could run a different image are denied, even if they also contain the image of an accepted
//! build. Inputs like those of real users are admitted.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod program;

use std::fs;
use std::path::Path;

use hpsb_audit::{KindsWithoutImages, Limits, Workload};
use program::{BUNDLE, Folder, NOW, answer, command, fixture};

/// The image in the fixtures' signed log.
const GOOD: &str = "docker.io/acme/wallet@sha256:d8c1a1f9b0e7c6d5a4f3e2d1c0b9a8f7e6d5c4b3a2f1e0d9c8b7a6f5e4d3c2b1";
const POLICY: &str =
    "version = 1\nrequire = [\"manifest\", \"source\"]\n[[keys]]\nname = \"build server A\"\nfile = \"key.pem\"\n";

fn place(policy: &str) -> Folder {
    let folder = Folder::new();
    let from = fixture("good-policy");
    folder.write(&format!("evidence/{BUNDLE}"), fs::read(from.join(BUNDLE)).unwrap());
    folder.write("key.pem", fs::read(from.join("key.pem")).unwrap());
    folder.write("policy.toml", format!("{POLICY}{policy}"));
    folder
}

/// The exit code and report of an admission of `workload`, in which GOOD is replaced with the good image.
fn admit(policy: &str, workload: &str) -> (i32, String) {
    let folder = place(policy);
    folder.write("w.yaml", workload.replace("GOOD", GOOD));
    let mut command = command(folder.path());
    command.args(["admit", "w.yaml", "--evidence", "evidence", "--policy", "policy.toml", "--now", NOW]);
    let answer = answer(command.args(["--format", "json"]));
    (answer.code, format!("{}{}", answer.out, answer.err))
}

const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: \"GOOD\"}]}\n";

/// A contract whose `play` has this resource.
fn play(resource: &str) -> String {
    let lines: String = resource.lines().map(|line| format!("        {line}\n")).collect();
    let lines = lines.replacen("        ", "      - ", 1);
    format!("env: |\n  type: env\nworkload: |\n  type: workload\n  play:\n    resources:\n{lines}")
}

fn operator(contract: &str, imports: &str) -> String {
    let lines: String = contract.lines().map(|line| format!("    {line}\n")).collect();
    format!(
        "apiVersion: hpse.ibm.com/v1\nkind: HyperProtectContainerRuntimeOnPrem\nmetadata: {{name: h}}\nspec:\n  imageURL: http://images/hpcr.qcow2\n  storagePool: images\n  targetSelector: {{matchLabels: {{app: x}}}}\n{imports}  contract: |\n{lines}"
    )
}

#[test]
fn anything_that_could_run_a_different_image_is_denied_with_a_reason() {
    let beside = |more: &str| format!("{POD}---\n{more}");
    let pod = |spec: &str| POD.replace("spec: {", &format!("spec: {{{spec}, "));
    let annotated = |line: &str| POD.replace("{name: p}", &format!("{{name: p, annotations: {{{line}}}}}"));
    for (workload, says) in [
        (
            play(&annotated("io.podman.annotations.kube.image.volumes.mount/c: docker.io/evil/x:latest")),
            "docker.io/evil/x:latest",
        ),
        (play(&pod("\"container\u{17f}\": [{name: d, Image: evil}]")), "differs from `containers` only in case"),
        (play(&POD.replace("image:", "Image: evil, image:")), "differs from `image` only in case"),
        (play(&POD.replace("kind: Pod", "Kind: Pod\nkind: ConfigMap")), "only in case"),
        (pod("initContainers: [{name: i, image: {reference: \"GOOD\", repository: evil}}]"), "expected a string"),
        (pod("initContainers: [{name: i, image: {uri: evil}}]"), "expected a string"),
        (pod("initContainers: [{name: i, image: {}}]"), "expected a string"),
        (pod("volumes: [{name: v, image: {}}]"), "no reference"),
        (annotated("own/image: ghcr.io/evil/x"), "is not recognised"),
        (annotated("sidecar.istio.io/proxyImage: ghcr.io/evil/x"), "ghcr.io/evil/x"),
        (annotated("io.katacontainers.config.hypervisor.image: /x"), "Kata Containers reads"),
        (
            beside("apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: w}\n"),
            "kinds-without-images = [\\\"example.com/Widget\\\"]",
        ),
        (
            beside("apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: w}\n"),
            "pass the rendered resources",
        ),
        (
            beside(&operator(
                &play(
                    "apiVersion: v1\nkind: Pod\nmetadata: {name: b}\nspec: {containers: [{name: b, image: busybox}]}\n",
                ),
                "",
            )),
            "a contract must be the only workload",
        ),
        (
            operator(
                &play(
                    "apiVersion: v1\nkind: Pod\nmetadata: {name: b}\nspec: {containers: [{name: b, image: busybox}]}\n",
                ),
                "",
            ),
            "busybox",
        ),
        (operator("workload: hyper-protect-basic.a.b\n", ""), "the third part of the encrypted text"),
        (operator(&play(POD), "  image: evil\n"), "does not have the key `image`"),
    ] {
        let (code, report) = admit("", &workload);
        assert!(code == 1 && report.contains(says), "{workload}\n{says}: {code} {report}");
    }
}

#[test]
fn common_resources_are_admitted() {
    let beside = |more: &str| format!("{POD}---\n{more}");
    for workload in [
        POD.to_owned(),
        play(POD),
        operator(&play(POD), ""),
        beside(
            "apiVersion: monitoring.coreos.com/v1\nkind: ServiceMonitor\nmetadata: {name: w}\nspec: {selector: {}, endpoints: [{port: http}]}\n",
        ),
        beside(
            "apiVersion: cert-manager.io/v1\nkind: Certificate\nmetadata: {name: w}\nspec: {secretName: s, dnsNames: [a.example]}\n",
        ),
        beside(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: w, labels: {Image: x}}\ndata: {image: evil, Kind: Pod}\n",
        ),
        POD.replace(
            "{name: p}",
            "{name: p, annotations: {prometheus.io/scrape: \"true\", note/image: seen}, labels: {Containers: x}}",
        ),
    ] {
        let (code, report) = admit("", &workload);
        assert_eq!(code, 0, "{workload}\n{report}");
    }
}

#[test]
fn the_policy_determines_which_unrecognised_kinds_are_admitted() {
    let list = |kind: &str| format!("[workload]\nkinds-without-images = [\"{kind}\"]\n");
    let widget = |spec: &str| {
        format!("{POD}---\napiVersion: example.com/v1\nkind: Widget\nmetadata: {{name: w}}\nspec: {spec}\n")
    };
    assert_eq!(admit(&list("example.com/Widget"), &widget("{size: 3}")).0, 0);
    let (code, report) = admit(&list("example.com/Widget"), &widget("{image: evil}"));
    assert!(code == 1 && report.contains("lists the kind in kinds-without-images"), "{report}");
    assert_eq!(admit(&list("other.example/Widget"), &widget("{}")).0, 1);
    let (code, report) = admit(&list("argoproj.io/Application"), POD);
    assert!(code == 2 && report.contains("contain or fetch images"), "{report}");
    // The same rule applies in a contract's `play`.
    let nested = format!("{}      - {{apiVersion: example.com/v1, kind: Widget}}\n", play(POD));
    assert_eq!((admit("", &nested).0, admit(&list("example.com/Widget"), &nested).0), (1, 0));
}

/// A contract in an operator's resource is checked by the same rules as one in a separate file.
#[test]
fn a_contract_in_a_resource_is_checked() {
    let folder = Folder::new();
    folder.write("x", "");
    let workload = operator(&play(POD), "");
    let (code, report) = admit("[levels]\n\"attestation-record\" = \"require\"\n", &workload);
    assert!(code == 1 && report.contains("the machine boots http://images/hpcr.qcow2"), "{report}");
    let (code, report) = admit("[levels]\n\"contract-signature\" = \"require\"\n", &workload);
    assert!(code == 1 && report.contains("contract-signature"), "{report}");
    // Even without such a policy, the machine is listed.
    assert!(admit("", &workload).1.contains("only an attestation record can show what that is"));
}

#[test]
fn manifests_of_this_repository_are_read() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy");
    for file in [
        "serve/service.yaml",
        "serve/webhook.yaml",
        "scale/jobs.yaml",
        "kyverno/require-summary.yaml",
        "policy-controller/require-summary.yaml",
        "conforma/policy.yaml",
    ] {
        let bytes = fs::read(root.join(file)).unwrap();
        let read = Workload::read(file, &bytes, &[], &KindsWithoutImages::default(), &Limits::default()).unwrap();
        assert!(read.images.iter().all(|used| used.image.is_ok()), "{file}: {:?}", read.images);
    }
}
