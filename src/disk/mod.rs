//! Files of the auditor's disk, read within bounds.

pub mod folder;
