use super::*;

fn read(text: &str) -> BuildLog {
    BuildLog::from_bytes(text.as_bytes(), &Limits::default()).unwrap()
}

fn entry(message: &str) -> String {
    format!("2026-03-02 10:15:30,123  root       INFO    {message}\n")
}

const DIGEST: &str = "sha256:ffbaf396807659d5a4d66fe54c0ebf382a9f170c4eaf187b9b4c8582ca8fdec2";

#[test]
fn lines_seen_in_public_logs_are_parsed() {
    let log = read(
        "2020-06-23 08:39:40,000  root       INFO    run: Successfully built 0123456789ab\n\
         2020-06-23 08:39:46,463  root       INFO    run: latest: digest: sha256:ffbaf396807659d5a4d66fe54c0ebf382a9f170c4eaf187b9b4c8582ca8fdec2 size: 5133\n\
         2020-06-23 08:39:48,299  root       INFO    run: Successfully signed docker.io/gmoney23/hpvs_bc:latest\n\
         2020-06-23 08:39:48,301  root       INFO    keyid=0cc264a5\n\
         2020-06-23 08:39:49,214  root       WARNING undefined MANIFEST_BUCKET_NAME\n",
    );
    assert_eq!(log.pushed().collect::<Vec<_>>(), [("latest", Sha256::from_prefixed(DIGEST).unwrap(), Some(5133))]);
    assert_eq!(log.events().last(), Some(&LogEvent::KeyId("0cc264a5".into())));
    assert_eq!(
        log.entries().last().map(|e| (e.line, e.level.as_str(), e.message.as_str())),
        Some((5, "WARNING", "undefined MANIFEST_BUCKET_NAME"))
    );
    assert_eq!(log.last_time(), Timestamp::from_log_time("2020-06-23 08:39:49,214"));
}

#[test]
fn storing_a_log_collapses_consecutive_output_lines() {
    let [step, output, other] = ["Step 1/2 : FROM a", "Removing intermediate container 1", " ---> Running in 2"];
    let digest = format!("Digest: {DIGEST}");
    let lines = [step, output, output, other, &digest, output, &format!("v1: digest: {DIGEST} size: 1"), other, other];
    let push = format!("v2: digest: {DIGEST} size: 2");
    let log =
        read(&lines.iter().chain([&push.as_str()]).map(|line| entry(&format!("run: {line}"))).collect::<String>());
    let mut shelved = log.clone();
    shelved.shelve();
    let mut events: Vec<&LogEvent> = log.events().collect();
    events.dedup();
    assert_eq!(shelved.events().collect::<Vec<_>>(), events);
    assert_eq!((log.events().count(), events.len()), (10, 7));
    assert!(shelved.push_events().eq(log.push_events()) && shelved.push_events().count() == 1);
    assert_eq!(shelved.ignored_pushes(), log.ignored_pushes());
}

#[test]
fn push_lines_printed_during_the_build_do_not_count() {
    let fake = entry(&format!("run: latest: digest: {DIGEST} size: 1"));
    let built = entry("run: Successfully built 0123456789ab");
    let real = entry(&format!("run: v1: digest: {} size: 2", DIGEST.replace("ff", "00")));
    let log = read(&[fake.as_str(), &built, &real].concat());
    assert_eq!(log.pushed().map(|(tag, ..)| tag).collect::<Vec<_>>(), ["v1"]);
    assert_eq!(log.ignored_pushes(), 1);
    assert_eq!(read(&[fake.clone(), built].concat()).pushed().count(), 0);
    // Without a line of a known builder, the push cannot be distinguished from the build.
    assert_eq!((read(&fake).pushed().count(), read(&fake).shows_a_build()), (0, false));
}

#[test]
fn command_output_cannot_imitate_the_servers_own_lines() {
    for line in ["run: keyid=00", "run: \nkeyid=00", "run: x\nstarting a build"] {
        assert_eq!(read(&entry(line)).events().next(), None, "{line}");
    }
    assert_eq!(read("keyid=00\n").events().next(), None);
}

