//! The sentences that conclude a comparison.

use super::{Row, Side, Weight};
use crate::image::ImageFacts;

pub(super) fn conclude(one: &Side, other: &Side, rows: &[Row]) -> String {
    match (&one.image, &other.image) {
        (Some(first), Some(second)) => of_images(first, second, rows),
        _ if rows.iter().any(Row::differs) => "A and B differ.".into(),
        _ => "No difference that counts was found.".into(),
    }
}

/// The parts that were not compared although a difference would count.
pub(super) fn not_compared(rows: &[Row]) -> Vec<String> {
    let parts = rows.iter().filter(|row| row.weight == Weight::Counts && !row.is_compared());
    parts.map(|row| row.part.clone()).collect()
}

fn of_images(first: &ImageFacts, second: &ImageFacts, rows: &[Row]) -> String {
    let same = |part: &str| rows.iter().any(|row| row.part == part && row.word() == "same");
    let sides = [("A", first), ("B", second)];
    if same("manifest") {
        let lacking = sides.iter().any(|(_, image)| image.layers.iter().any(|layer| layer.measured.is_none()));
        let according = if lacking { " (according to their documents: not every layer is available)" } else { "" };
        return format!("The two images are identical, byte for byte{according}.");
    }
    let (Some(one), Some(other)) = (&first.config, &second.config) else {
        return "It is not known whether the contents of the two images are the same: a configuration was not read."
            .into();
    };
    let answer = if same("config") {
        match first.manifest.is_some() && second.manifest.is_some() {
            true => {
                "The two images have the same configuration and content; only the manifest or the compression differs"
            }
            false => {
                "The two images have the same configuration and content; the manifest or the compression may differ"
            }
        }
    } else if one.diff_ids == other.diff_ids {
        "The two images have the same content; their configurations differ"
    } else {
        "The contents of the two images differ"
    };
    // The configurations' diff_ids count as the content only if they were recomputed.
    let stated: Vec<String> = sides.iter().flat_map(|(letter, image)| stated_only(letter, image)).collect();
    match stated.is_empty() {
        true => format!("{answer}."),
        false => format!("{answer} (according to their documents: {}).", stated.join("; ")),
    }
}

/// Why diff_ids of layers are only stated: each reason once, with its first layer and the number of further layers.
fn stated_only(letter: &str, image: &ImageFacts) -> Vec<String> {
    let mut reasons: Vec<(String, usize, usize)> = Vec::new();
    for (at, layer) in image.layers.iter().enumerate() {
        let Err(why) = layer.diff_id() else { continue };
        match reasons.iter_mut().find(|(known, ..)| *known == why) {
            Some((_, _, count)) => *count += 1,
            None => reasons.push((why, at + 1, 1)),
        }
    }
    let words = reasons.into_iter().map(|(why, first, count)| match count {
        1 => format!("layer {first} of {letter}: {why}"),
        _ => format!("layer {first} of {letter} and {} more: {why}", count - 1),
    });
    words.collect()
}
