//! The statements of the verified manifest about the built image, for the index of builds.

use super::Evidence;
use crate::base::image_name::repository_of;
use crate::judge::builds::BuiltImage;
use crate::manifest::build_log::LogEvent;

impl Evidence<'_> {
    /// The statements of the signed log about the pushed image.
    pub fn built_image(&self) -> BuiltImage {
        let mut image = BuiltImage {
            commit: self.source.and_then(|proof| {
                proof.commit.as_ref()?;
                Some(proof.head.as_ref().ok()?.commit.to_string())
            }),
            built: self.build_time(),
            ..BuiltImage::default()
        };
        let Some(log) = self.log() else { return image };
        image.pushed = log.pushed().map(|(tag, digest, _)| (tag.to_owned(), digest)).collect();
        image.pushed.sort_unstable();
        image.pushed.dedup();
        let mut keys: Vec<&String> = Vec::new();
        for event in log.push_events() {
            image.repositories.extend(event.image_name().map(repository_of));
            if let LogEvent::PublicKey(key) = event {
                keys.push(key);
            }
        }
        image.repositories.sort();
        image.repositories.dedup();
        keys.dedup();
        // If the log records several keys, none of them is used: see the check `log-key`.
        image.root_key = if let [one] = keys.as_slice() { Some((*one).clone()) } else { None };
        image
    }
}