fn events(lines: &[&str]) -> Vec<LogEvent> {
    let text: String = lines.iter().map(|line| entry(&format!("run: {line}"))).collect();
    read(&text).events().cloned().collect()
}

fn step(builder: Builder, instruction: &str) -> LogEvent {
    LogEvent::Step { builder, number: 1, total: 2, instruction: instruction.into() }
}

#[test]
fn the_line_forms_of_every_builder_are_recognised() {
    let (id, name) = ("c0b9a8f7e6d5".repeat(6).split_off(8), format!("docker.io/library/node:19@{DIGEST}"));
    let own = |builder| LogEvent::BuilderOutput(Some(builder));
    let built = |builder, id: &str| LogEvent::BuiltImage { builder, id: id.into() };
    let instruction =
        |stage: &str, instruction: &str| LogEvent::Instruction { stage: stage.into(), instruction: instruction.into() };
    let plain = |instruction: &str| LogEvent::PlainStep { number: 1, instruction: instruction.into() };
    let pushed = |digest: Option<&str>| LogEvent::PushedManifest {
        step: 9,
        name: "h.example:5000/a/b:c".into(),
        digest: digest.and_then(Sha256::from_prefixed),
    };
    let resolved = |stage: &str| LogEvent::ResolvedBase { stage: stage.into(), name: name.clone() };
    let stage_step = LogEvent::StageStep { stage: (1, 2), step: (1, 3), instruction: "FROM nginx:1 AS a".into() };
    for (line, event) in [
        ("Step 1/2 : FROM nginx:1", step(Builder::Classic, "FROM nginx:1")),
        ("Step 1/2 : run echo a : b", step(Builder::Classic, "run echo a : b")),
        ("Successfully built 0123456789ab", built(Builder::Classic, "0123456789ab")),
        ("STEP 1/2: FROM nginx:1", step(Builder::Podman, "FROM nginx:1")),
        ("[1/2] STEP 1/3: FROM nginx:1 AS a", stage_step),
        ("STEP 1: FROM nginx:1", plain("FROM nginx:1")),
        ("STEP 1: COMMIT", plain("COMMIT")),
        ("STEP 1: COMMIT a:1", plain("COMMIT a:1")),
        (&format!("#5 [1/7] FROM {name} 0.1s"), resolved("")),
        (&format!("#5 [linux/s390x build 1/7] FROM {name}"), resolved("build")),
        (&format!("#5 [linux/s390x 1/7] FROM {name}"), resolved("")),
        ("#9 [build 4/4] RUN make", instruction("build", "RUN make")),
        ("#7 FROM a:1@sha256:0", instruction("", "FROM a:1@sha256:0")),
        ("# Executing 1 build trigger", LogEvent::BuildTriggers),
        ("# Executing 2 build triggers...", LogEvent::BuildTriggers),
        ("#1 [internal] load build definition from Dockerfile", own(Builder::BuildKit)),
        (&format!("#9 writing image sha256:{id} done"), built(Builder::BuildKit, &id)),
        ("#9 naming to a/b:c done", LogEvent::Tagged("a/b:c".into())),
        ("#9 DONE 0.1s", LogEvent::BuilderOutput(None)),
        ("#9 ERROR: failed to push", LogEvent::Failed(9)),
        ("#9 CANCELED", LogEvent::Failed(9)),
        ("#9 pushing layers", own(Builder::BuildKit)),
        ("#9 pushing layers 12.3s done", own(Builder::BuildKit)),
        ("#9 pushing any remaining layers done", own(Builder::BuildKit)),
        ("#9 pushing layer 0123456789ab 1.05MB / 3.62MB 0.2s", own(Builder::BuildKit)),
        (&format!("#9 pushing manifest for h.example:5000/a/b:c@{DIGEST}"), own(Builder::BuildKit)),
        (&format!("#9 pushing manifest for h.example:5000/a/b:c@{DIGEST} 5.1s"), own(Builder::BuildKit)),
        (&format!("#9 pushing manifest for h.example:5000/a/b:c@{DIGEST} 1.2s done"), pushed(Some(DIGEST))),
        (&format!("#9 pushing manifest for h.example:5000/a/b:c@{DIGEST} done"), pushed(Some(DIGEST))),
        ("#9 pushing manifest for h.example:5000/a/b:c 0.3s done", pushed(None)),
        ("#9 pushing h.example:5000/a/b:c with docker", pushed(None)),
    ] {
        assert_eq!(events(&[line]), [event], "{line}");
    }
}

