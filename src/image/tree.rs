//! The files of a layer, to say which of them differ from another layer's.
