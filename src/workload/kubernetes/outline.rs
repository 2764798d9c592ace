//! Custom resources whose schema is defined elsewhere: the positions of their pod templates, and a search of all other
//! fields.

use serde_json::{Map, Value};

use super::super::table::Meaning;
use super::super::{Images, below};
use super::look;

/// The relevant fields of a custom resource. All other keys are searched: a value that may specify an image is reported
/// as unknown.
pub(super) struct Outline {
    /// Keys with their meaning; `*` matches every other key.
    pub(super) keys: &'static [(&'static str, Place)],
}

/// The meaning of a key of an outline.
#[derive(Clone, Copy)]
pub(super) enum Place {
    /// The key's value has a meaning from a closed-world table.
    Is(Meaning),
    /// The key's value is a mapping, or a list of mappings, with a separate outline.
    Has(&'static Outline),
}

const WHY: &str =
    "this field is not recognised. Remove the field, or pass the pods that the object's controller creates";

/// An outline without any listed keys.
pub(super) static EMPTY: Outline = Outline { keys: &[] };

impl Outline {
    /// Reads a resource. This outline describes the spec of the resource.
    pub(super) fn read_resource(&self, fields: &Map<String, Value>, place: &str, images: &mut Images) {
        for (key, value) in fields {
            let place = below(place, key);
            match key.as_str() {
                "apiVersion" | "kind" | "metadata" | "status" | "items" => {}
                "spec" => self.read(value, &place, images),
                _ => look::through(key, value, &place, WHY, images),
            }
        }
    }

    pub(super) fn read(&self, value: &Value, place: &str, images: &mut Images) {
        match value {
            Value::Array(items) => {
                for (at, item) in items.iter().enumerate() {
                    self.read(item, &format!("{place}[{at}]"), images);
                }
            }
            Value::Object(fields) => {
                for (key, value) in fields {
                    let place = below(place, key);
                    match self.place(key) {
                        Some(Place::Is(meaning)) => meaning.read(key, value, &place, images),
                        Some(Place::Has(outline)) => outline.read(value, &place, images),
                        None => look::through(key, value, &place, WHY, images),
                    }
                }
            }
            _ => {}
        }
    }

    fn place(&self, key: &str) -> Option<Place> {
        let named = |name: &str| self.keys.iter().find(|(known, _)| *known == name).map(|(_, place)| *place);
        named(key).or_else(|| named("*"))
    }
}
