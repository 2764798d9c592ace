//! Kinds of resources for secrets, databases, queues and storage.

use super::super::custom_templates as has;
use super::super::kinds::{
    Group,
    Role::{Elsewhere, NothingOfItsOwn as Nothing, RunsAt},
};
use super::{APPLIED, CHOSEN};

pub(super) static KINDS: &[Group] = &[
    // Secrets from external stores.
    (
        "external-secrets.io",
        &[
            ("ClusterExternalSecret", RunsAt(&has::EXTERNAL_SECRET)),
            ("ClusterPushSecret", Nothing),
            ("ClusterSecretStore", Nothing),
            ("ExternalSecret", RunsAt(&has::EXTERNAL_SECRET)),
            ("PushSecret", Nothing),
            ("SecretStore", Nothing),
        ],
    ),
    (
        "generators.external-secrets.io",
        &[
            ("ACRAccessToken", Nothing),
            ("ClusterGenerator", Nothing),
            ("ECRAuthorizationToken", Nothing),
            ("Fake", Nothing),
            ("GCRAccessToken", Nothing),
            ("GithubAccessToken", Nothing),
            ("Password", Nothing),
            ("QuayAccessToken", Nothing),
            ("SSHKey", Nothing),
            ("STSSessionToken", Nothing),
            ("UUID", Nothing),
            ("VaultDynamicSecret", Nothing),
            ("Webhook", Nothing),
        ],
    ),
    ("bitnami.com", &[("SealedSecret", Nothing)]),
    ("secrets-store.csi.x-k8s.io", &[("SecretProviderClass", Nothing), ("SecretProviderClassPodStatus", Nothing)]),
    (
        "secrets.hashicorp.com",
        &[
            ("HCPAuth", Nothing),
            ("HCPVaultSecretsApp", Nothing),
            ("SecretTransformation", Nothing),
            ("VaultAuth", Nothing),
            ("VaultAuthGlobal", Nothing),
            ("VaultConnection", Nothing),
            ("VaultDynamicSecret", Nothing),
            ("VaultPKISecret", Nothing),
            ("VaultStaticSecret", Nothing),
        ],
    ),
    // Databases and queues.
    (
        "kafka.strimzi.io",
        &[
            ("Kafka", Elsewhere(CHOSEN)),
            ("KafkaBridge", Elsewhere(CHOSEN)),
            ("KafkaConnect", Elsewhere(CHOSEN)),
            ("KafkaConnector", Nothing),
            ("KafkaMirrorMaker", Elsewhere(CHOSEN)),
            ("KafkaMirrorMaker2", Elsewhere(CHOSEN)),
            ("KafkaNodePool", Elsewhere(CHOSEN)),
            ("KafkaRebalance", Nothing),
            ("KafkaTopic", Nothing),
            ("KafkaUser", Nothing),
        ],
    ),
    ("core.strimzi.io", &[("StrimziPodSet", RunsAt(&has::POD_SET))]),
    (
        "postgresql.cnpg.io",
        &[
            ("Backup", Nothing),
            ("Cluster", Elsewhere(CHOSEN)),
            ("ClusterImageCatalog", Elsewhere(CHOSEN)),
            ("Database", Nothing),
            ("ImageCatalog", Elsewhere(CHOSEN)),
            ("Pooler", Elsewhere(CHOSEN)),
            ("Publication", Nothing),
            ("ScheduledBackup", Nothing),
            ("Subscription", Nothing),
        ],
    ),
    (
        "acid.zalan.do",
        &[("OperatorConfiguration", Elsewhere(CHOSEN)), ("PostgresTeam", Nothing), ("postgresql", Elsewhere(CHOSEN))],
    ),
    (
        "postgres-operator.crunchydata.com",
        &[("PGAdmin", Elsewhere(CHOSEN)), ("PGUpgrade", Elsewhere(CHOSEN)), ("PostgresCluster", Elsewhere(CHOSEN))],
    ),
    ("pxc.percona.com", &[("PerconaXtraDBCluster", Elsewhere(CHOSEN))]),
    ("psmdb.percona.com", &[("PerconaServerMongoDB", Elsewhere(CHOSEN))]),
    ("pgv2.percona.com", &[("PerconaPGCluster", Elsewhere(CHOSEN))]),
    ("mongodbcommunity.mongodb.com", &[("MongoDBCommunity", Elsewhere(CHOSEN))]),
    (
        "k8s.mariadb.com",
        &[
            ("Connection", Nothing),
            ("Database", Nothing),
            ("Grant", Nothing),
            ("MariaDB", Elsewhere(CHOSEN)),
            ("MaxScale", Elsewhere(CHOSEN)),
            ("User", Nothing),
        ],
    ),
    (
        "redis.redis.opstreelabs.in",
        &[
            ("Redis", Elsewhere(CHOSEN)),
            ("RedisCluster", Elsewhere(CHOSEN)),
            ("RedisReplication", Elsewhere(CHOSEN)),
            ("RedisSentinel", Elsewhere(CHOSEN)),
        ],
    ),
    ("databases.spotahome.com", &[("RedisFailover", Elsewhere(CHOSEN))]),
    (
        "rabbitmq.com",
        &[
            ("Binding", Nothing),
            ("Exchange", Nothing),
            ("Federation", Nothing),
            ("Permission", Nothing),
            ("Policy", Nothing),
            ("Queue", Nothing),
            ("RabbitmqCluster", Elsewhere(CHOSEN)),
            ("Shovel", Nothing),
            ("TopicPermission", Nothing),
            ("User", Nothing),
            ("Vhost", Nothing),
        ],
    ),
    ("minio.min.io", &[("Tenant", Elsewhere(CHOSEN))]),
    ("k8s.keycloak.org", &[("Keycloak", Elsewhere(CHOSEN)), ("KeycloakRealmImport", Elsewhere(CHOSEN))]),
    // Elastic.
    ("agent.k8s.elastic.co", &[("Agent", Elsewhere(CHOSEN))]),
    ("apm.k8s.elastic.co", &[("ApmServer", Elsewhere(CHOSEN))]),
    ("beat.k8s.elastic.co", &[("Beat", Elsewhere(CHOSEN))]),
    ("elasticsearch.k8s.elastic.co", &[("Elasticsearch", Elsewhere(CHOSEN))]),
    ("kibana.k8s.elastic.co", &[("Kibana", Elsewhere(CHOSEN))]),
    ("logstash.k8s.elastic.co", &[("Logstash", Elsewhere(CHOSEN))]),
    // Storage and backups.
    (
        "snapshot.storage.k8s.io",
        &[("VolumeSnapshot", Nothing), ("VolumeSnapshotClass", Nothing), ("VolumeSnapshotContent", Nothing)],
    ),
    (
        "groupsnapshot.storage.k8s.io",
        &[
            ("VolumeGroupSnapshot", Nothing),
            ("VolumeGroupSnapshotClass", Nothing),
            ("VolumeGroupSnapshotContent", Nothing),
        ],
    ),
    (
        "velero.io",
        &[
            ("Backup", Nothing),
            ("BackupStorageLocation", Nothing),
            ("Restore", Elsewhere(APPLIED)),
            ("Schedule", Nothing),
            ("VolumeSnapshotLocation", Nothing),
        ],
    ),
    ("objectbucket.io", &[("ObjectBucketClaim", Nothing)]),
    (
        "ceph.rook.io",
        &[
            ("CephBlockPool", Nothing),
            ("CephClient", Nothing),
            ("CephCluster", Elsewhere(CHOSEN)),
            ("CephFilesystem", Elsewhere(CHOSEN)),
            ("CephNFS", Elsewhere(CHOSEN)),
            ("CephObjectStore", Elsewhere(CHOSEN)),
            ("CephObjectStoreUser", Nothing),
        ],
    ),
];
