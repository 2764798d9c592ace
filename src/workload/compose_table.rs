//! Every key of a compose file, in the order of the schema: the Compose Specification in `check-jsonschema` 0.39.0 (PyPI;
//! `vendor/compose-spec.json`, SHA-256 d549057e…), which is newer than compose-spec/compose-spec@170098ba (2026-06-23): it adds `jobs`. Keys that
//! only podman-compose reads are from containers/podman-compose@e3df1047 (2026-08-11), docs/Extensions.md and podman_compose.py.
//!
//! A test compares the schema with this table. A key is harmless if nothing below it specifies an image and if it does not fetch or start anything.
//! Commands run in the image; host mounts, and drivers and runtimes installed on the host, count as part of the host.

use super::compose;
use super::table::Meaning::{Decisive, Harmless, Image, List, Mapping, Runs, Special};
use super::table::{Meaning, Table};

const ADVICE: &str = "remove the key, or begin its name with x- if the key is your own extension";
const USERS: &[&str] = &["x-"];

const fn table(name: &'static str, keys: &'static [(&'static str, Meaning)]) -> Table {
    Table { name, keys, extensions: USERS, advice: ADVICE }
}

/// The top level.
pub(super) static FILE: Table = table(
    "a compose file",
    &[
        ("version", Harmless),
        ("name", Harmless),
        ("include", Special(compose::include)),
        ("services", Special(compose::services)),
        ("models", Special(compose::models)),
        ("networks", Meaning::Named(&NETWORK)),
        ("volumes", Special(compose::named_volumes)),
        ("secrets", Meaning::Named(&SECRET)),
        ("configs", Meaning::Named(&CONFIG)),
        ("jobs", Special(compose::services)),
        ("x-podman", Mapping(&PODMAN)),
    ],
);

/// `container_spec` of the schema: the keys shared by services, jobs and pre_start hooks, followed by further keys.
macro_rules! container {
    ($($more:expr),* $(,)?) => {
        &[
            ("annotations", Special(compose::annotations)),
            ("blkio_config", Harmless),
            ("cap_add", Harmless),
            ("cap_drop", Harmless),
            ("cgroup", Harmless),
            ("cgroup_parent", Harmless),
            ("command", Harmless),
            ("configs", Harmless),
            ("cpu_count", Harmless),
            ("cpu_percent", Harmless),
            ("cpu_shares", Harmless),
            ("cpu_quota", Harmless),
            ("cpu_period", Harmless),
            ("cpu_rt_period", Harmless),
            ("cpu_rt_runtime", Harmless),
            ("cpus", Harmless),
            ("cpuset", Harmless),
            ("credential_spec", Harmless),
            ("device_cgroup_rules", Harmless),
            ("devices", Harmless),
            ("dns", Harmless),
            ("dns_opt", Harmless),
            ("dns_search", Harmless),
            ("domainname", Harmless),
            ("entrypoint", Harmless),
            ("env_file", Harmless),
            ("label_file", Harmless),
            ("environment", Harmless),
            ("extra_hosts", Harmless),
            ("gpus", Harmless),
            ("group_add", Harmless),
            ("hostname", Harmless),
            ("image", Image),
            ("init", Harmless),
            ("ipc", Harmless),
            ("isolation", Harmless),
            ("labels", Harmless),
            ("logging", Harmless),
            ("mac_address", Harmless),
            ("mem_limit", Harmless),
            ("mem_reservation", Harmless),
            ("mem_swappiness", Harmless),
            ("memswap_limit", Harmless),
            ("network_mode", Harmless),
            // The value lists names of top-level models. The images of these models are found at the top level.
            ("models", Harmless),
            ("networks", Harmless),
            ("oom_kill_disable", Harmless),
            ("oom_score_adj", Harmless),
            ("pid", Harmless),
            ("pids_limit", Harmless),
            ("platform", Harmless),
            ("privileged", Harmless),
            ("pull_policy", Harmless),
            ("pull_refresh_after", Harmless),
            ("read_only", Harmless),
            ("runtime", Special(compose::runtime)),
            ("security_opt", Harmless),
            ("shm_size", Harmless),
            ("secrets", Harmless),
            ("sysctls", Harmless),
            ("stop_grace_period", Harmless),
            ("stop_signal", Harmless),
            ("storage_opt", Harmless),
            ("tmpfs", Harmless),
            ("ulimits", Harmless),
            ("umask", Harmless),
            ("use_api_socket", Harmless),
            ("user", Harmless),
            ("uts", Harmless),
            ("userns_mode", Harmless),
            ("volumes", Special(compose::mounts)),
            ("volumes_from", Harmless),
            ("working_dir", Harmless),
            $($more,)*
        ]
    };
}

/// A service or a job.
pub(super) static SERVICE: Table = table(
    "a compose service",
    container![
        // workload_spec
        (
            "build",
            Runs(
                "the image is built on the host that runs it, so no manifest covers it: use a prebuilt image with a digest"
            )
        ),
        ("depends_on", Harmless),
        ("healthcheck", Harmless),
        ("ports", Harmless),
        ("expose", Harmless),
        ("stdin_open", Harmless),
        ("tty", Harmless),
        // service
        ("deploy", Mapping(&DEPLOY)),
        ("develop", Mapping(&DEVELOP)),
        ("profiles", Harmless),
        ("restart", Harmless),
        ("scale", Harmless),
        ("attach", Harmless),
        ("container_name", Harmless),
        (
            "provider",
            Runs(
                "an external program provides the service, and this file does not show what it runs: specify an image"
            )
        ),
        ("extends", Special(compose::extends)),
        ("links", Harmless),
        ("external_links", Harmless),
        ("pre_start", List(&BEFORE_START)),
        ("post_start", List(&HOOK)),
        ("pre_stop", List(&HOOK)),
        // job
        ("triggers", Harmless),
        // podman-compose
        ("x-podman", Mapping(&PODMAN_SERVICE)),
        ("x-podman.rootfs", Runs(ROOTFS)),
        ("x-podman.uidmaps", Harmless),
        ("x-podman.gidmaps", Harmless),
        ("x-podman.no_hosts", Harmless),
        ("x-podman.passwd", Harmless),
    ],
);

/// A hook that runs in a separate container. If the hook has no image, it uses the service's image.
static BEFORE_START: Table = table("a pre_start hook", container![("per_replica", Harmless)]);

/// A hook that runs in the service's container.
static HOOK: Table = table(
    "a hook",
    &[
        ("command", Harmless),
        ("user", Harmless),
        ("privileged", Harmless),
        ("working_dir", Harmless),
        ("environment", Harmless),
    ],
);

/// `extends` as a mapping.
pub(super) static EXTENDS: Table = table(
    "`extends`",
    &[
        ("service", Harmless),
        ("file", Runs("it extends a service in a file that was not read: use the output of `docker compose config`")),
    ],
);

static DEPLOY: Table = table(
    "`deploy`",
    &[
        ("mode", Harmless),
        ("endpoint_mode", Harmless),
        ("replicas", Harmless),
        ("labels", Harmless),
        ("rollback_config", Harmless),
        ("update_config", Harmless),
        ("resources", Harmless),
        ("restart_policy", Harmless),
        ("placement", Harmless),
    ],
);

static DEVELOP: Table = table("`develop`", &[("watch", List(&WATCH))]);

/// `rebuild` needs a `build`, which a separate rule reports as unknown.
static WATCH: Table = table(
    "a rule of `watch`",
    &[
        ("ignore", Harmless),
        ("include", Harmless),
        ("path", Harmless),
        ("action", Harmless),
        ("target", Harmless),
        ("exec", Mapping(&HOOK)),
        ("initial_sync", Harmless),
    ],
);

/// A mount of a service in the long form.
pub(super) static MOUNT: Table = table(
    "a volume of a service",
    &[
        ("type", Decisive(&["bind", "volume", "tmpfs", "cluster", "npipe", "image"])),
        // The image of the mount, if the type is `image`.
        ("source", Harmless),
        ("target", Harmless),
        ("read_only", Harmless),
        ("consistency", Harmless),
        ("bind", Mapping(&BIND)),
        ("volume", Mapping(&VOLUME)),
        ("tmpfs", Mapping(&TMPFS)),
        ("image", Mapping(&IMAGE)),
    ],
);

static BIND: Table = table(
    "`bind`",
    &[("propagation", Harmless), ("create_host_path", Harmless), ("recursive", Harmless), ("selinux", Harmless)],
);
static VOLUME: Table = table("`volume`", &[("labels", Harmless), ("nocopy", Harmless), ("subpath", Harmless)]);
static TMPFS: Table = table("`tmpfs`", &[("size", Harmless), ("mode", Harmless)]);
static IMAGE: Table = table("`image` of a volume", &[("subpath", Harmless)]);

static NETWORK: Table = table(
    "a network",
    &[
        ("name", Harmless),
        ("driver", Harmless),
        ("driver_opts", Harmless),
        ("ipam", Harmless),
        ("external", Harmless),
        ("internal", Harmless),
        ("enable_ipv4", Harmless),
        ("enable_ipv6", Harmless),
        ("attachable", Harmless),
        ("labels", Harmless),
    ],
);

/// A top-level volume.
pub(super) static NAMED_VOLUME: Table = table(
    "a volume",
    &[
        ("name", Harmless),
        ("driver", Special(compose::volume_driver)),
        // These options are read together with the driver `image`, whose image is specified here.
        ("driver_opts", Harmless),
        ("external", Harmless),
        ("labels", Harmless),
    ],
);

static SECRET: Table = table(
    "a secret",
    &[
        ("name", Harmless),
        ("environment", Harmless),
        ("file", Harmless),
        ("external", Harmless),
        ("labels", Harmless),
        ("driver", Harmless),
        ("driver_opts", Harmless),
        ("template_driver", Harmless),
    ],
);

static CONFIG: Table = table(
    "a config",
    &[
        ("name", Harmless),
        ("content", Harmless),
        ("environment", Harmless),
        ("file", Harmless),
        ("external", Harmless),
        ("labels", Harmless),
        ("template_driver", Harmless),
    ],
);

/// A model, which a model runner fetches like an image.
pub(super) static MODEL: Table =
    table("a model", &[("name", Harmless), ("model", Image), ("context_size", Harmless), ("runtime_flags", Harmless)]);

const ROOTFS: &str = "podman-compose runs this folder instead of the image: specify an image and remove this key";

static PODMAN: Table = Table {
    name: "`x-podman`",
    keys: &[
        ("in_pod", Harmless),
        ("pod_args", Special(compose::pod_arguments)),
        ("docker_compose_compat", Harmless),
        ("name_separator_compat", Harmless),
        ("default_net_name_compat", Harmless),
        ("default_net_behavior_compat", Harmless),
    ],
    extensions: &[],
    advice: "remove the key, because podman-compose reads this mapping",
};

static PODMAN_SERVICE: Table = Table {
    name: "`x-podman` of a service",
    keys: &[("rootfs", Runs(ROOTFS)), ("uidmaps", Harmless), ("gidmaps", Harmless), ("no_hosts", Harmless)],
    extensions: &[],
    advice: "remove the key, because podman-compose reads this mapping",
};
