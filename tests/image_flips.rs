//! A changed byte of an image archive is detected, has no effect, or changes the image's digest; none crashes the program.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use hpsb_audit::Limits;
use hpsb_audit::image::{Choice, ImageFacts, read_archive};
use support::image::Image;
use support::tar;

fn read(bytes: &[u8]) -> Option<ImageFacts> {
    read_archive("image", bytes, &Choice::default(), &Limits::default()).ok()
}

/// Whether all digests and sizes in the documents match the bytes.
fn is_sound(image: &ImageFacts) -> bool {
    let (Some(config), true) = (&image.config, image.faults.is_empty()) else { return false };
    let named =
        image.config_descriptor.as_ref().is_none_or(|said| (said.digest, said.size) == (config.digest, config.size));
    let layers = image.layers.iter().zip(&config.diff_ids).all(|(layer, diff_id)| {
        let Some(measured) = &layer.measured else { return false };
        let blob =
            layer.descriptor.as_ref().is_none_or(|said| (said.digest, said.size) == (measured.digest, measured.size));
        blob && measured.content.as_ref().is_ok_and(|(found, _)| found == diff_id)
    });
    named && layers && image.layers.len() == config.diff_ids.len()
}

#[test]
fn every_changed_byte_is_detected_has_no_effect_or_changes_the_digest() {
    let wallet = Image::wallet();
    for (form, entries) in [("layout", wallet.layout()), ("saved", wallet.saved())] {
        let good = tar::archive(&entries);
        let whole = read(&good).unwrap();
        assert!(is_sound(&whole), "{form}: {whole:?}");
        for at in (0..good.len()).filter(|at| good[*at] != 0 || at % 97 == 0).step_by(3) {
            let mut changed = good.clone();
            changed[at] ^= 1;
            let Some(found) = read(&changed).filter(is_sound) else { continue };
            // Changed times, owners or file names of the archive have no effect, and neither does a
            // changed name in index.json or RepoTags.
            let parts = |image: &ImageFacts| (image.manifest.clone(), image.config.clone(), image.layers.clone());
            let same = parts(&found) == parts(&whole);
            let is_another_image =
                found.manifest != whole.manifest || (whole.manifest.is_none() && found.config != whole.config);
            assert!(same || is_another_image, "{form}: byte {at}");
        }
    }
}

#[test]
fn every_truncation_of_the_content_is_detected() {
    let good = tar::archive(&Image::wallet().layout());
    let end = good.iter().rposition(|byte| *byte != 0).unwrap();
    for length in (0..end).step_by(31) {
        assert!(!read(&good[..length]).as_ref().is_some_and(is_sound), "cut at {length}");
    }
}
