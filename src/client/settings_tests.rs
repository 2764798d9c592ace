use super::*;

fn read(name: &str, text: &str) -> Result<Settings, Error> {
    let folder = std::env::temp_dir().join(format!("hpsb-audit-settings-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("sbs-config.json");
    std::fs::write(&path, text).unwrap();
    let settings = Settings::read(&path, Path::new("work"), &Limits::default());
    std::fs::remove_dir_all(&folder).unwrap();
    settings.map(|settings| {
        let shorten = |paths: Vec<PathBuf>| {
            paths
                .into_iter()
                .map(|p| p.strip_prefix(&folder).map_or(p.clone(), |rest| Path::new("own").join(rest)))
                .collect()
        };
        let Settings { ca, certificate, key, .. } = settings.clone();
        Settings { ca: shorten(ca), certificate: shorten(certificate), key: shorten(key), ..settings }
    })
}

fn paths(texts: &[&str]) -> Vec<PathBuf> {
    texts.iter().map(PathBuf::from).collect()
}

#[test]
fn defaults_match_those_of_ibms_client() {
    let settings = read(
        "defaults",
        r#"{"hostname": "sbs.example.com", "UUID": "1-2", "SECRET": "hunter2", "GITHUB_URL": "git@github.com:a/b.git"}"#,
    )
    .unwrap();
    assert_eq!((settings.host.as_str(), settings.port), ("sbs.example.com", 443));
    assert_eq!(settings.certificate, paths(&["work/.container-1-2", "own/.container-1-2"]));
    assert_eq!(settings.ca, paths(&["work/.container-1-2.d/client-ca.pem", "own/.container-1-2.d/client-ca.pem"]));
}

#[test]
fn files_named_in_the_settings_take_precedence_over_defaults() {
    let settings = read(
        "named",
        r#"{"HostName": "sbs.example.com", "Cicd_Port": 8443, "CLIENT_CRT_KEY": "me.pem", "CAPATH": "ca.pem",
            "CERTPATH": "certs/server.pem", "DOCKER_PUSH_SERVER": "docker.io", "DOCKER_REPO": "acme/wallet",
            "COS_ENDPOINT": "https://a", "MANIFEST_COS_ENDPOINT": "https://b", "CONTAINER_NAME": ""}"#,
    )
    .unwrap();
    assert_eq!(settings.port, 8443);
    assert_eq!(settings.certificate, paths(&["work/me.pem", "own/me.pem"]));
    assert_eq!(
        settings.ca,
        paths(&[
            "work/ca.pem",
            "own/ca.pem",
            "work/certs/client-ca.pem",
            "own/certs/client-ca.pem",
            "work/me.pem.d/client-ca.pem",
            "own/me.pem.d/client-ca.pem"
        ])
    );
    assert_eq!(settings.bucket_endpoint.as_deref(), Some("https://b"));
    assert_eq!(settings.push_server.as_deref(), Some("docker.io"));
}

#[test]
fn absolute_paths_are_looked_up_where_ibms_client_looks() {
    let settings = read("absolute", r#"{"HOSTNAME": "h", "CLIENT_CRT_KEY": "/keys/me.pem"}"#).unwrap();
    assert_eq!(settings.certificate, paths(&["work/keys/me.pem", "own/keys/me.pem", "/keys/me.pem"]));
}

#[test]
fn on_premises_settings_are_read() {
    let settings = read(
        "yaml",
        "secure_build_workers:\n    sbs:\n        url: 'https://192.168.22.79'\n        port: '21443'\n        cert_path: '/k/c.pem'\n        \
         key_path: 'k/key.pem'\n        ca_cert_path: k/ca.pem\n    docker:\n        push_server: 'docker.io'\n        repo: 'acme/wallet'\n        \
         image_tag_prefix: 'latest'\n    signing_key:\n        private_key_path: 'x'\n",
    )
    .unwrap();
    assert_eq!((settings.host.as_str(), settings.port), ("192.168.22.79", 21443));
    assert_eq!(settings.key, paths(&["work/k/key.pem", "own/k/key.pem"]));
    assert_eq!(settings.repository.as_deref(), Some("acme/wallet"));
}

/// Modelled on the samples in IBM's repositories from 2021 to 2025: none has UUID or CLIENT_CRT_KEY, and no YAML file
/// has a CA.
#[test]
fn flags_supply_files_that_the_samples_omit() {
    for (name, text, host) in [
        (
            "2021",
            r#"{"CICD_PUBLIC_IP": "192.0.2.7", "CICD_PORT": "443", "CONTAINER_NAME": "SBContainer"}"#,
            "192.0.2.7",
        ),
        ("2025", r#"{"HOSTNAME": "sbs.example.com", "CICD_PORT": "443", "ARG": {"A": "b"}}"#, "sbs.example.com"),
        (
            "left",
            "secure_build_workers:\nsbs:\n    url: 'https://192.0.2.7'\n    port: '21443'\nregfile:\n    id: 'x'\ndocker:\n    push_server: \
             'docker_reg'\n    repo: 'a/b'\n",
            "192.0.2.7",
        ),
    ] {
        let settings = read(name, text).unwrap();
        assert_eq!(settings.host, host);
        let files = |ca: bool, certificate: bool| {
            let path = |given: bool| given.then(|| PathBuf::from("x.pem"));
            let files = crate::client::TlsFiles { ca: path(ca), certificate: path(certificate), key: None };
            crate::client::tls::check_named(&settings, &files).map_err(|error| error.to_string())
        };
        assert!(files(false, false).unwrap_err().contains("--ca and --cert"), "{name}");
        assert!(files(false, true).unwrap_err().ends_with("--ca"), "{name}");
        assert!(files(true, false).unwrap_err().ends_with("--cert"), "{name}");
        assert_eq!(files(true, true), Ok(()));
    }
}

#[test]
fn a_push_server_name_that_is_not_an_address_is_not_a_registry() {
    let registry = |text: &str| {
        let settings = read("push", &format!(r#"{{"HOSTNAME": "h", {text} "UUID": "1"}}"#)).unwrap();
        settings.registry().map(str::to_owned)
    };
    assert_eq!(registry("").as_deref(), Some("docker.io"));
    for good in ["us.icr.io", "localhost", "registry:5000"] {
        assert_eq!(registry(&format!(r#""DOCKER_PUSH_SERVER": "{good}","#)).as_deref(), Some(good));
    }
    assert_eq!(registry(r#""DOCKER_PUSH_SERVER": "docker_reg","#), None);
}

#[test]
fn errors_never_show_the_value_of_a_setting() {
    for (name, text, says) in [
        ("no-host", r#"{"UUID": "hunter2"}"#, "HOSTNAME (CICD_PUBLIC_IP in files from 2021) is missing"),
        ("twice", r#"{"HOSTNAME": "hunter2", "hostname": "h", "UUID": "1"}"#, "setting HOSTNAME appears twice"),
        ("kind", r#"{"HOSTNAME": ["hunter2"], "UUID": "1"}"#, "setting HOSTNAME must be a string"),
        ("port", r#"{"HOSTNAME": "h", "UUID": "1", "CICD_PORT": "hunter2"}"#, "CICD_PORT is not a port"),
        ("host", r#"{"HOSTNAME": "hunter2@h/x", "UUID": "1"}"#, "HOSTNAME is not a host name"),
        ("cut", r#"{"HOSTNAME": "h", "SECRET": "hunter2""#, "line 1"),
        ("tail", r#"{"HOSTNAME": "h", "UUID": "1"} hunter2"#, "line 1"),
        ("yaml", "secret: hunter2\n", "secure_build_workers.sbs"),
        (
            "yaml-http",
            "secure_build_workers: {sbs: {url: 'http://hunter2', cert_path: a, key_path: b, ca_cert_path: c}}",
            "https://",
        ),
    ] {
        let error = read(name, text).unwrap_err();
        let shown = format!("{error} {} {error:?}", error.hint());
        assert!(shown.contains(says), "{name}: {shown}");
        assert!(!shown.contains("hunter2"), "{name}: {shown}");
        assert_eq!(error.exit_code(), 2, "{name}");
    }
}

#[test]
fn the_read_only_login_is_preferred() {
    let folder = std::env::temp_dir().join(format!("hpsb-audit-login-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("sbs-config.json");
    let login = |text: &str| {
        std::fs::write(&path, text).unwrap();
        registry_login(&path, &Limits::default()).unwrap().map(|login| login.user.expose().to_owned())
    };
    assert_eq!(login(r#"{"DOCKER_USER": "a", "DOCKER_PASSWORD": "x"}"#).as_deref(), Some("a"));
    assert_eq!(
        login(r#"{"DOCKER_USER": "a", "DOCKER_PASSWORD": "x", "docker_ro_user": "b", "DOCKER_RO_PASSWORD": "y"}"#)
            .as_deref(),
        Some("b")
    );
    assert_eq!(login(r#"{"DOCKER_USER": "a"}"#), None);
    std::fs::remove_dir_all(&folder).unwrap();
}