#[test]
fn lines_that_only_resemble_builder_lines_are_not_builder_lines() {
    for line in [
        "Step 1/5: compile",
        "Step 1/2: FROM nginx:1",
        "Step 1/2  : FROM nginx:1",
        "Step 1/2 : compile",
        "Step 01/2 : FROM nginx:1",
        "Step +1/2 : FROM nginx:1",
        "Step 1 : FROM nginx:1",
        "  Step 1/2 : FROM nginx:1",
        "step 1/2 : FROM nginx:1",
        "STEP 1/2 : FROM nginx:1",
        "STEP 1: compile",
        "[1/2] STEP 1/3: compile",
        "[1] STEP 1/3: FROM nginx:1",
        "#0 [internal function]: f()",
        "#3 /srv/a.php(12): f()",
        "#9 0.351 [1/7] FROM nginx:1",
        "#9 0.351 pushing manifest for a/b:c done",
        "pushing manifest for a/b:c done",
        "#9 pushing manifest for ",
        "#9 pushing manifest for a/b:c is done",
        "#9 pushing manifest for a/b:c 1.2s done done",
        "#9 pushing manifest for a/b:c 1s done",
        "#9 pushing layersx",
        "#9 pushing commits",
        "#9 pushing a b with docker",
        "STEP 1: COMMITx",
        "#9 0.351 writing image sha256:00",
        "#x [1/7] FROM nginx:1",
        "#9 [1/7 FROM nginx:1",
        "Successfully built wheel",
        "Successfully built 0123456789AB",
    ] {
        assert_eq!(events(&[line]), [], "{line}");
    }
}

#[test]
fn lines_of_two_builders_invalidate_both() {
    let built = "Successfully built 0123456789ab";
    let classic = ["Step 1/2 : FROM nginx:1", built];
    let of = |lines: &[&str]| read(&lines.iter().map(|line| entry(&format!("run: {line}"))).collect::<String>());
    assert_eq!(of(&classic).builder(), Ok(Some(Builder::Classic)));
    assert_eq!(of(&classic).image_id(), Some("0123456789ab"));
    assert_eq!(of(&["#3 DONE 0.1s", " ---> 0123456789ab"]).builder(), Ok(None));
    for other in ["STEP 1/2: FROM x", "[1/2] STEP 1/2: FROM x", "#5 [1/2] FROM x", "#1 [internal] load .dockerignore"] {
        for lines in [[classic[0], other, built], [other, classic[0], built]] {
            let log = of(&lines);
            assert!(log.builder().is_err(), "{other}");
            assert_eq!((log.image_id(), log.input_events().count()), (None, 0), "{other}");
        }
    }
}

