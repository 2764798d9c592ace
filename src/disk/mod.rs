//! Files on the auditor's disk, read within limits.

pub mod folder;
