//! Images written by hand: every byte is chosen here, so that malformed images can also be written.

use serde_json::{Value, json};

use super::inputs;
use super::signing::sha256;
use super::tar::{self, Entry};

/// A layer: its unpacked content, and how it is stored.
#[derive(Clone)]
pub struct Layer {
    pub content: Vec<u8>,
    pub blob: Vec<u8>,
    pub media_type: &'static str,
}

/// An image in Docker's format, as pushed.
#[derive(Clone)]
pub struct Image {
    pub layers: Vec<Layer>,
    pub config: Value,
    /// Fields that replace the computed ones in the manifest.
    pub manifest: Value,
    /// White space before each document.
    pub before: &'static str,
}

pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
pub const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
pub const GZIP_LAYER: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";

pub fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", super::encoding::hex(&sha256(bytes)))
}

impl Layer {
    pub fn gzip(content: Vec<u8>) -> Self {
        Self { blob: gzip(&content), content, media_type: GZIP_LAYER }
    }

    pub fn zstd(content: Vec<u8>) -> Self {
        Self { blob: zstd(&content), content, media_type: "application/vnd.oci.image.layer.v1.tar+zstd" }
    }

    pub fn plain(content: Vec<u8>) -> Self {
        Self { blob: content.clone(), content, media_type: "application/vnd.docker.image.rootfs.diff.tar" }
    }
}

impl Image {
    /// A base layer and the wallet, for s390x, with the history of the recorded log's last stage.
    pub fn wallet() -> Self {
        let base = tar::archive(&[Entry::directory("etc"), Entry::file("etc/os-release", "ID=debian\n")]);
        let own = tar::archive(&[
            Entry::directory("usr/local/bin"),
            Entry { mode: 0o755, ..Entry::file("usr/local/bin/wallet", "\x7fELF a wallet\n") },
            Entry::file("srv/web/index.html", "<h1>wallet</h1>\n"),
        ]);
        let step = |created_by: &str, empty: bool| json!({"created": "2026-03-02T10:15:13.9Z", "created_by": created_by, "empty_layer": empty});
        let config = json!({
            "architecture": "s390x",
            "config": {"Cmd": ["/usr/local/bin/wallet"], "Labels": {"org.opencontainers.image.revision": inputs::head_commit()}},
            "created": "2026-03-02T10:15:13.970Z",
            "docker_version": "20.10.21",
            "history": [
                step("/bin/sh -c #(nop) ADD file:0123456789abcdef in / ", false),
                step("/bin/sh -c #(nop)  CMD [\"bash\"]", true),
                step("/bin/sh -c #(nop) COPY file:0123456789abcdef in /usr/local/bin/wallet ", false),
                step("/bin/sh -c #(nop) COPY dir:0123456789abcdef in /srv/web ", true),
                step("/bin/sh -c #(nop)  EXPOSE 8443", true),
                step("/bin/sh -c #(nop)  CMD [\"/usr/local/bin/wallet\"]", true),
            ],
            "os": "linux",
        });
        Self { layers: vec![Layer::gzip(base), Layer::gzip(own)], config, manifest: json!({}), before: "" }
    }

    /// The configuration's bytes; `rootfs` is computed from the layers unless it is already set.
    pub fn config_bytes(&self) -> Vec<u8> {
        let mut config = self.config.clone();
        if config.get("rootfs").is_none() {
            let ids: Vec<String> = self.layers.iter().map(|layer| digest(&layer.content)).collect();
            config["rootfs"] = json!({"type": "layers", "diff_ids": ids});
        }
        format!("{}{config}", self.before).into_bytes()
    }

    pub fn manifest_bytes(&self) -> Vec<u8> {
        let config = self.config_bytes();
        let layers: Vec<Value> = self
            .layers
            .iter()
            .map(
                |layer| json!({"mediaType": layer.media_type, "size": layer.blob.len(), "digest": digest(&layer.blob)}),
            )
            .collect();
        let mut manifest = json!({
            "schemaVersion": 2,
            "mediaType": DOCKER_MANIFEST,
            "config": {"mediaType": "application/vnd.docker.container.image.v1+json", "size": config.len(), "digest": digest(&config)},
            "layers": layers,
        });
        for (field, value) in self.manifest.as_object().unwrap() {
            manifest[field] = value.clone();
        }
        format!("{}{manifest:#}", self.before).into_bytes()
    }

    /// The image id as docker's classic builder prints it.
    pub fn id_12(&self) -> String {
        digest(&self.config_bytes())["sha256:".len()..][..12].to_owned()
    }

    pub fn digest(&self) -> String {
        digest(&self.manifest_bytes())
    }

