//! Basic types: text, names, numbers, time, bounds and errors.

pub(crate) mod budget;
pub(crate) mod build_name;
pub(crate) mod digest;
pub(crate) mod error;
pub(crate) mod escape;
pub(crate) mod features;
pub(crate) mod image_name;
pub(crate) mod limits;
pub(crate) mod mask;
pub(crate) mod memo;
pub(crate) mod set_aside;
pub(crate) mod strict_csv;
pub(crate) mod strict_json;
pub(crate) mod strict_yaml;
pub(crate) mod system;
#[cfg(test)]
pub(crate) mod test_figures;
pub(crate) mod time;
pub(crate) mod words;