#[test]
fn buildkit_pushes_as_a_step_of_the_build() {
    let of = |lines: &[&str]| read(&lines.iter().map(|line| entry(&format!("run: {line}"))).collect::<String>());
    let names = |log: &BuildLog| log.push_events().filter_map(LogEvent::pushed_name).count();
    let line = format!("#9 pushing manifest for docker.io/a/b:c@{DIGEST} 1.2s done");
    let (from, done) = ("#5 [1/1] FROM docker.io/library/a:1", "#9 DONE 2.0s");
    let log = of(&[from, "#9 exporting to image", "#9 pushing layers", &line, "#10 [auth] a/b:pull,push token", done]);
    assert_eq!(log.pushed().collect::<Vec<_>>(), [("c", Sha256::from_prefixed(DIGEST).unwrap(), None)]);
    assert_eq!((names(&log), log.ignored_pushes()), (1, 0));
    // Old versions print the target but no digest.
    let log = of(&[from, "#9 pushing manifest for docker.io/a/b:c 1.2s done", done]);
    assert_eq!((log.pushed().count(), names(&log)), (0, 1));
    // A push by digest has no tag.
    let log = of(&[from, &line.replace("b:c", "b"), done]);
    assert_eq!((log.pushed().count(), names(&log)), (0, 1));
    // A push by docker may follow.
    let log = of(&[from, &line, done, &format!("c: digest: {DIGEST} size: 3")]);
    assert_eq!(log.pushed().map(|(.., size)| size).collect::<Vec<_>>(), [None, Some(3)]);
    // A failed step pushed nothing, but a later step with the same number may have pushed an image.
    assert_eq!(names(&of(&[from, &line, "#9 ERROR: failed to push a/b:c: denied"])), 0);
    assert_eq!(names(&of(&[from, &line, "#9 CANCELED"])), 0);
    assert_eq!(names(&of(&[from, &line, "#9 ERROR: denied", from, &line, done])), 1);
    let failed = |lines: &[&str]| of(lines).failed_pushes().into_iter().collect::<Vec<_>>();
    assert_eq!(failed(&[from, &line, "#9 ERROR: failed to push a/b:c: denied"]), [9]);
    assert_eq!(of(&[from, &line, "#9 CANCELED"]).ignored_pushes(), 1);
    assert!(failed(&["Step 1/1 : FROM a", &line, "#9 ERROR: denied", "Successfully built 0123456789ab"]).is_empty());
    assert!(failed(&[from, &line, "#9 ERROR: denied", from, &line, done]).is_empty());
    // In a build by a different builder, BuildKit's push lines come from a program.
    for others in [["Step 1/1 : FROM a", "Successfully built 0123456789ab"], ["STEP 1: FROM a", "STEP 2: COMMIT"]] {
        let log = of(&[others[0], &line, others[1]]);
        assert!(log.builder().is_err());
        assert_eq!((names(&log), log.pushed().count(), log.ignored_pushes()), (0, 0, 1));
    }
    assert_eq!(names(&of(&[&line.replace("#9", "#9 0.351")])), 0);
}

#[test]
fn a_pull_counts_only_directly_after_its_from() {
    let digest = format!("Digest: {DIGEST}");
    let kept = |lines: &[&str]| {
        let text: String = lines.iter().map(|line| entry(&format!("run: {line}"))).collect();
        read(&text).input_events().filter(|event| matches!(event, LogEvent::PulledDigest(_))).count()
    };
    assert_eq!(kept(&["Step 1/2 : FROM a", "12: Pulling from library/a", &digest, " ---> 0123456789ab"]), 1);
    assert_eq!(kept(&["Step 1/2 : FROM a", " ---> 0123456789ab", &digest]), 0);
    assert_eq!(kept(&["Step 1/2 : RUN a", &digest]), 0);
    assert_eq!(kept(&["STEP 1/2: FROM a", &digest]), 0);
    assert_eq!(kept(&[&digest]), 0);
}

#[test]
fn any_bytes_within_the_limits_are_accepted_as_a_log() {
    let log = BuildLog::from_bytes(b"\xff\xfe\x00\n\r\n\n", &Limits::default()).unwrap();
    assert_eq!(log.entries().len(), 1);
    let small = Limits { build_log_line_bytes: 10, ..Limits::default() };
    assert!(matches!(
        BuildLog::from_bytes(b"12345678901", &small),
        Err(Error::OverLimit { limit: "build_log_line_bytes", .. })
    ));
}