    /// The descriptor of the manifest, for an index.
    pub fn descriptor(&self) -> Value {
        let manifest = self.manifest_bytes();
        json!({"mediaType": DOCKER_MANIFEST, "size": manifest.len(), "digest": digest(&manifest)})
    }

    pub fn blobs(&self) -> Vec<Entry> {
        let mut blobs = vec![blob(self.config_bytes())];
        blobs.extend(self.layers.iter().map(|layer| blob(layer.blob.clone())));
        blobs
    }

    /// The files of an OCI layout with exactly these bytes.
    pub fn layout(&self) -> Vec<Entry> {
        let mut entries = layout_of(&[self.descriptor()]);
        entries.push(blob(self.manifest_bytes()));
        entries.extend(self.blobs());
        entries
    }

    /// The files of a docker-archive, as `docker save` writes them.
    pub fn saved(&self) -> Vec<Entry> {
        let config = self.config_bytes();
        let name = format!("{}.json", &digest(&config)["sha256:".len()..]);
        let path = |layer: &Layer| format!("{}/layer.tar", &digest(&layer.content)["sha256:".len()..]);
        let paths: Vec<String> = self.layers.iter().map(path).collect();
        let mut entries: Vec<Entry> = self
            .layers
            .iter()
            .zip(&paths)
            .map(|(layer, path)| Entry::file(path.as_bytes(), layer.content.clone()))
            .collect();
        let list = json!([{"Config": name, "RepoTags": ["acme/wallet:latest"], "Layers": paths}]);
        entries.push(Entry::file(name, config));
        entries.push(Entry::file("manifest.json", list.to_string()));
        entries
    }
}

/// A layout's blob, named by its digest.
pub fn blob(bytes: Vec<u8>) -> Entry {
    Entry::file(format!("blobs/sha256/{}", &digest(&bytes)["sha256:".len()..]), bytes)
}

/// `oci-layout` and an `index.json` with these entries.
pub fn layout_of(manifests: &[Value]) -> Vec<Entry> {
    let index = json!({"schemaVersion": 2, "manifests": manifests});
    vec![Entry::file("oci-layout", r#"{"imageLayoutVersion": "1.0.0"}"#), Entry::file("index.json", index.to_string())]
}

/// An index in Docker's format for several images, each with its platform.
pub fn list_of(images: &[(&Image, &str)]) -> Vec<u8> {
    let manifests: Vec<Value> = images
        .iter()
        .map(|(image, architecture)| {
            let mut descriptor = image.descriptor();
            descriptor["platform"] = json!({"os": "linux", "architecture": architecture});
            descriptor
        })
        .collect();
    let list = json!({"schemaVersion": 2, "mediaType": DOCKER_LIST, "manifests": manifests});
    serde_json::to_vec_pretty(&list).unwrap()
}

/// The entry with this path.
pub fn entry<'e>(entries: &'e mut [Entry], path: &str) -> &'e mut Entry {
    entries.iter_mut().find(|entry| entry.path == path.as_bytes()).unwrap()
}

/// One gzip member (RFC 1952) of stored blocks (RFC 1951, 3.2.4), so that the bytes do not depend on a compressor's version.
pub fn gzip(content: &[u8]) -> Vec<u8> {
    let mut out = b"\x1f\x8b\x08\0\0\0\0\0\0\xff".to_vec();
    let blocks: Vec<&[u8]> = if content.is_empty() { vec![&[]] } else { content.chunks(0xffff).collect() };
    for (at, block) in blocks.iter().enumerate() {
        out.push(u8::from(at + 1 == blocks.len()));
        out.extend((block.len() as u16).to_le_bytes());
        out.extend((!(block.len() as u16)).to_le_bytes());
        out.extend(*block);
    }
    let mut crc = flate2::Crc::new();
    crc.update(content);
    out.extend(crc.sum().to_le_bytes());
    out.extend((content.len() as u32).to_le_bytes());
    out
}

/// One zstd frame (RFC 8878, 3.1.1) of raw blocks.
pub fn zstd(content: &[u8]) -> Vec<u8> {
    let mut out = vec![0x28, 0xb5, 0x2f, 0xfd, 0xa0];
    out.extend((content.len() as u32).to_le_bytes());
    let blocks: Vec<&[u8]> = if content.is_empty() { vec![&[]] } else { content.chunks(1 << 16).collect() };
    for (at, block) in blocks.iter().enumerate() {
        let header = (block.len() as u32) << 3 | u32::from(at + 1 == blocks.len());
        out.extend(&header.to_le_bytes()[..3]);
        out.extend(*block);
    }
    out
}
