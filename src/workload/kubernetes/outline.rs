//! Custom resources whose schema is not ours to repeat: where their pod templates are, and a look at all else.

use serde_json::{Map, Value};

use super::super::table::Meaning;
use super::super::{Images, below};
use super::look;

/// Places of a custom resource that matter. Other keys are looked through: what may name an image there is unknown.
pub(super) struct Outline {
    /// Keys with what they mean; `*` is every other key.
    pub(super) keys: &'static [(&'static str, Place)],
}

/// What a key of an outline leads to.
#[derive(Clone, Copy)]
pub(super) enum Place {
    /// A value of a closed-world table.
    Is(Meaning),
    /// A mapping, or lists of mappings, with an outline of its own.
    Has(&'static Outline),
}

const WHY: &str =
    "this place of the kind is in no table. Leave it out, or give the pods that its controller makes of it";

/// No place that is known to matter.
pub(super) static EMPTY: Outline = Outline { keys: &[] };

impl Outline {
    /// Reads a resource, whose spec this is the outline of.
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
