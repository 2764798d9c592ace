//! What `podman kube play` does in addition to reading resources (containers/podman@c6580b4a, pkg/domain/infra/abi/play.go): if a folder is named
//! like an image and contains a Containerfile, podman builds an image from it and runs that image instead of the named one.

use super::super::Images;

/// Reports the images that podman would build from files next to the resources.
pub(in crate::workload) fn builds<'a>(paths: impl Iterator<Item = &'a str>, place: &str, images: &mut Images) {
    let folders: Vec<&str> = paths.filter_map(built_folder).collect();
    if folders.is_empty() {
        return;
    }
    let named = images.found.iter().filter_map(|used| used.image.as_ref().ok());
    let built: Vec<String> =
        named.map(|image| image_folder(&image.text)).filter(|name| folders.contains(name)).map(str::to_owned).collect();
    for name in std::collections::BTreeSet::from_iter(built) {
        let why = format!("podman may build an image from the folder {name} instead of fetching it: rename the folder");
        images.unknown(format!("{place}: {name}"), why);
    }
}

/// The folder's name, if the path is that of a Containerfile or Dockerfile.
fn built_folder(path: &str) -> Option<&str> {
    let (folder, file) = path.rsplit_once('/')?;
    let name = folder.rsplit('/').next()?;
    matches!(file, "Containerfile" | "Dockerfile").then_some(name)
}

/// The name of the folder that podman looks for (`imageNamePrefix`).
fn image_folder(image: &str) -> &str {
    let before_tag = image.split(':').next().unwrap_or_default();
    let last = before_tag.rsplit('/').next().unwrap_or_default();
    last.split('@').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_named_like_an_image_is_reported() {
        let answers = |image: &str, path: &str| {
            let mut images = Images::for_tests();
            images.name("c", image);
            builds([path].into_iter(), "play", &mut images);
            images.found.len() - 1
        };
        for (image, path) in [
            (
                "docker.io/acme/wallet@sha256:abababababababababababababababababababababababababababababababab",
                "wallet/Containerfile",
            ),
            ("wallet:v1", "wallet/Dockerfile"),
            ("acme/wallet", "a/wallet/Dockerfile"),
            // podman uses the text before the first colon, which is the host in this example.
            ("localhost:5000/wallet", "localhost/Dockerfile"),
        ] {
            assert_eq!(answers(image, path), 1, "{image} {path}");
        }
        for (image, path) in [
            ("acme/wallet", "Dockerfile"),
            ("acme/wallet", "other/Dockerfile"),
            ("acme/wallet", "wallet/readme"),
            ("acme/wallet", "wallet/sub/Dockerfile"),
        ] {
            assert_eq!(answers(image, path), 0, "{image} {path}");
        }
    }
}
